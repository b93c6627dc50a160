// The right matrix of a matmul, stored [n, k], read one float at a time (any size).

// Whether k is always a multiple of 4, so that no remainder is left after blocks of 4.
const B_WHOLE = false;

// Returns the start of one column, which must be inside the matrix.
fn b_column(z: u32, col: u32) -> u32 {
    return params.b_offset + z * params.b_stride + col * params.k;
}

// Returns the starts of four columns; past the edge, repeats the last one, so that no read is out
// of bounds.
fn b_columns(z: u32, col: u32) -> vec4<u32> {
    let clamped = min(vec4<u32>(col) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(params.n - 1u));
    return vec4<u32>(params.b_offset + z * params.b_stride) + clamped * params.k;
}

// Reads one element: the column that begins at start, at kk.
fn b_one(start: u32, kk: u32) -> f32 {
    return b_get(start + kk);
}

// Reads one column at kk, kk + 1, kk + 2, kk + 3.
fn b_run(start: u32, kk: u32) -> vec4<f32> {
    let i = start + kk;
    return vec4<f32>(b_get(i), b_get(i + 1u), b_get(i + 2u), b_get(i + 3u));
}

// Reads four columns at one kk.
fn b_cross(starts: vec4<u32>, kk: u32) -> vec4<f32> {
    return vec4<f32>(b_one(starts.x, kk), b_one(starts.y, kk), b_one(starts.z, kk), b_one(starts.w, kk));
}

// Reads four columns at four k: element [j][r] is column r at kk + j.
fn b_block(starts: vec4<u32>, kk: u32) -> mat4x4<f32> {
    return transpose(mat4x4<f32>(
        b_run(starts.x, kk),
        b_run(starts.y, kk),
        b_run(starts.z, kk),
        b_run(starts.w, kk),
    ));
}
