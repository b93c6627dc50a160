// resample: y[p, i, j] = sum over the taps (r, c) of (i, j) of weight_h(i, r) weight_w(j, c) x[p, r, c]
// Shapes    x [planes, h.n, w.n]   y [planes, h.to, w.to]
// Bindings  0 read x | 1 uniform Params | then those of the epilogue, which stores y
// Workgroup [WG, 1, 1], grid [ceil(count / WG), folded to 3 dimensions]
// Overrides WG = 64
// Reference src/ops/resample.rs
//
// Parts: lib/resample and one lib/resample_*.

override WG: u32 = 64u;

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<uniform> params: Params;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) size: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let e = linear_group(group, size) * WG + lane;
    if e >= params.count { return; }
    let line = e / params.w.to;
    let plane = line / params.h.to;
    let i = line % params.h.to;
    let j = e % params.w.to;
    let down = taps(params.h, i);
    let across = taps(params.w, j);
    var sum = 0.0;
    for (var r = down.x; r < down.y; r++) {
        let weight_h = weight(params.h, i, r);
        for (var c = across.x; c < across.y; c++) {
            sum = fma(weight_h * weight(params.w, j, c), x[(plane * params.h.n + r) * params.w.n + c], sum);
        }
    }
    epilogue(sum, e);
}
