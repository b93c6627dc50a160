// conv_flip: y[g, c, m, t] = x[g, m, c, taps - 1 - t], the weights for the input gradient
// Shapes    x [groups, m, c, taps]   y [groups, c, m, taps]
// Bindings  0 read x | 1 read_write y | 2 uniform Params
// Workgroup [WG, 1, 1], grid [ceil(count / WG), folded to 3 dimensions]
// Overrides WG = 64
// Reference src/ops/conv/kernels.rs

override WG: u32 = 64u;

struct Params {
    m: u32,
    c: u32,
    taps: u32,
    count: u32, // elements
    m_inverse: f32,
    c_inverse: f32,
    taps_inverse: f32,
    unused: u32,
}

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
    let pair = quotient(e, params.taps, params.taps_inverse);
    let t = e - pair * params.taps;
    let row = quotient(pair, params.m, params.m_inverse);
    let m = pair - row * params.m;
    let g = quotient(row, params.c, params.c_inverse);
    let c = row - g * params.c;
    y[e] = x_get(((g * params.m + m) * params.c + c) * params.taps + params.taps - 1u - t);
}
