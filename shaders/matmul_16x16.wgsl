// matmul_16x16: y[z, m, n] = sum over k of a[z, m, k] * b[z, k, n], 16 x 16 outputs per invocation in registers
// Shapes    a [batch, m, k] or [batch, k, m]   b [batch, k, n] or [batch, n, k]   y [splits, batch, m, n]
// Bindings  0 read a | 1 read b | 2 uniform Params | 3 and on: those of the views and the epilogue
// Workgroup [WGX, WGY, 1], a tile of 16 * WGY rows x 16 * WGX columns, grid [tiles folded to 3 dimensions]
// Overrides WGX = 8 | WGY = 1
// Reference src/ops/matmul.rs
//
// Parts: lib/matmul, one lib/matmul_a_*, one lib/matmul_b_*, lib/matmul_view for views, one
// lib/matmul_store_*, an epilogue. Too many registers for most GPUs. On a software adapter
// (lavapipe, SwiftShader), a load costs as much as dozens of multiply-adds, so large tiles are
// faster, and spilling to the stack costs little.

override WGX: u32 = 8u;
override WGY: u32 = 1u;

@compute @workgroup_size(WGX, WGY, 1)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    let tile = tile_of(workgroup, count, 16u * WGY, 16u * WGX);
    let row = tile.row + 16u * local.y;
    let col = tile.col + 4u * local.x; // adjacent invocations read adjacent columns
    if !tile.live || row >= params.m || col >= params.n { return; }

    let rows0 = a_rows(tile.z, row);
    let rows1 = a_rows(tile.z, row + 4u);
    let rows2 = a_rows(tile.z, row + 8u);
    let rows3 = a_rows(tile.z, row + 12u);
    let cols0 = b_columns(tile.z, col);
    let cols1 = b_columns(tile.z, col + 4u * WGX);
    let cols2 = b_columns(tile.z, col + 8u * WGX);
    let cols3 = b_columns(tile.z, col + 12u * WGX);
    var c00 = mat4x4<f32>();
    var c01 = mat4x4<f32>();
    var c02 = mat4x4<f32>();
    var c03 = mat4x4<f32>();
    var c10 = mat4x4<f32>();
    var c11 = mat4x4<f32>();
    var c12 = mat4x4<f32>();
    var c13 = mat4x4<f32>();
    var c20 = mat4x4<f32>();
    var c21 = mat4x4<f32>();
    var c22 = mat4x4<f32>();
    var c23 = mat4x4<f32>();
    var c30 = mat4x4<f32>();
    var c31 = mat4x4<f32>();
    var c32 = mat4x4<f32>();
    var c33 = mat4x4<f32>();

    let k_blocks = tile.k_end - (tile.k_end - tile.k_begin) % 4u;
    for (var kk = tile.k_begin; kk < k_blocks; kk += 4u) {
        let b0 = b_block(cols0, kk);
        let b1 = b_block(cols1, kk);
        let b2 = b_block(cols2, kk);
        let b3 = b_block(cols3, kk);
        let a0 = a_block(rows0, kk);
        c00 = add_product(c00, a0, b0);
        c01 = add_product(c01, a0, b1);
        c02 = add_product(c02, a0, b2);
        c03 = add_product(c03, a0, b3);
        let a1 = a_block(rows1, kk);
        c10 = add_product(c10, a1, b0);
        c11 = add_product(c11, a1, b1);
        c12 = add_product(c12, a1, b2);
        c13 = add_product(c13, a1, b3);
        let a2 = a_block(rows2, kk);
        c20 = add_product(c20, a2, b0);
        c21 = add_product(c21, a2, b1);
        c22 = add_product(c22, a2, b2);
        c23 = add_product(c23, a2, b3);
        let a3 = a_block(rows3, kk);
        c30 = add_product(c30, a3, b0);
        c31 = add_product(c31, a3, b1);
        c32 = add_product(c32, a3, b2);
        c33 = add_product(c33, a3, b3);
    }
    for (var kk = k_blocks; !(A_WHOLE || B_WHOLE) && kk < tile.k_end; kk++) {
        let b0 = b_cross(cols0, kk);
        let b1 = b_cross(cols1, kk);
        let b2 = b_cross(cols2, kk);
        let b3 = b_cross(cols3, kk);
        let a0 = a_cross(rows0, kk);
        c00 = add_outer(c00, a0, b0);
        c01 = add_outer(c01, a0, b1);
        c02 = add_outer(c02, a0, b2);
        c03 = add_outer(c03, a0, b3);
        let a1 = a_cross(rows1, kk);
        c10 = add_outer(c10, a1, b0);
        c11 = add_outer(c11, a1, b1);
        c12 = add_outer(c12, a1, b2);
        c13 = add_outer(c13, a1, b3);
        let a2 = a_cross(rows2, kk);
        c20 = add_outer(c20, a2, b0);
        c21 = add_outer(c21, a2, b1);
        c22 = add_outer(c22, a2, b2);
        c23 = add_outer(c23, a2, b3);
        let a3 = a_cross(rows3, kk);
        c30 = add_outer(c30, a3, b0);
        c31 = add_outer(c31, a3, b1);
        c32 = add_outer(c32, a3, b2);
        c33 = add_outer(c33, a3, b3);
    }

    // In a loop, so that the epilogue occurs once in the program: drivers inline it at every call,
    // and compiling it dozens of times took seconds.
    let blocks = min(4u, (params.m - row + 3u) / 4u);
    for (var i = 0u; i < blocks; i++) {
        store_block(c00, tile.out, row + 4u * i, col);
        store_block(c01, tile.out, row + 4u * i, col + 4u * WGX);
        store_block(c02, tile.out, row + 4u * i, col + 8u * WGX);
        store_block(c03, tile.out, row + 4u * i, col + 12u * WGX);
        c00 = c10; c01 = c11; c02 = c12; c03 = c13;
        c10 = c20; c11 = c21; c12 = c22; c13 = c23;
        c20 = c30; c21 = c31; c22 = c32; c23 = c33;
    }
}
