// concat: y[o, before + j] = x[o, j] for one of the tensors; elements are moved as bits, in units of U
// Shapes    x [outer, run]   y [outer, pitch]
// Bindings  0 read x | 1 read_write y | 2 uniform Params
// Workgroup [WG, 1, 1], grid [ceil(outer run / WG), folded to 3 dimensions]
// Overrides WG = 64
// Reference src/ops/concat.rs

override WG: u32 = 64u;

struct Params { outer: u32, run: u32, pitch: u32, before: u32 }

@group(0) @binding(0) var<storage, read> x: array<U>;
@group(0) @binding(1) var<storage, read_write> y: array<U>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) size: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_group(group, size) * WG + lane;
    if i >= params.outer * params.run { return; }
    y[i / params.run * params.pitch + params.before + i % params.run] = x[i];
}
