// conv_pad: y[p, before_h + step_h i, before_w + step_w j] = x[p, i, j], and 0 elsewhere
// Shapes    x [planes, inner.x, inner.y]   y [planes, outer.x, outer.y]
// Bindings  0 read x | 1 read_write y | 2 uniform Params
// Workgroup [WG, 1, 1], grid [ceil(count / WG), folded to 3 dimensions]
// Overrides WG = 64
// Reference src/ops/conv/kernels.rs

override WG: u32 = 64u;

struct Params {
    inner: vec2<u32>,
    outer: vec2<u32>,
    before: vec2<u32>, // wraps around where the first elements of x lie outside of y
    step: vec2<u32>,
    outer_inverse: vec2<f32>,
    step_inverse: vec2<f32>,
    count: u32, // elements of y
    unused: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) size: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let e = linear_group(group, size) * WG + lane;
    if e >= params.count { return; }
    let line = quotient(e, params.outer.y, params.outer_inverse.y);
    let plane = quotient(line, params.outer.x, params.outer_inverse.x);
    // Before the first element these wrap around to large numbers; their limit keeps `quotient` exact.
    let most = vec2<u32>(0x3fffffffu);
    let at = vec2<u32>(line - plane * params.outer.x, e - line * params.outer.y) - params.before;
    let distance = min(at, most);
    let i = quotient(distance.x, params.step.x, params.step_inverse.x);
    let j = quotient(distance.y, params.step.y, params.step_inverse.y);
    var value = 0.0;
    if i < params.inner.x && j < params.inner.y && i * params.step.x == at.x && j * params.step.y == at.y {
        value = x[(plane * params.inner.x + i) * params.inner.y + j];
    }
    y[e] = value;
}
