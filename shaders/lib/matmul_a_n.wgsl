// The left matrix of a matmul, stored [m, k], read one float at a time (any size).

// Whether k is always a multiple of 4, so that no remainder is left after blocks of 4.
const A_WHOLE = false;

// Returns the start of one row, which must be inside the matrix.
fn a_row(z: u32, row: u32) -> u32 {
    return params.a_offset + z * params.a_stride + row * params.k;
}

// Returns the starts of four rows; past the edge, repeats the last one, so that no read is out
// of bounds.
fn a_rows(z: u32, row: u32) -> vec4<u32> {
    let clamped = min(vec4<u32>(row) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(params.m - 1u));
    return vec4<u32>(params.a_offset + z * params.a_stride) + clamped * params.k;
}

// Reads one element: the row that begins at start, at kk.
fn a_one(start: u32, kk: u32) -> f32 {
    return a_get(start + kk);
}

// Reads one row at kk, kk + 1, kk + 2, kk + 3.
fn a_run(start: u32, kk: u32) -> vec4<f32> {
    let i = start + kk;
    return vec4<f32>(a_get(i), a_get(i + 1u), a_get(i + 2u), a_get(i + 3u));
}

// Reads four rows at one kk.
fn a_cross(starts: vec4<u32>, kk: u32) -> vec4<f32> {
    return vec4<f32>(a_one(starts.x, kk), a_one(starts.y, kk), a_one(starts.z, kk), a_one(starts.w, kk));
}

// Reads four rows at four k: element [j][r] is row r at kk + j.
fn a_block(starts: vec4<u32>, kk: u32) -> mat4x4<f32> {
    return transpose(mat4x4<f32>(
        a_run(starts.x, kk),
        a_run(starts.y, kk),
        a_run(starts.z, kk),
        a_run(starts.w, kk),
    ));
}
