// cross_entropy_grad: dx[r, j] = (e^x[r, j] / sum over j of e^x[r, j] - [j = labels[r]]) dy[r]
// Shapes    x [rows, columns]   labels [rows]   dy [rows]   dx [rows, columns]
// Bindings  0 read x | 1 read labels | 2 read dy | 3 read_write dx | 4 uniform Params
// Workgroup [WG, 1, 1], a workgroup or an invocation per row, grid [rows or ceil(rows / WG), folded to 3 dimensions]
// Overrides WG = 64 (power of two)
// Reference src/ops/cross_entropy.rs

override WG: u32 = 64u;

struct Params { rows: u32, columns: u32, lowest: f32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> labels: array<u32>;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) size: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let row = row_number(group, size, lane);
    if row >= params.rows { return; }
    let start = row * params.columns;
    var largest = params.lowest;
    for (var j = first_column(lane); j < params.columns; j += column_step()) { largest = max(largest, x[start + j]); }
    largest = row_max(lane, largest);
    var total = 0.0;
    for (var j = first_column(lane); j < params.columns; j += column_step()) { total += exp(x[start + j] - largest); }
    total = row_sum(lane, total);
    let label = labels[row];
    let scale = select(0.0, dy[row], label < params.columns);
    for (var j = first_column(lane); j < params.columns; j += column_step()) {
        let p = exp(x[start + j] - largest) / total;
        dx[start + j] = (p - select(0.0, 1.0, j == label)) * scale;
    }
}
