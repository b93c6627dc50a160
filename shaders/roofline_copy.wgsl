// roofline_copy: y[i] = x[i] to measure the memory bandwidth
// Shapes    x, y [vectors] vectors of four
// Bindings  0 read x | 1 read_write y | 2 uniform Params
// Workgroup [WG, 1, 1], grid [ceil(vectors / WG), folded to 3 dimensions]
// Overrides WG = 64
// Reference src/exec/roofline.rs

override WG: u32 = 64u;

struct Params { vectors: u32 }

@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) size: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_group(group, size) * WG + lane;
    if i < params.vectors { y[i] = x[i]; }
}
