// The right matrix of a matmul, stored [k, n], read four floats at a time (n, offset and
// stride divisible by 4).

// Whether k is always a multiple of 4, so that no remainder is left after blocks of 4.
const B_WHOLE = false;

// Returns the start of one column, which must be inside the matrix.
fn b_column(z: u32, col: u32) -> u32 {
    return params.b_offset + z * params.b_stride + col;
}

// Returns the starts of four columns; past the edge, repeats the last four, so that no read is out
// of bounds.
fn b_columns(z: u32, col: u32) -> vec4<u32> {
    let first = min(col, params.n - 4u);
    return vec4<u32>(params.b_offset + z * params.b_stride + first) + vec4<u32>(0u, 1u, 2u, 3u);
}

// Reads one element: the column that begins at start, at kk.
fn b_one(start: u32, kk: u32) -> f32 {
    let i = start + kk * params.n;
    return b_get(i);
}

// Reads one column at kk, kk + 1, kk + 2, kk + 3.
fn b_run(start: u32, kk: u32) -> vec4<f32> {
    return vec4<f32>(b_one(start, kk), b_one(start, kk + 1u), b_one(start, kk + 2u), b_one(start, kk + 3u));
}

// Reads four columns at one kk.
fn b_cross(starts: vec4<u32>, kk: u32) -> vec4<f32> {
    return b_get4((starts.x + kk * params.n) / 4u);
}

// Reads four columns at four k: element [j][r] is column r at kk + j.
fn b_block(starts: vec4<u32>, kk: u32) -> mat4x4<f32> {
    return mat4x4<f32>(
        b_cross(starts, kk),
        b_cross(starts, kk + 1u),
        b_cross(starts, kk + 2u),
        b_cross(starts, kk + 3u),
    );
}
