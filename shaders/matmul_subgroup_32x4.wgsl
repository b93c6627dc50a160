// matmul_subgroup_32x4: y[z, m, n] = sum over k of a[z, m, k] * b[z, k, n], with a distributed over the subgroup and broadcast
// Shapes    a [batch, m, k] or [batch, k, m]   b [batch, k, n] or [batch, n, k]   y [splits, batch, m, n]
// Bindings  0 read a | 1 read b | 2 uniform Params | 3 and on: those of the views and the epilogue
// Workgroup [WG, 1, 1], a tile of 32 rows x 4 * WG columns, grid [tiles folded to 3 dimensions]
// Overrides WG = 64 (a multiple of the largest subgroup size)
// Reference src/ops/matmul.rs
//
// Parts: lib/matmul, one lib/matmul_a_*, one lib/matmul_b_*, lib/matmul_view for views, one
// lib/matmul_store_*, an epilogue. Needs SUBGROUP and subgroups of 8 lanes or more, any
// size: lane l holds rows 4 * (l % 8) to 4 * (l % 8) + 3 of the tile, and every lane
// of the workgroup computes the same 32 rows, so it does not matter which lanes form a
// subgroup.

override WG: u32 = 64u;

@compute @workgroup_size(WG, 1, 1)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
    @builtin(subgroup_invocation_id) lane: u32,
) {
    let tile = tile_of(workgroup, count, 32u, 4u * WG);
    if !tile.live { return; }
    let row = tile.row;
    let col = tile.col + 4u * local;

    let rows = a_rows(tile.z, row + 4u * (lane % 8u));
    let cols0 = b_columns(tile.z, col);
    var c00 = mat4x4<f32>();
    var c10 = mat4x4<f32>();
    var c20 = mat4x4<f32>();
    var c30 = mat4x4<f32>();
    var c40 = mat4x4<f32>();
    var c50 = mat4x4<f32>();
    var c60 = mat4x4<f32>();
    var c70 = mat4x4<f32>();

    let k_blocks = tile.k_end - (tile.k_end - tile.k_begin) % 4u;
    for (var kk = tile.k_begin; kk < k_blocks; kk += 4u) {
        let mine = a_block(rows, kk);
        let b0 = b_block(cols0, kk);
        let a0 = mat4x4<f32>(
            subgroupBroadcast(mine[0], 0u),
            subgroupBroadcast(mine[1], 0u),
            subgroupBroadcast(mine[2], 0u),
            subgroupBroadcast(mine[3], 0u),
        );
        c00 = add_product(c00, a0, b0);
        let a1 = mat4x4<f32>(
            subgroupBroadcast(mine[0], 1u),
            subgroupBroadcast(mine[1], 1u),
            subgroupBroadcast(mine[2], 1u),
            subgroupBroadcast(mine[3], 1u),
        );
        c10 = add_product(c10, a1, b0);
        let a2 = mat4x4<f32>(
            subgroupBroadcast(mine[0], 2u),
            subgroupBroadcast(mine[1], 2u),
            subgroupBroadcast(mine[2], 2u),
            subgroupBroadcast(mine[3], 2u),
        );
        c20 = add_product(c20, a2, b0);
        let a3 = mat4x4<f32>(
            subgroupBroadcast(mine[0], 3u),
            subgroupBroadcast(mine[1], 3u),
            subgroupBroadcast(mine[2], 3u),
            subgroupBroadcast(mine[3], 3u),
        );
        c30 = add_product(c30, a3, b0);
        let a4 = mat4x4<f32>(
            subgroupBroadcast(mine[0], 4u),
            subgroupBroadcast(mine[1], 4u),
            subgroupBroadcast(mine[2], 4u),
            subgroupBroadcast(mine[3], 4u),
        );
        c40 = add_product(c40, a4, b0);
        let a5 = mat4x4<f32>(
            subgroupBroadcast(mine[0], 5u),
            subgroupBroadcast(mine[1], 5u),
            subgroupBroadcast(mine[2], 5u),
            subgroupBroadcast(mine[3], 5u),
        );
        c50 = add_product(c50, a5, b0);
        let a6 = mat4x4<f32>(
            subgroupBroadcast(mine[0], 6u),
            subgroupBroadcast(mine[1], 6u),
            subgroupBroadcast(mine[2], 6u),
            subgroupBroadcast(mine[3], 6u),
        );
        c60 = add_product(c60, a6, b0);
        let a7 = mat4x4<f32>(
            subgroupBroadcast(mine[0], 7u),
            subgroupBroadcast(mine[1], 7u),
            subgroupBroadcast(mine[2], 7u),
            subgroupBroadcast(mine[3], 7u),
        );
        c70 = add_product(c70, a7, b0);
    }
    for (var kk = k_blocks; !(A_WHOLE || B_WHOLE) && kk < tile.k_end; kk++) {
        let mine = a_cross(rows, kk);
        let b0 = b_cross(cols0, kk);
        let a0 = subgroupBroadcast(mine, 0u);
        c00 = add_outer(c00, a0, b0);
        let a1 = subgroupBroadcast(mine, 1u);
        c10 = add_outer(c10, a1, b0);
        let a2 = subgroupBroadcast(mine, 2u);
        c20 = add_outer(c20, a2, b0);
        let a3 = subgroupBroadcast(mine, 3u);
        c30 = add_outer(c30, a3, b0);
        let a4 = subgroupBroadcast(mine, 4u);
        c40 = add_outer(c40, a4, b0);
        let a5 = subgroupBroadcast(mine, 5u);
        c50 = add_outer(c50, a5, b0);
        let a6 = subgroupBroadcast(mine, 6u);
        c60 = add_outer(c60, a6, b0);
        let a7 = subgroupBroadcast(mine, 7u);
        c70 = add_outer(c70, a7, b0);
    }

    // In a loop, so that the epilogue occurs once in the program: drivers inline it at every call,
    // and compiling it dozens of times took seconds.
    let blocks = min(8u, (params.m - row + 3u) / 4u);
    for (var i = 0u; i < blocks; i++) {
        store_block(c00, tile.out, row + 4u * i, col);
        c00 = c10;
        c10 = c20;
        c20 = c30;
        c30 = c40;
        c40 = c50;
        c50 = c60;
        c60 = c70;
    }
}
