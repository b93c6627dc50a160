// matmul_small: y[z, m, n] = sum over k of a[z, m, k] * b[z, k, n], one output per invocation; all variants must give the same bits
// Shapes    a [batch, m, k] or [batch, k, m]   b [batch, k, n] or [batch, n, k]   y [splits, batch, m, n]
// Bindings  0 read a | 1 read b | 2 uniform Params | 3 and on: those of the views and the epilogue
// Workgroup [WG, 1, 1], WG outputs, grid [workgroups folded to 3 dimensions]
// Overrides WG = 64
// Reference src/ops/matmul.rs
//
// Parts: lib/matmul, one lib/matmul_a_*, one lib/matmul_b_*, lib/matmul_view for views, an
// epilogue; F = f32.

override WG: u32 = 64u;

@compute @workgroup_size(WG, 1, 1)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let group = linear_workgroup(workgroup, count);
    let i = group * WG + local;
    if group >= params.tile_end || i >= params.splits * params.batch * params.m * params.n { return; }
    let line = i / params.n;
    let out = line / params.m;
    let z = out % params.batch;
    let split = out / params.batch;
    let k_begin = min(params.k, split * params.k_chunk);
    let k_end = min(params.k, (split + 1u) * params.k_chunk);

    let row = a_row(z, line % params.m);
    let column = b_column(z, i % params.n);
    var c = 0.0;
    let k_blocks = k_end - (k_end - k_begin) % 4u;
    for (var kk = k_begin; kk < k_blocks; kk += 4u) {
        let p = a_run(row, kk);
        let q = b_run(column, kk);
        c = fma(p.w, q.w, fma(p.z, q.z, fma(p.y, q.y, fma(p.x, q.x, c))));
    }
    for (var kk = k_blocks; !(A_WHOLE || B_WHOLE) && kk < k_end; kk++) {
        c = fma(a_one(row, kk), b_one(column, kk), c);
    }
    epilogue(c, i);
}
