// Hands a matmul's outputs to the epilogue four columns at a time (F = vec4<f32>, n divisible by 4).

const F_WIDTH: u32 = 4u;

fn store_row(c: vec4<f32>, out: u32, row: u32, col: u32) {
    if row < params.m && col < params.n {
        epilogue(c, ((out * params.m + row) * params.n + col) / 4u);
    }
}

fn store_block(c: mat4x4<f32>, out: u32, row: u32, col: u32) {
    store_row(c[0], out, row, col);
    store_row(c[1], out, row + 1u, col);
    store_row(c[2], out, row + 2u, col);
    store_row(c[3], out, row + 3u, col);
}
