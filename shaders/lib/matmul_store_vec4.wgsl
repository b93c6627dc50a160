// Passes the outputs of a matmul to the epilogue four columns at a time (F = vec4<f32>, n divisible
// by 4).

const F_WIDTH: u32 = 4u;

fn store_row(c: vec4<f32>, out: u32, row: u32, col: u32) {
    if row < params.m && col < params.n {
        epilogue(c, ((out * params.m + row) * params.n + col) / 4u);
    }
}

fn store_block(c: mat4x4<f32>, out: u32, row: u32, col: u32) {
    // Loops, so that the epilogue occurs once in the program: drivers inline it at every call.
    var block = c;
    let rows = min(4u, params.m - min(row, params.m));
    for (var r = 0u; r < rows; r++) {
        store_row(block[0], out, row + r, col);
        block = mat4x4<f32>(block[1], block[2], block[3], block[3]);
    }
}
