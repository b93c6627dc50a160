// The left matrix of a matmul, made on the fly: element i of the matrix as if stored [k, m] is prologue(i) (F = f32).
//
// The loops keep the prologue once in the program: drivers inline it at every call.

// Whether k always divides by 4, so that nothing is left after blocks of 4.
const A_WHOLE = false;

// Where one row begins, which must be inside the matrix.
fn a_row(z: u32, row: u32) -> u32 {
    return z * params.a_stride + row;
}

// Where four rows begin; past the edge the last one again, so that no read leaves the matrix.
fn a_rows(z: u32, row: u32) -> vec4<u32> {
    let clamped = min(vec4<u32>(row) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(params.m - 1u));
    return vec4<u32>(z * params.a_stride) + clamped;
}

// One element: the row that begins at start, at kk.
fn a_one(start: u32, kk: u32) -> f32 {
    return prologue(start + kk * params.m);
}

// One row at kk, kk + 1, kk + 2, kk + 3.
fn a_run(start: u32, kk: u32) -> vec4<f32> {
    var run = vec4<f32>();
    for (var j = 0u; j < 4u; j++) {
        run = vec4<f32>(run.yzw, a_one(start, kk + j));
    }
    return run;
}

// Four rows at one kk.
fn a_cross(starts: vec4<u32>, kk: u32) -> vec4<f32> {
    return a_block_of(starts, kk, 1u)[3];
}

// Four rows at four k: element [j][r] is row r at kk + j.
fn a_block(starts: vec4<u32>, kk: u32) -> mat4x4<f32> {
    return a_block_of(starts, kk, 4u);
}

// Four rows at some k: the last columns of the matrix.
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
