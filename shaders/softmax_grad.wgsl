// softmax_grad: dx[r, j] = y[r, j] (dy[r, j] - sum over i of dy[r, i] y[r, i])
// Shapes    y [rows, columns]   dy [rows, columns]   dx [rows, columns]
// Bindings  0 read y | 1 read dy | 2 read_write dx | 3 uniform Params
// Workgroup [WG, 1, 1], a workgroup or an invocation per row, grid [rows or ceil(rows / WG), folded to 3 dimensions]
// Overrides WG = 64 (power of two)
// Reference src/ops/softmax.rs

override WG: u32 = 64u;

struct Params { rows: u32, columns: u32 }

@group(0) @binding(0) var<storage, read> y: array<f32>;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read_write> dx: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) size: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let row = row_number(group, size, lane);
    if row >= params.rows { return; }
    let start = row * params.columns;
    var dot = 0.0;
    for (var j = first_column(lane); j < params.columns; j += column_step()) { dot += y[start + j] * dy[start + j]; }
    dot = row_sum(lane, dot);
    for (var j = first_column(lane); j < params.columns; j += column_step()) {
        dx[start + j] = y[start + j] * (dy[start + j] - dot);
    }
}
