// take_along: y[o, i, j] = x[o, ids[o, i, j], j], and 0 past the end of the axis; elements are moved as bits
// Shapes    x [outer, n, inner]   ids [outer, m, inner]   y [outer, m, inner]
// Bindings  0 read x | 1 read ids | 2 read_write y | 3 uniform Params
// Workgroup [WG, 1, 1], grid [ceil(count / WG), folded to 3 dimensions]
// Overrides WG = 64
// Reference src/ops/take_along.rs

override WG: u32 = 64u;

struct Params { count: u32, n: u32, m: u32, inner: u32 }

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read> ids: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) size: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let e = linear_group(group, size) * WG + lane;
    if e >= params.count { return; }
    let id = ids[e];
    var value = 0u;
    if id < params.n {
        value = x[(e / (params.m * params.inner) * params.n + id) * params.inner + e % params.inner];
    }
    y[e] = value;
}
