// The left matrix of a matmul, computed by a prologue: element i of the matrix, as if stored
// [m, k], is prologue(i) (F = f32).
//
// The loops keep one call of the prologue in the program, because drivers inline it at every call.

// Whether k is always a multiple of 4, so that no remainder is left after blocks of 4.
const A_WHOLE = false;

// Returns the start of one row, which must be inside the matrix.
fn a_row(z: u32, row: u32) -> u32 {
    return z * params.a_stride + row * params.k;
}

// Returns the starts of four rows; past the edge, repeats the last one, so that no read is out
// of bounds.
fn a_rows(z: u32, row: u32) -> vec4<u32> {
    let clamped = min(vec4<u32>(row) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(params.m - 1u));
    return vec4<u32>(z * params.a_stride) + clamped * params.k;
}

// Reads one element: the row that begins at start, at kk.
fn a_one(start: u32, kk: u32) -> f32 {
    return prologue(start + kk);
}

// Reads one row at kk, kk + 1, kk + 2, kk + 3.
fn a_run(start: u32, kk: u32) -> vec4<f32> {
    var run = vec4<f32>();
    for (var j = 0u; j < 4u; j++) {
        run = vec4<f32>(run.yzw, a_one(start, kk + j));
    }
    return run;
}

// Reads four rows at one kk.
fn a_cross(starts: vec4<u32>, kk: u32) -> vec4<f32> {
    return a_block_of(starts, kk, 1u)[3];
}

// Reads four rows at four k: element [j][r] is row r at kk + j.
fn a_block(starts: vec4<u32>, kk: u32) -> mat4x4<f32> {
    return a_block_of(starts, kk, 4u);
}

// Reads four rows at the last k of the matrix, fewer than four.
fn a_block_of(starts: vec4<u32>, kk: u32, columns: u32) -> mat4x4<f32> {
    var block = mat4x4<f32>();
    var column = vec4<f32>();
    var rows = starts;
    for (var i = 0u; i < 4u * columns; i++) {
        column = vec4<f32>(column.yzw, a_one(rows.x, kk + i / 4u));
        rows = rows.yzwx;
        if i % 4u == 3u {
            block = mat4x4<f32>(block[1], block[2], block[3], column);
        }
    }
    return block;
}
