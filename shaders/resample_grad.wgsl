// resample_grad: dx[p, r, c] = sum over the users (i, j) of (r, c) of weight_h(i, r) weight_w(j, c) dy[p, i, j]
// Shapes    dy [planes, h.to, w.to]   dx [planes, h.n, w.n]
// Bindings  0 read dy | 1 uniform Params | then those of the epilogue, which stores dx
// Workgroup [WG, 1, 1], grid [ceil(count / WG), folded to 3 dimensions]
// Overrides WG = 64
// Reference src/ops/resample.rs
//
// Parts: lib/resample and one lib/resample_*.

override WG: u32 = 64u;

@group(0) @binding(0) var<storage, read> dy: array<f32>;
@group(0) @binding(1) var<uniform> params: Params;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) size: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let e = linear_group(group, size) * WG + lane;
    if e >= params.count { return; }
    let line = e / params.w.n;
    let plane = line / params.h.n;
    let r = line % params.h.n;
    let c = e % params.w.n;
    let down = users(params.h, r);
    let across = users(params.w, c);
    var sum = 0.0;
    for (var i = down.x; i < down.y; i++) {
        let weight_h = weight(params.h, i, r);
        for (var j = across.x; j < across.y; j++) {
            sum = fma(weight_h * weight(params.w, j, c), dy[(plane * params.h.to + i) * params.w.to + j], sum);
        }
    }
    epilogue(sum, e);
}
