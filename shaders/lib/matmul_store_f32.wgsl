// Passes the outputs of a matmul to the epilogue one by one, for any n (F = f32).

const F_WIDTH: u32 = 1u;

fn store_row(c: vec4<f32>, out: u32, row: u32, col: u32) {
    if row >= params.m { return; }
    let i = (out * params.m + row) * params.n + col;
    var values = c;
    let columns = min(4u, params.n - min(col, params.n));
    for (var j = 0u; j < columns; j++) {
        epilogue(values.x, i + j);
        values = values.yzww;
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
