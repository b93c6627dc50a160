// argmax: y[r, c] = the first j of chunk c at which x[r, j] is largest, or smallest; NaN is both the largest and the smallest
// Shapes    x [rows, columns]   y [rows, chunks]
// Bindings  0 read x | 1 read_write y | 2 uniform Params
// Workgroup [WG, 1, 1], an invocation per chunk of a row, grid [ceil(rows chunks / WG), folded to 3 dimensions]
// Overrides WG = 64
// Reference src/ops/argmax.rs

override WG: u32 = 64u;

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) size: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let e = linear_group(group, size) * WG + lane;
    if e >= params.rows * params.chunks { return; }
    let start = e / params.chunks * params.columns;
    let from_column = e % params.chunks * params.chunk;
    let end = min(from_column + params.chunk, params.columns);
    var best = from_column;
    var most = extreme_rank(x[start + best], params.kind, params.smallest);
    for (var j = from_column + 1u; j < end; j++) {
        let here = extreme_rank(x[start + j], params.kind, params.smallest);
        if here > most {
            most = here;
            best = j;
        }
    }
    y[e] = best;
}
