// argmax: y[r] = the first j at which x[r, j] is largest, or smallest; NaN wins either way
// Shapes    x [rows, columns]   y [rows]
// Bindings  0 read x | 1 read_write y | 2 uniform Params
// Workgroup [WG, 1, 1], one row an invocation, grid [ceil(rows / WG), folded to 3 dimensions]
// Overrides WG = 64
// Reference src/ops/argmax.rs

override WG: u32 = 64u;

struct Params { rows: u32, columns: u32, kind: u32, smallest: u32 }

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
@group(0) @binding(2) var<uniform> params: Params;

// The larger wins.
fn rank(bits: u32) -> u32 {
    let key = ascending_key(bits, params.kind);
    let nan = params.kind == OF_F32 && key == 0xffffffffu;
    return select(key, ~key, params.smallest == 1u && !nan);
}

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) size: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let row = linear_group(group, size) * WG + lane;
    if row >= params.rows { return; }
    let start = row * params.columns;
    var best = 0u;
    var most = rank(x[start]);
    for (var j = 1u; j < params.columns; j++) {
        let here = rank(x[start + j]);
        if here > most {
            most = here;
            best = j;
        }
    }
    y[row] = best;
}
