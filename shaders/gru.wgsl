// gru: h = (1 - z) n + z h_old, n = tanh(x_n + r q), where r, z are sigmoids and q is h_old w^T + bias
// Shapes    x [batch, time, 3 hidden]   matrix [hidden, 3 hidden]   bias [3 hidden]   mask [batch, time]   reserve [batch, records, hidden]
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
fn finish(sample: u32, unit: u32, r_sum: F, z_sum: F, q: F) {
    let step = sample * params.time + params.at;
    let x_at = step * 3u * params.units + unit;
    let r = sigmoid(x[x_at] + r_sum);
    let z = sigmoid(x[x_at + params.units] + z_sum);
    let n = tanh_of(x[x_at + 2u * params.units] + r * q);
    let h_old = reserve[record(sample, params.from_h) + unit];
    let h = (F(1.0) - z) * n + z * h_old;
    reserve[record(sample, params.to_h) + unit] = select(h_old, h, mask[step] != 0.0);
    if params.gates == NONE { return; }
    let gate = record(sample, params.gates) + unit;
    reserve[gate] = r;
    reserve[gate + params.units] = z;
    reserve[gate + 2u * params.units] = n;
    reserve[gate + 3u * params.units] = q;
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
    var r = rows_of(bias[unit]);
    var z = rows_of(bias[unit + params.units]);
    var q = rows_of(bias[unit + 2u * params.units]);
    for (var k = 0u; k < params.units; k++) {
        let v = Rows(reserve[start.x + k], reserve[start.y + k], reserve[start.z + k], reserve[start.w + k]);
        let row = k * WIDTH * params.pitch + unit;
        r = add_product(r, v, row);
        z = add_product(z, v, row + params.units);
        q = add_product(q, v, row + 2u * params.units);
    }
    finish(sample, unit, r.a, z.a, q.a);
    if sample + 1u < params.batch { finish(sample + 1u, unit, r.b, z.b, q.b); }
    if sample + 2u < params.batch { finish(sample + 2u, unit, r.c, z.c, q.c); }
    if sample + 3u < params.batch { finish(sample + 3u, unit, r.d, z.d, q.d); }
}
