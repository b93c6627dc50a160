// conv_direct: y[z, r, i, j] = sum over c, p, q of x[z, c, down i + p dilation_h, across j + q dilation_w] w[r, c, p, q]
// Shapes    x [n groups, c, size.x, size.y]   w [groups, rows, c, kernel.x, kernel.y]   y [n groups, rows, out.x, out.y]
// Bindings  0 read x | 1 read w | 2 uniform Params | 3 and on: those of the epilogue
// Workgroup [WG, 1, 1], an invocation per four outputs of a row, grid [ceil(count / WG), folded to 3 dimensions]
// Overrides WG = 64
// Reference src/ops/conv/kernels.rs
//
// Parts: lib/index, lib/divide, one lib/matmul_store_*, an epilogue. For groups with so few
// channels that a tile of a matrix product would be mostly empty. Adds in the order of the product:
// ascending k with fma from 0.

override WG: u32 = 64u;

struct Params {
    m: u32, // rows of outputs
    n: u32, // outputs of a row
    rows: u32,
    c: u32,
    size: vec2<u32>,
    kernel: vec2<u32>,
    stride: vec2<u32>,
    dilation: vec2<u32>,
    fours: u32, // invocations per row
    out: u32,   // rows of an image
    groups: u32,
    count: u32,
    fours_inverse: f32,
    out_inverse: f32,
    rows_inverse: f32,
    groups_inverse: f32,
}

@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) size: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let e = linear_group(group, size) * WG + lane;
    if e >= params.count { return; }
    let line = quotient(e, params.fours, params.fours_inverse);
    let j = 4u * (e - line * params.fours);
    let image = quotient(line, params.out, params.out_inverse);
    let i = line - image * params.out;
    let z = quotient(image, params.rows, params.rows_inverse);
    let row = image - z * params.rows;
    let g = remainder(z, params.groups, params.groups_inverse);

    // Past the end of the line, repeats the last output, so that no read is out of bounds.
    let columns = min(vec4<u32>(j) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(params.n - 1u)) * params.stride.y;
    var channel = z * params.c * params.size.x * params.size.y + i * params.stride.x * params.size.y;
    var tap = (g * params.rows + row) * params.c * params.kernel.x * params.kernel.y;
    var sum = vec4<f32>();
    for (var c = 0u; c < params.c; c++) {
        var start = channel;
        for (var p = 0u; p < params.kernel.x; p++) {
            var at = columns + vec4<u32>(start);
            for (var q = 0u; q < params.kernel.y; q++) {
                let four = vec4<f32>(x_get(at.x), x_get(at.y), x_get(at.z), x_get(at.w));
                sum = fma(vec4<f32>(w_get(tap)), four, sum);
                tap++;
                at += vec4<u32>(params.dilation.y);
            }
            start += params.dilation.x * params.size.y;
        }
        channel += params.size.x * params.size.y;
    }
    store_row(sum, 0u, line, j);
}
