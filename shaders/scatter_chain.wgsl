// scatter_chain: the chains of scatter_link, from pairs (index, position) in ascending order
// Shapes    pairs [count]   chains [count + rows]
// Bindings  0 read pairs | 1 read_write chains | 2 uniform Params
// Workgroup [WG, 1, 1], an invocation per pair and per row index, grid [ceil(max(count, rows) / WG), folded to 3 dimensions]
// Overrides WG = 64
// Reference src/ops/scatter_add.rs

override WG: u32 = 64u;

struct Params { rows: u32, count: u32, row: u32 }

@group(0) @binding(0) var<storage, read> pairs: array<vec2<u32>>;
@group(0) @binding(1) var<storage, read_write> chains: array<u32>;
@group(0) @binding(2) var<uniform> params: Params;

// Returns the position of pair k, if it has row index r.
fn position(k: u32, r: u32) -> u32 {
    var found = 0xffffffffu;
    if k < params.count {
        let pair = pairs[k];
        if pair.x == r { found = pair.y; }
    }
    return found;
}

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) size: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_group(group, size) * WG + lane;
    if i < params.count {
        let pair = pairs[i];
        chains[pair.y] = position(i + 1u, pair.x);
    }
    if i < params.rows {
        // The first pair whose index is at least i.
        var low = 0u;
        var high = params.count;
        while low < high {
            let middle = (low + high) / 2u;
            if pairs[middle].x < i { low = middle + 1u; } else { high = middle; }
        }
        chains[params.count + i] = position(low, i);
    }
}
