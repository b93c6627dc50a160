// matmul_subgroup_16x8: y[z, m, n] = sum over k of a[z, m, k] * b[z, k, n], with a distributed over the subgroup and broadcast
// Shapes    a [batch, m, k] or [batch, k, m]   b [batch, k, n] or [batch, n, k]   y [splits, batch, m, n]
// Bindings  0 read a | 1 read b | 2 uniform Params | 3 and on: those of the views and the epilogue
// Workgroup [WG, 1, 1], a tile of 16 rows x 8 * WG columns, grid [tiles folded to 3 dimensions]
// Overrides WG = 64 (a multiple of the largest subgroup size)
// Reference src/ops/matmul.rs
//
// Parts: lib/matmul, one lib/matmul_a_*, one lib/matmul_b_*, lib/matmul_view for views, one
// lib/matmul_store_*, an epilogue. Needs SUBGROUP and subgroups of 4 lanes or more, any
// size: lane l holds rows 4 * (l % 4) to 4 * (l % 4) + 3 of the tile, and every lane
// of the workgroup computes the same 16 rows, so it does not matter which lanes form a
// subgroup.

override WG: u32 = 64u;

@compute @workgroup_size(WG, 1, 1)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
    @builtin(subgroup_invocation_id) lane: u32,
) {
    let tile = tile_of(workgroup, count, 16u, 8u * WG);
    if !tile.live { return; }
    let row = tile.row;
    let col = tile.col + 4u * local;

    let rows = a_rows(tile.z, row + 4u * (lane % 4u));
    let cols0 = b_columns(tile.z, col);
    let cols1 = b_columns(tile.z, col + 4u * WG);
    var c00 = mat4x4<f32>();
    var c01 = mat4x4<f32>();
    var c10 = mat4x4<f32>();
    var c11 = mat4x4<f32>();
    var c20 = mat4x4<f32>();
    var c21 = mat4x4<f32>();
    var c30 = mat4x4<f32>();
    var c31 = mat4x4<f32>();

    let k_blocks = tile.k_end - (tile.k_end - tile.k_begin) % 4u;
    for (var kk = tile.k_begin; kk < k_blocks; kk += 4u) {
        let mine = a_block(rows, kk);
        let b0 = b_block(cols0, kk);
        let b1 = b_block(cols1, kk);
        let a0 = mat4x4<f32>(
            subgroupBroadcast(mine[0], 0u),
            subgroupBroadcast(mine[1], 0u),
            subgroupBroadcast(mine[2], 0u),
            subgroupBroadcast(mine[3], 0u),
        );
        c00 = add_product(c00, a0, b0);
        c01 = add_product(c01, a0, b1);
        let a1 = mat4x4<f32>(
            subgroupBroadcast(mine[0], 1u),
            subgroupBroadcast(mine[1], 1u),
            subgroupBroadcast(mine[2], 1u),
            subgroupBroadcast(mine[3], 1u),
        );
        c10 = add_product(c10, a1, b0);
        c11 = add_product(c11, a1, b1);
        let a2 = mat4x4<f32>(
            subgroupBroadcast(mine[0], 2u),
            subgroupBroadcast(mine[1], 2u),
            subgroupBroadcast(mine[2], 2u),
            subgroupBroadcast(mine[3], 2u),
        );
        c20 = add_product(c20, a2, b0);
        c21 = add_product(c21, a2, b1);
        let a3 = mat4x4<f32>(
            subgroupBroadcast(mine[0], 3u),
            subgroupBroadcast(mine[1], 3u),
            subgroupBroadcast(mine[2], 3u),
            subgroupBroadcast(mine[3], 3u),
        );
        c30 = add_product(c30, a3, b0);
        c31 = add_product(c31, a3, b1);
    }
    for (var kk = k_blocks; !(A_WHOLE || B_WHOLE) && kk < tile.k_end; kk++) {
        let mine = a_cross(rows, kk);
        let b0 = b_cross(cols0, kk);
        let b1 = b_cross(cols1, kk);
        let a0 = subgroupBroadcast(mine, 0u);
        c00 = add_outer(c00, a0, b0);
        c01 = add_outer(c01, a0, b1);
        let a1 = subgroupBroadcast(mine, 1u);
        c10 = add_outer(c10, a1, b0);
        c11 = add_outer(c11, a1, b1);
        let a2 = subgroupBroadcast(mine, 2u);
        c20 = add_outer(c20, a2, b0);
        c21 = add_outer(c21, a2, b1);
        let a3 = subgroupBroadcast(mine, 3u);
        c30 = add_outer(c30, a3, b0);
        c31 = add_outer(c31, a3, b1);
    }

    // In a loop, so that the epilogue occurs once in the program: drivers inline it at every call,
    // and compiling it dozens of times took seconds.
    let blocks = min(4u, (params.m - row + 3u) / 4u);
    for (var i = 0u; i < blocks; i++) {
        store_block(c00, tile.out, row + 4u * i, col);
        store_block(c01, tile.out, row + 4u * i, col + 4u * WG);
        c00 = c10; c01 = c11;
        c10 = c20; c11 = c21;
        c20 = c30; c21 = c31;
    }
}
