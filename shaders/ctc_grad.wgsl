// ctc_grad: dx[b, t, c] = -dy[b] (sum of p[b, t, i] over the states i of class c), for the classes of the labels and the blank
// Shapes    p [batch, time, 2 labels + 1]   loss [batch]   labels [batch, labels]   frames [batch]   counts [batch]   dy [batch]   dx [batch, time, classes]
// Bindings  0 read p | 1 read loss | 2 read labels | 3 read frames | 4 read counts | 5 read dy | 6 read_write dx | 7 uniform Params
// Workgroup [WG, 1, 1], an invocation per label or blank of a sample and time, grid [folded to 3 dimensions]
// Overrides WG = 64
// Reference src/ops/ctc/reference.rs
//
// Other elements of dx are already 0. The first one of equal labels sums all of them. Parts:
// lib/index.

override WG: u32 = 64u;

struct Params { batch: u32, time: u32, classes: u32, labels: u32, rows: u32, blank: u32, impossible: u32 }

@group(0) @binding(0) var<storage, read> p: array<f32>;
@group(0) @binding(1) var<storage, read> loss: array<u32>;
@group(0) @binding(2) var<storage, read> labels: array<u32>;
@group(0) @binding(3) var<storage, read> frames: array<u32>;
@group(0) @binding(4) var<storage, read> counts: array<u32>;
@group(0) @binding(5) var<storage, read> dy: array<f32>;
@group(0) @binding(6) var<storage, read_write> dx: array<f32>;
@group(0) @binding(7) var<uniform> params: Params;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) size: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let e = linear_group(group, size) * WG + lane;
    let i = e % (params.labels + 1u);
    let row = e / (params.labels + 1u);
    if row >= params.batch * params.time { return; }
    let sample = row / params.time;
    if row % params.time >= frames[sample] || loss[sample] == params.impossible { return; }
    let count = min(counts[sample], params.labels);
    let first = sample * params.labels;
    let states = row * (2u * params.labels + 1u);
    var sum = 0.0;
    var number = params.blank;
    if i < params.labels {
        if i >= count { return; }
        number = labels[first + i];
        if number == params.blank || number >= params.classes { return; }
        for (var k = 0u; k < i; k++) {
            if labels[first + k] == number { return; }
        }
        for (var k = i; k < count; k++) {
            if labels[first + k] == number { sum += p[states + 2u * k + 1u]; }
        }
    } else {
        for (var k = 0u; k <= count; k++) { sum += p[states + 2u * k]; }
    }
    dx[row * params.classes + number] = 0.0 - dy[sample] * sum;
}
