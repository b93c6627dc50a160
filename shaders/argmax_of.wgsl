// argmax_of: y[r] = the first of places[r, ..] at which x[r, ..] is largest, or smallest; NaN is both the largest and the smallest
// Shapes    x [rows, columns]   places [rows, chunks]   y [rows]
// Bindings  0 read x | 1 read places | 2 read_write y | 3 uniform Params
// Workgroup [WG, 1, 1], an invocation per row, grid [ceil(rows / WG), folded to 3 dimensions]
// Overrides WG = 64
// Reference src/ops/argmax.rs

override WG: u32 = 64u;

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read> places: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) size: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let row = linear_group(group, size) * WG + lane;
    if row >= params.rows { return; }
    let start = row * params.columns;
    let first = row * params.chunks;
    var best = places[first];
    var most = extreme_rank(x[start + best], params.kind, params.smallest);
    for (var c = 1u; c < params.chunks; c++) {
        let place = places[first + c];
        let here = extreme_rank(x[start + place], params.kind, params.smallest);
        if here > most {
            most = here;
            best = place;
        }
    }
    y[row] = best;
}
