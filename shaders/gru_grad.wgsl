// gru_grad: dx of n, r, z and of q by the chain rule, from dh = dy + (dr, dz, dq of the next step) w
// Shapes    reserve [batch, records, hidden]   matrix [3 hidden, hidden]   mask [batch, time]   dy [batch, outputs, hidden]   dx [batch, rows, 4 hidden]   carry [2, batch, hidden]
// Bindings  0 read reserve | 1 read matrix | 2 read mask | 3 read dy | 4 read_write dx | 5 read_write carry | 6 uniform Backward
// Workgroup [WG, 1, 1], an invocation per WIDTH units of 4 samples, grid [folded to 3 dimensions]
// Overrides WG = 64
// Reference src/ops/recurrence/reference.rs
//
// One time step. The matrix is w. Parts: lib/recurrence, lib/recurrence_f32 or _vec4,
// lib/activation.

override WG: u32 = 64u;

@group(0) @binding(0) var<storage, read> reserve: array<F>;
@group(0) @binding(1) var<storage, read> matrix: array<F>;
@group(0) @binding(2) var<storage, read> mask: array<f32>;
@group(0) @binding(3) var<storage, read> dy: array<F>;
@group(0) @binding(4) var<storage, read_write> dx: array<F>;
@group(0) @binding(5) var<storage, read_write> carry: array<F>;
@group(0) @binding(6) var<uniform> params: Backward;

// The direct gradient of a sample's state: from the output, and from the next step without its
// gates.
fn arriving(sample: u32, unit: u32) -> F {
    let dh = dy[(sample * params.outputs + params.to_h) * params.units + unit];
    if params.done == NONE { return dh; }
    return dh + carry[sample * params.units + unit];
}

// Computes dn, dr, dz, dq and the direct part of the previous state's gradient from dh.
fn finish(sample: u32, unit: u32, dh: F) {
    let place = sample * params.units + unit;
    let zero = F(0.0);
    if params.at == NONE {
        let last = (sample * params.rows + params.time) * 4u * params.units + unit;
        dx[last] = dh;
        dx[last + params.units] = zero;
        dx[last + 2u * params.units] = zero;
        dx[last + 3u * params.units] = zero;
        return;
    }
    let gate = record(sample, params.gates) + unit;
    let r = reserve[gate];
    let z = reserve[gate + params.units];
    let n = reserve[gate + 2u * params.units];
    let q = reserve[gate + 3u * params.units];
    let h_old = reserve[record(sample, params.from_h) + unit];
    let dn = tanh_grad(n, dh * (F(1.0) - z));
    let live = mask[sample * params.time + params.at] != 0.0;
    let to = (sample * params.rows + params.at) * 4u * params.units + unit;
    dx[to] = select(zero, dn, live);
    dx[to + params.units] = select(zero, sigmoid_grad(r, dn * q), live);
    dx[to + 2u * params.units] = select(zero, sigmoid_grad(z, dh * (h_old - n)), live);
    dx[to + 3u * params.units] = select(zero, dn * r, live);
    carry[place] = select(dh, dh * z, live);
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
    var dh = Rows(arriving(all.x, unit), arriving(all.y, unit), arriving(all.z, unit), arriving(all.w, unit));
    if params.done != NONE {
        let start = (all * params.rows + params.done) * 4u * params.units + params.units;
        for (var j = 0u; j < 3u * params.units; j++) {
            let v = Rows(dx[start.x + j], dx[start.y + j], dx[start.z + j], dx[start.w + j]);
            dh = add_product(dh, v, j * WIDTH * params.pitch + unit);
        }
    }
    finish(sample, unit, dh.a);
    if sample + 1u < params.batch { finish(sample + 1u, unit, dh.b); }
    if sample + 2u < params.batch { finish(sample + 2u, unit, dh.c); }
    if sample + 3u < params.batch { finish(sample + 3u, unit, dh.d); }
}
