// pad: y[o, before + step i, j] = x[o, i, j], and value elsewhere; elements are moved as bits
// Shapes    x [outer, n, inner]   y [outer, to, inner]
// Bindings  0 read x | 1 read_write y | 2 uniform Params
// Workgroup [WG, 1, 1], grid [ceil(outer to inner / WG), folded to 3 dimensions]
// Overrides WG = 64
// Reference src/ops/pad.rs

override WG: u32 = 64u;

struct Params { outer: u32, n: u32, inner: u32, before: u32, step: u32, to: u32, value: u32 }

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) size: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let e = linear_group(group, size) * WG + lane;
    if e >= params.outer * params.to * params.inner { return; }
    let j = e % params.inner;
    let at = e / params.inner % params.to;
    let o = e / (params.inner * params.to);
    // Indices before the first element wrap around to large numbers, which are past the last one.
    let distance = at - params.before;
    let i = distance / params.step;
    var value = params.value;
    if at >= params.before && distance % params.step == 0u && i < params.n {
        value = x[(o * params.n + i) * params.inner + j];
    }
    y[e] = value;
}
