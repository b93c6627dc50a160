// cross_entropy: y[r] = ln(sum over j of e^(x[r, j] - max)) - (x[r, labels[r]] - max)
// Shapes    x [rows, columns]   labels [rows]   y [rows]
// Bindings  0 read x | 1 read labels | 2 read_write y | 3 uniform Params
// Workgroup [WG, 1, 1], a workgroup or an invocation per row, grid [rows or ceil(rows / WG), folded to 3 dimensions]
// Overrides WG = 64 (power of two)
// Reference src/ops/cross_entropy.rs

override WG: u32 = 64u;

struct Params { rows: u32, columns: u32, lowest: f32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> labels: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
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
    var largest = params.lowest;
    for (var j = first_column(lane); j < params.columns; j += column_step()) { largest = max(largest, x[start + j]); }
    largest = row_max(lane, largest);
    var total = 0.0;
    for (var j = first_column(lane); j < params.columns; j += column_step()) { total += exp(x[start + j] - largest); }
    total = row_sum(lane, total);
    if speaks(lane) {
        let label = labels[row];
        var loss = 0.0;
        if label < params.columns { loss = log(total) - (x[start + label] - largest); }
        y[row] = loss;
    }
}
