// ctc: loss[b] = -ln(sum over the paths with these labels of the product of their probabilities), by a recursion over time
// Shapes    log_p [batch, time, classes]   labels [batch, labels]   frames [batch]   counts [batch]   up_to [batch, rows, 2 labels + 1]   loss [batch]
// Bindings  0 read log_p | 1 read labels | 2 read frames | 3 read counts | 4 read_write up_to | 5 read_write loss | 6 uniform Params
// Workgroup [WG, 1, 1], a workgroup per sample, grid [batch, folded to 3 dimensions]
// Overrides WG = 64
// Reference src/ops/ctc/reference.rs
//
// Keeps as many of the rows of states as up_to has room for. Parts: lib/index, lib/ctc.

override WG: u32 = 64u;

@group(0) @binding(0) var<storage, read> log_p: array<f32>;
@group(0) @binding(1) var<storage, read> labels: array<u32>;
@group(0) @binding(2) var<storage, read> frames: array<u32>;
@group(0) @binding(3) var<storage, read> counts: array<u32>;
@group(0) @binding(4) var<storage, read_write> up_to: array<f32>;
@group(0) @binding(5) var<storage, read_write> loss: array<u32>;
@group(0) @binding(6) var<uniform> params: Params;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) size: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let sample = linear_group(group, size);
    if sample >= params.batch { return; }
    let width = 2u * params.labels + 1u;
    let states = 2u * min(counts[sample], params.labels) + 1u;
    let time = min(frames[sample], params.time);
    let first = sample * params.rows * width;
    var before = first;
    for (var t = 0u; t < time; t++) {
        let row = first + t % params.rows * width;
        for (var state = lane; state < states; state += WG) {
            var sum = NONE;
            if t > 0u {
                let at = before + state;
                var one = NONE;
                var two = NONE;
                if state > 0u { one = up_to[at - 1u]; }
                if skips(sample, state) { two = up_to[at - 2u]; }
                sum = log_sum(up_to[at], one, two);
            } else if state < 2u {
                sum = 0.0;
            }
            up_to[row + state] = not_below_none(sum + emitted(sample, t, state));
        }
        before = row;
        storageBarrier();
    }
    if lane > 0u { return; }
    var total = NONE;
    if time > 0u {
        var label = NONE;
        if states > 1u { label = up_to[before + states - 2u]; }
        total = log_sum(up_to[before + states - 1u], label, NONE);
    } else if states == 1u {
        total = 0.0;
    }
    loss[sample] = select(bitcast<u32>(0.0 - total), params.impossible, total < POSSIBLE);
}
