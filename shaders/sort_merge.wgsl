// sort_merge: order = the first `keep` positions of each pair of adjacent sorted runs, merged
// Shapes    x [rows, n]   places [rows, n]   order [rows, pitch]
// Bindings  0 read x | 1 read places | 2 read_write order | 3 uniform Params
// Workgroup [WG, 1, 1], an invocation per element, grid [ceil(rows n / WG), folded to 3 dimensions]
// Overrides WG = 64
// Reference src/ops/sort.rs

override WG: u32 = 64u;

struct Params { rows: u32, n: u32, width: u32, keep: u32, pitch: u32, kind: u32, descending: u32 }

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read> places: array<u32>;
@group(0) @binding(2) var<storage, read_write> order: array<u32>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) size: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let e = linear_group(group, size) * WG + lane;
    if e >= params.rows * params.n { return; }
    let i = e % params.n;
    let row = e - i;
    let start = i / (2u * params.width) * 2u * params.width;
    let middle = min(start + params.width, params.n);
    let end = min(middle + params.width, params.n);
    let is_left = i < middle;
    let own = i - select(middle, start, is_left);
    // Elements past the first `keep` of a run are never among the first `keep` of the merged run.
    if own >= params.keep { return; }
    let id = places[e];
    let key = order_key(x[row + id], params.kind, params.descending);
    let other = row + select(start, middle, is_left);
    // The number of elements of the other run that come first; of equal elements, those on the
    // left.
    var low = 0u;
    var high = min(select(middle - start, end - middle, is_left), params.keep);
    while low < high {
        let half = (low + high) / 2u;
        let there = order_key(x[row + places[other + half]], params.kind, params.descending);
        if there < key || (there == key && !is_left) { low = half + 1u; } else { high = half; }
    }
    let rank = own + low;
    if rank < params.keep { order[e / params.n * params.pitch + start + rank] = id; }
}
