// scatter_link: the positions i with ids[i] = r as a chain, ascending: chains[count + r] is the first, chains[i] the next
// Shapes    ids [count]   chains [count + rows]
// Bindings  0 read ids | 1 read_write chains | 2 uniform Params
// Workgroup [WG, 1, 1], an invocation per row index, grid [ceil(rows / WG), folded to 3 dimensions]
// Overrides WG = 64
// Reference src/ops/scatter_add.rs

override WG: u32 = 64u;

struct Params { rows: u32, count: u32, row: u32 }

@group(0) @binding(0) var<storage, read> ids: array<u32>;
@group(0) @binding(1) var<storage, read_write> chains: array<u32>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) size: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let r = linear_group(group, size) * WG + lane;
    if r >= params.rows { return; }
    // Each position has one row index, so no two invocations write the same word.
    var last = params.count + r;
    for (var i = 0u; i < params.count; i++) {
        if ids[i] == r {
            chains[last] = i;
            last = i;
        }
    }
    chains[last] = 0xffffffffu;
}
