// radix_pairs: pairs[i] = (min(keys[i], most), i)
// Shapes    keys [count]   pairs [count]
// Bindings  0 read keys | 1 read_write pairs | 2 uniform Params
// Workgroup [WG, 1, 1], grid [ceil(count / WG), folded to 3 dimensions]
// Overrides WG = 64
// Reference src/ops/scatter_add.rs

override WG: u32 = 64u;

struct Params { count: u32, most: u32 }

@group(0) @binding(0) var<storage, read> keys: array<u32>;
@group(0) @binding(1) var<storage, read_write> pairs: array<vec2<u32>>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) size: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_group(group, size) * WG + lane;
    if i >= params.count { return; }
    pairs[i] = vec2<u32>(min(keys[i], params.most), i);
}
