// norm_grad: dx[r, j] = rstd (g[j] - centred mean of g - h[j] mean of (g h)), g = dy[r, :] w, h = (x[r, :] - mean) rstd
// Shapes    x [rows, columns]   w [columns]   dy [rows, columns]   dx [rows, columns]
// Bindings  0 read x | 1 read w | 2 read dy | 3 read_write dx | 4 uniform Params
// Workgroup [WG, 1, 1], a workgroup or an invocation per row, grid [rows or ceil(rows / WG), folded to 3 dimensions]
// Overrides WG = 64 (power of two)
// Reference src/ops/norm.rs

override WG: u32 = 64u;

struct Params { rows: u32, columns: u32, centred: u32, eps: f32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

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
    let n = f32(params.columns);
    let s = row_spread(lane, start, params.columns, params.centred, params.eps);
    var total = 0.0;
    var along = 0.0;
    for (var j = first_column(lane); j < params.columns; j += column_step()) {
        let g = dy[start + j] * w[j];
        total += g;
        along = fma(g, (x[start + j] - s.mean) * s.rstd, along);
    }
    let mean_g = row_sum(lane, total) / n * f32(params.centred);
    let mean_along = row_sum(lane, along) / n;
    for (var j = first_column(lane); j < params.columns; j += column_step()) {
        let g = dy[start + j] * w[j];
        let h = (x[start + j] - s.mean) * s.rstd;
        dx[start + j] = s.rstd * (g - mean_g - h * mean_along);
    }
}
