// rnn: h = activate(x + h_old w^T + bias), a tanh or a ReLU
// Shapes    x [batch, time, hidden]   matrix [hidden, hidden]   bias [hidden]   mask [batch, time]   reserve [batch, records, hidden]
// Bindings  0 read x | 1 read matrix | 2 read bias | 3 read mask | 4 read_write reserve | 5 uniform Forward
// Workgroup [WG, 1, 1], an invocation per WIDTH units of 4 samples, grid [folded to 3 dimensions]
// Overrides WG = 64
// Reference src/ops/recurrence/reference.rs
//
// One time step. The matrix is w^T. Parts: lib/recurrence, lib/recurrence_f32 or _vec4,
// lib/activation, lib/rnn_tanh or lib/rnn_relu.

override WG: u32 = 64u;

@group(0) @binding(0) var<storage, read> x: array<F>;
@group(0) @binding(1) var<storage, read> matrix: array<F>;
@group(0) @binding(2) var<storage, read> bias: array<F>;
@group(0) @binding(3) var<storage, read> mask: array<f32>;
@group(0) @binding(4) var<storage, read_write> reserve: array<F>;
@group(0) @binding(5) var<uniform> params: Forward;

// Computes the state from h w^T + bias.
fn finish(sample: u32, unit: u32, sum: F) {
    let step = sample * params.time + params.at;
    let h = activate(x[step * params.units + unit] + sum);
    let h_old = reserve[record(sample, params.from_h) + unit];
    reserve[record(sample, params.to_h) + unit] = select(h_old, h, mask[step] != 0.0);
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
    var s = rows_of(bias[unit]);
    for (var k = 0u; k < params.units; k++) {
        let v = Rows(reserve[start.x + k], reserve[start.y + k], reserve[start.z + k], reserve[start.w + k]);
        let row = k * WIDTH * params.pitch + unit;
        s = add_product(s, v, row);
    }
    finish(sample, unit, s.a);
    if sample + 1u < params.batch { finish(sample + 1u, unit, s.b); }
    if sample + 2u < params.batch { finish(sample + 2u, unit, s.c); }
    if sample + 3u < params.batch { finish(sample + 3u, unit, s.d); }
}
