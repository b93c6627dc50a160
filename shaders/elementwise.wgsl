// elementwise: a chain of functions, applied to four elements per invocation
// Shapes    all [count] vectors of four; the last one may extend into the padding of the slots
// Bindings  0 uniform Params | then those of the chain
// Workgroup [WG, 1, 1], grid [ceil(count / WG), folded to 3 dimensions]
// Overrides WG = 64
// Reference src/ops/elementwise.rs

override WG: u32 = 64u;

struct Params { count: u32 }

@group(0) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) size: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_group(group, size) * WG + lane;
    if i < params.count { epilogue(F(), i); }
}
