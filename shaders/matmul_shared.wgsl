// matmul_shared: y[z, m, n] = sum over k of a[z, m, k] * b[z, k, n], tiles of a and b in workgroup memory, 8 x 8 outputs per invocation
// Shapes    a [batch, m, k] or [batch, k, m]   b [batch, k, n] or [batch, n, k]   y [splits, batch, m, n]
// Bindings  0 read a | 1 read b | 2 uniform Params | 3 and on: those of the views and the epilogue
// Workgroup [WGX, WGY, 1], a tile of 8 * WGY rows x 8 * WGX columns, grid [tiles folded to 3 dimensions]
// Overrides WGX = 8 | WGY = 8 (512 * (WGX + WGY) bytes of workgroup memory, 8 KiB here)
// Reference src/ops/matmul.rs
//
// Parts: lib/matmul, one lib/matmul_a_*, one lib/matmul_b_*, lib/matmul_view for views, one
// lib/matmul_store_*, an epilogue.

override WGX: u32 = 8u;
override WGY: u32 = 8u;

const DEPTH: u32 = 16u; // k of a tile

var<workgroup> a_tile: array<vec4<f32>, DEPTH * 2u * WGY>; // [k, rows / 4]
var<workgroup> b_tile: array<vec4<f32>, DEPTH * 2u * WGX>; // [k, columns / 4]

@compute @workgroup_size(WGX, WGY, 1)
fn main(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
    @builtin(local_invocation_index) index: u32,
) {
    let tile = tile_of(workgroup, count, 8u * WGY, 8u * WGX);
    if !tile.live { return; }

    // An invocation has twice four rows and columns, half a tile apart, so that adjacent
    // invocations read adjacent vec4s.
    let lines = 2u * WGY;
    let strips = 2u * WGX;
    var c00 = mat4x4<f32>();
    var c01 = mat4x4<f32>();
    var c10 = mat4x4<f32>();
    var c11 = mat4x4<f32>();

    for (var k0 = tile.k_begin; k0 < tile.k_end; k0 += DEPTH) {
        // Past k_end nothing is read or added, so that every variant adds the same terms.
        let depth = min(DEPTH, tile.k_end - k0);
        let blocks = (depth + 3u) / 4u;
        for (var i = index; i < blocks * lines; i += WGX * WGY) {
            let j = 4u * (i % blocks);
            let line = i / blocks;
            let rows = a_rows(tile.z, tile.row + 4u * line);
            if j + 4u <= depth {
                let a0 = a_block(rows, k0 + j);
                a_tile[j * lines + line] = a0[0];
                a_tile[(j + 1u) * lines + line] = a0[1];
                a_tile[(j + 2u) * lines + line] = a0[2];
                a_tile[(j + 3u) * lines + line] = a0[3];
            } else {
                for (var k = j; k < depth; k++) { a_tile[k * lines + line] = a_cross(rows, k0 + k); }
            }
        }
        for (var i = index; i < blocks * strips; i += WGX * WGY) {
            let j = 4u * (i / strips);
            let strip = i % strips;
            let cols = b_columns(tile.z, tile.col + 4u * strip);
            if j + 4u <= depth {
                let b0 = b_block(cols, k0 + j);
                b_tile[j * strips + strip] = b0[0];
                b_tile[(j + 1u) * strips + strip] = b0[1];
                b_tile[(j + 2u) * strips + strip] = b0[2];
                b_tile[(j + 3u) * strips + strip] = b0[3];
            } else {
                for (var k = j; k < depth; k++) { b_tile[k * strips + strip] = b_cross(cols, k0 + k); }
            }
        }
        workgroupBarrier();

        for (var k = 0u; k < depth; k++) {
            let a0 = a_tile[k * lines + local.y];
            let a1 = a_tile[k * lines + local.y + WGY];
            let b0 = b_tile[k * strips + local.x];
            let b1 = b_tile[k * strips + local.x + WGX];
            c00 = add_outer(c00, a0, b0);
            c01 = add_outer(c01, a0, b1);
            c10 = add_outer(c10, a1, b0);
            c11 = add_outer(c11, a1, b1);
        }
        workgroupBarrier();
    }

    let row = tile.row + 4u * local.y;
    let col = tile.col + 4u * local.x;
    store_block(c00, tile.out, row, col);
    store_block(c01, tile.out, row, col + 4u * WGX);
    store_block(c10, tile.out, row + 4u * WGY, col);
    store_block(c11, tile.out, row + 4u * WGY, col + 4u * WGX);
}
