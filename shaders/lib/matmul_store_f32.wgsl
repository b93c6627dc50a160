// Hands a matmul's outputs to the epilogue one by one, for any n (F = f32).

const F_WIDTH: u32 = 1u;

fn store_row(c: vec4<f32>, out: u32, row: u32, col: u32) {
    if row >= params.m { return; }
    let i = (out * params.m + row) * params.n + col;
    if col < params.n { epilogue(c.x, i); }
    if col + 1u < params.n { epilogue(c.y, i + 1u); }
    if col + 2u < params.n { epilogue(c.z, i + 2u); }
    if col + 3u < params.n { epilogue(c.w, i + 3u); }
}

fn store_block(c: mat4x4<f32>, out: u32, row: u32, col: u32) {
    store_row(c[0], out, row, col);
    store_row(c[1], out, row + 1u, col);
    store_row(c[2], out, row + 2u, col);
    store_row(c[3], out, row + 3u, col);
}
