// lstm: h = o tanh(c), c = f c_old + i g, where i, f, o are sigmoids and g a tanh of x + h_old w^T + bias
// Shapes    x [batch, time, 4 hidden]   matrix [hidden, 4 hidden]   bias [4 hidden]   mask [batch, time]   reserve [batch, records, hidden]
// Bindings  0 read x | 1 read matrix | 2 read bias | 3 read mask | 4 read_write reserve | 5 uniform Forward
// Workgroup [WG, 1, 1], an invocation per WIDTH units of 4 samples, grid [folded to 3 dimensions]
// Overrides WG = 64
// Reference src/ops/recurrence/reference.rs
//
// One time step. The matrix is w^T. Parts: lib/recurrence, lib/recurrence_f32 or _vec4,
// lib/activation.

override WG: u32 = 64u;

@group(0) @binding(0) var<storage, read> x: array<F>;
@group(0) @binding(1) var<storage, read> matrix: array<F>;
@group(0) @binding(2) var<storage, read> bias: array<F>;
@group(0) @binding(3) var<storage, read> mask: array<f32>;
@group(0) @binding(4) var<storage, read_write> reserve: array<F>;
@group(0) @binding(5) var<uniform> params: Forward;

// Computes the state from h w^T + bias of each gate.
fn finish(sample: u32, unit: u32, i_sum: F, f_sum: F, g_sum: F, o_sum: F) {
    let step = sample * params.time + params.at;
    let x_at = step * 4u * params.units + unit;
    let i = sigmoid(x[x_at] + i_sum);
    let f = sigmoid(x[x_at + params.units] + f_sum);
    let g = tanh_of(x[x_at + 2u * params.units] + g_sum);
    let o = sigmoid(x[x_at + 3u * params.units] + o_sum);
    let h_old = reserve[record(sample, params.from_h) + unit];
    let c_old = reserve[record(sample, params.from_c) + unit];
    let c = f * c_old + i * g;
    let live = mask[step] != 0.0;
    reserve[record(sample, params.to_h) + unit] = select(h_old, o * tanh_of(c), live);
    reserve[record(sample, params.to_c) + unit] = select(c_old, c, live);
    if params.gates == NONE { return; }
    let gate = record(sample, params.gates) + unit;
    reserve[gate] = i;
    reserve[gate + params.units] = f;
    reserve[gate + 2u * params.units] = g;
    reserve[gate + 3u * params.units] = o;
}

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) size: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let number = linear_group(group, size) * WG + lane;
    let unit = number % params.units;
    let sample = number / params.units * 4u;
    if sample >= params.batch { return; }
    let all = samples_from(sample);
    let start = (all * params.records + params.from_h) * params.units;
    var i = rows_of(bias[unit]);
    var f = rows_of(bias[unit + params.units]);
    var g = rows_of(bias[unit + 2u * params.units]);
    var o = rows_of(bias[unit + 3u * params.units]);
    for (var k = 0u; k < params.units; k++) {
        let v = Rows(reserve[start.x + k], reserve[start.y + k], reserve[start.z + k], reserve[start.w + k]);
        let row = k * WIDTH * params.pitch + unit;
        i = add_product(i, v, row);
        f = add_product(f, v, row + params.units);
        g = add_product(g, v, row + 2u * params.units);
        o = add_product(o, v, row + 3u * params.units);
    }
    finish(sample, unit, i.a, f.a, g.a, o.a);
    if sample + 1u < params.batch { finish(sample + 1u, unit, i.b, f.b, g.b, o.b); }
    if sample + 2u < params.batch { finish(sample + 2u, unit, i.c, f.c, g.c, o.c); }
    if sample + 3u < params.batch { finish(sample + 3u, unit, i.d, f.d, g.d, o.d); }
}
