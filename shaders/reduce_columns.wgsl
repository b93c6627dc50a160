// reduce_columns: y[o, c, j] = x[o, c chunk, j] combined with the elements after it in chunk c
// Shapes    x [outer, n, inner]   y [outer, ceil(n / chunk), inner], of single elements or vectors of four
// Bindings  0 uniform Params | then those of the prologue, which computes x | then those of the epilogue, which stores y
// Workgroup [WG, 1, 1], an invocation per chunk of a column, grid [ceil(count / WG), folded]
// Overrides WG = 64
// Reference src/ops/reduce.rs

override WG: u32 = 64u;

struct Params { outer: u32, n: u32, inner: u32, chunk: u32, start: f32 }

@group(0) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) size: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let e = linear_group(group, size) * WG + lane;
    let chunks = max((params.n + params.chunk - 1u) / params.chunk, 1u);
    if e >= params.outer * chunks * params.inner { return; }
    let j = e % params.inner;
    let c = e / params.inner % chunks;
    let o = e / (params.inner * chunks);
    let end = min((c + 1u) * params.chunk, params.n);
    var acc = F(params.start);
    for (var i = c * params.chunk; i < end; i++) {
        acc = combine(acc, prologue((o * params.n + i) * params.inner + j));
    }
    epilogue(acc, e);
}
