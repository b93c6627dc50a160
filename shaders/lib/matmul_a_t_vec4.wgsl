// The left matrix of a matmul, stored [k, m], read four floats at a time (m, offset and
// stride divisible by 4).

// Whether k is always a multiple of 4, so that no remainder is left after blocks of 4.
const A_WHOLE = false;

// Returns the start of one row, which must be inside the matrix.
fn a_row(z: u32, row: u32) -> u32 {
    return params.a_offset + z * params.a_stride + row;
}

// Returns the starts of four rows; past the edge, repeats the last four, so that no read is out
// of bounds.
fn a_rows(z: u32, row: u32) -> vec4<u32> {
    let first = min(row, params.m - 4u);
    return vec4<u32>(params.a_offset + z * params.a_stride + first) + vec4<u32>(0u, 1u, 2u, 3u);
}

// Reads one element: the row that begins at start, at kk.
fn a_one(start: u32, kk: u32) -> f32 {
    let i = start + kk * params.m;
    return a_get(i);
}

// Reads one row at kk, kk + 1, kk + 2, kk + 3.
fn a_run(start: u32, kk: u32) -> vec4<f32> {
    return vec4<f32>(a_one(start, kk), a_one(start, kk + 1u), a_one(start, kk + 2u), a_one(start, kk + 3u));
}

// Reads four rows at one kk.
fn a_cross(starts: vec4<u32>, kk: u32) -> vec4<f32> {
    return a_get4((starts.x + kk * params.m) / 4u);
}

// Reads four rows at four k: element [j][r] is row r at kk + j.
fn a_block(starts: vec4<u32>, kk: u32) -> mat4x4<f32> {
    return mat4x4<f32>(
        a_cross(starts, kk),
        a_cross(starts, kk + 1u),
        a_cross(starts, kk + 2u),
        a_cross(starts, kk + 3u),
    );
}
