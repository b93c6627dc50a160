// rms_norm: y[r, j] = x[r, j] / sqrt(mean of x[r, :]^2 + eps) w[j]
// Shapes    x [rows, columns]   w [columns]   y [rows, columns]
// Bindings  0 read x | 1 read w | 2 read_write y | 3 uniform Params
// Workgroup [WG, 1, 1], a workgroup or an invocation per row, grid [rows or ceil(rows / WG), folded to 3 dimensions]
// Overrides WG = 64 (power of two)
// Reference src/ops/norm.rs

override WG: u32 = 64u;

struct Params { rows: u32, columns: u32, centred: u32, eps: f32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

fn x_at(i: u32) -> f32 { return x[i]; }

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) size: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let row = row_number(group, size, lane);
    if row >= params.rows { return; }
    let start = row * params.columns;
    let s = row_spread(lane, start, params.columns, params.centred, params.eps);
    for (var j = first_column(lane); j < params.columns; j += column_step()) {
        y[start + j] = x[start + j] * s.rstd * w[j];
    }
}
