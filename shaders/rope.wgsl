// rope: y[t, h, j] = x[t, h, j] cos(t, pair) -+ x[t, h, partner] sin(t, pair), for the first r features of the first rotated heads
// Shapes    x [.., t, heads, d]   table [t, r], cosines then sines   y [.., t, heads, d]
// Bindings  0 read x | 1 read table | 2 read_write y | 3 uniform Params
// Workgroup [WG, 1, 1], grid [ceil(count / WG), folded to 3 dimensions]
// Overrides WG = 64
// Reference src/ops/rope.rs

override WG: u32 = 64u;

struct Params {
    count: u32,
    t: u32,
    heads: u32,
    d: u32,
    r: u32,
    rotated: u32,
    interleaved: u32,
    inverse: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> table: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) size: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_group(group, size) * WG + lane;
    if i >= params.count { return; }
    let j = i % params.d;
    let token = i / params.d;
    var value = x[i];
    if token % params.heads < params.rotated && j < params.r {
        let half = params.r / 2u;
        var pair = j % half;
        var first = j < half;
        var partner = select(j - half, j + half, first);
        if params.interleaved != 0u {
            pair = j / 2u;
            first = j % 2u == 0u;
            partner = j ^ 1u;
        }
        let at = token / params.heads % params.t * params.r + pair;
        let sign = select(-1.0, 1.0, first == (params.inverse != 0u));
        value = fma(sign * x[i - j + partner], table[at + half], value * table[at]);
    }
    y[i] = value;
}
