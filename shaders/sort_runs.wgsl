// sort_runs: order[r, s + rank(i)] = i for each run from s on, where rank is the number of its elements that come first
// Shapes    x [rows, n]   order [rows, pitch]
// Bindings  0 read x | 1 read_write order | 2 uniform Params
// Workgroup [WG, 1, 1], an invocation per element, grid [ceil(rows n / WG), folded to 3 dimensions]
// Overrides WG = 64
// Reference src/ops/sort.rs

override WG: u32 = 64u;

struct Params { rows: u32, n: u32, width: u32, keep: u32, pitch: u32, kind: u32, descending: u32 }

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> order: array<u32>;
@group(0) @binding(2) var<uniform> params: Params;

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
    let start = i / params.width * params.width;
    let end = min(start + params.width, params.n);
    let key = order_key(x[e], params.kind, params.descending);
    var rank = 0u;
    for (var j = start; j < end; j++) {
        let other = order_key(x[row + j], params.kind, params.descending);
        // Equal elements keep their order.
        rank += select(0u, 1u, other < key || (other == key && j < i));
    }
    if rank < params.keep { order[e / params.n * params.pitch + start + rank] = i; }
}
