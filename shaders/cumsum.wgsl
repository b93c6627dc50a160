// cumsum: y[o, i, j] = the sum of x[o, k, j] over k of i's chunk up to i, plus before[o, c - 1, j] for chunk c > 0
// Shapes    x [outer, n, inner]   before [outer, ceil(n / chunk), inner]   y [outer, n, inner]
// Bindings  0 read x | 1 read before | 2 read_write y | 3 uniform Params
// Workgroup [WG, 1, 1], an invocation per chunk of a line, grid [ceil(count / WG), folded to 3 dimensions]
// Overrides WG = 64
// Reference src/ops/cumsum.rs

override WG: u32 = 64u;

// If reverse is 1, elements are counted from the end.
struct Params { outer: u32, n: u32, inner: u32, chunk: u32, reverse: u32, chained: u32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> before: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

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
    var sum = 0.0;
    if params.chained == 1u && c > 0u { sum = before[(o * chunks + c - 1u) * params.inner + j]; }
    for (var k = c * params.chunk; k < end; k++) {
        let i = select(k, params.n - 1u - k, params.reverse == 1u);
        let at = (o * params.n + i) * params.inner + j;
        sum += x[at];
        y[at] = sum;
    }
}
