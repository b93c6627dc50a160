// matmul_naive: y[t, i, j] = sum over p of a[t, i, p] b[t, p, j], one element an invocation
// Shapes    a [batch, m, k] or [batch, k, m]   b [batch, k, n] or [batch, n, k]   y [batch, m, n]
// Bindings  0 read a | 1 read b | 2 uniform Params | then the tail's
// Workgroup [WG, 1, 1], grid [ceil(batch m n / WG), folded to 3 dimensions]
// Overrides WG = 64
// Reference src/ops/matmul.rs

override WG: u32 = 64u;

struct Params { m: u32, n: u32, k: u32, batch: u32 }

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) size: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_group(group, size) * WG + lane;
    if i >= params.batch * params.m * params.n { return; }
    let column = i % params.n;
    let row = i / params.n % params.m;
    let t = i / (params.n * params.m);
    var acc = 0.0;
    for (var p = 0u; p < params.k; p++) {
        acc = fma(a[at_a(t, row, p)], b[at_b(t, p, column)], acc);
    }
    epilogue(acc, i);
}
