// matmul_8x8: y[z, m, n] = sum over k of a[z, m, k] * b[z, k, n], 8 x 8 outputs per invocation in registers
// Shapes    a [batch, m, k] or [batch, k, m]   b [batch, k, n] or [batch, n, k]   y [splits, batch, m, n]
// Bindings  0 read a | 1 read b | 2 uniform Params | 3 and on: those of the views and the epilogue
// Workgroup [WGX, WGY, 1], a tile of 8 * WGY rows x 8 * WGX columns, grid [tiles folded to 3 dimensions]
// Overrides WGX = 8 | WGY = 8
// Reference src/ops/matmul.rs
//
// Parts: lib/matmul, one lib/matmul_a_*, one lib/matmul_b_*, lib/matmul_view for views, one
// lib/matmul_store_*, an epilogue.

override WGX: u32 = 8u;
override WGY: u32 = 8u;

@compute @workgroup_size(WGX, WGY, 1)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    let tile = tile_of(workgroup, count, 8u * WGY, 8u * WGX);
    let row = tile.row + 8u * local.y;
    let col = tile.col + 4u * local.x; // adjacent invocations read adjacent columns
    if !tile.live || row >= params.m || col >= params.n { return; }

    let rows0 = a_rows(tile.z, row);
    let rows1 = a_rows(tile.z, row + 4u);
    let cols0 = b_columns(tile.z, col);
    let cols1 = b_columns(tile.z, col + 4u * WGX);
    var c00 = mat4x4<f32>();
    var c01 = mat4x4<f32>();
    var c10 = mat4x4<f32>();
    var c11 = mat4x4<f32>();

    let k_blocks = tile.k_end - (tile.k_end - tile.k_begin) % 4u;
    for (var kk = tile.k_begin; kk < k_blocks; kk += 4u) {
        let b0 = b_block(cols0, kk);
        let b1 = b_block(cols1, kk);
        let a0 = a_block(rows0, kk);
        c00 = add_product(c00, a0, b0);
        c01 = add_product(c01, a0, b1);
        let a1 = a_block(rows1, kk);
        c10 = add_product(c10, a1, b0);
        c11 = add_product(c11, a1, b1);
    }
    for (var kk = k_blocks; !(A_WHOLE || B_WHOLE) && kk < tile.k_end; kk++) {
        let b0 = b_cross(cols0, kk);
        let b1 = b_cross(cols1, kk);
        let a0 = a_cross(rows0, kk);
        c00 = add_outer(c00, a0, b0);
        c01 = add_outer(c01, a0, b1);
        let a1 = a_cross(rows1, kk);
        c10 = add_outer(c10, a1, b0);
        c11 = add_outer(c11, a1, b1);
    }

    store_block(c00, tile.out, row, col);
    store_block(c01, tile.out, row, col + 4u * WGX);
    store_block(c10, tile.out, row + 4u, col);
    store_block(c11, tile.out, row + 4u, col + 4u * WGX);
}
