// matmul_1x4: y[z, m, n] = sum over k of a[z, m, k] * b[z, k, n], four neighbours of a row a thread, for few outputs
// Shapes    a [batch, m, k] or [batch, k, m]   b [batch, k, n] or [batch, n, k]   y [splits, batch, m, n]
// Bindings  0 read a | 1 read b | 2 uniform Params | 3 and on: the epilogue's
// Workgroup [WGX, WGY, 1], a tile of WGY rows x 4 * WGX columns, grid [tiles folded to 3 dimensions]
// Overrides WGX = 64 | WGY = 1
// Reference src/ops/matmul.rs
//
// Parts: lib/matmul, one lib/matmul_a_*, one lib/matmul_b_*, one lib/matmul_store_*, an epilogue.

override WGX: u32 = 64u;
override WGY: u32 = 1u;

@compute @workgroup_size(WGX, WGY, 1)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    let tile = tile_of(workgroup, count, WGY, 4u * WGX);
    let row = tile.row + local.y;
    let col = tile.col + 4u * local.x;
    if !tile.live || row >= params.m || col >= params.n { return; }

    let start = a_row(tile.z, row);
    let cols = b_columns(tile.z, col);
    var c = vec4<f32>();
    let k_blocks = tile.k_end - (tile.k_end - tile.k_begin) % 4u;
    for (var kk = tile.k_begin; kk < k_blocks; kk += 4u) {
        let p = a_run(start, kk);
        let q = b_block(cols, kk);
        c = fma(vec4<f32>(p.x), q[0], c);
        c = fma(vec4<f32>(p.y), q[1], c);
        c = fma(vec4<f32>(p.z), q[2], c);
        c = fma(vec4<f32>(p.w), q[3], c);
    }
    for (var kk = k_blocks; kk < tile.k_end; kk++) {
        c = fma(vec4<f32>(a_one(start, kk)), b_cross(cols, kk), c);
    }
    store_row(c, tile.out, row, col);
}
