// The left matrix of a matmul, stored [m, k], read one float at a time (any size).

// Whether k always divides by 4, so that nothing is left after blocks of 4.
const A_WHOLE = false;

// Where one row begins, which must be inside the matrix.
fn a_row(z: u32, row: u32) -> u32 {
    return params.a_offset + z * params.a_stride + row * params.k;
}

// Where four rows begin; past the edge the last one again, so that no read leaves the matrix.
fn a_rows(z: u32, row: u32) -> vec4<u32> {
    let clamped = min(vec4<u32>(row) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(params.m - 1u));
    return vec4<u32>(params.a_offset + z * params.a_stride) + clamped * params.k;
}

// One element: the row that begins at start, at kk.
fn a_one(start: u32, kk: u32) -> f32 {
    return a_get(start + kk);
}

// One row at kk, kk + 1, kk + 2, kk + 3.
fn a_run(start: u32, kk: u32) -> vec4<f32> {
    let i = start + kk;
    return vec4<f32>(a_get(i), a_get(i + 1u), a_get(i + 2u), a_get(i + 3u));
}

// Four rows at one kk.
fn a_cross(starts: vec4<u32>, kk: u32) -> vec4<f32> {
    return vec4<f32>(a_one(starts.x, kk), a_one(starts.y, kk), a_one(starts.z, kk), a_one(starts.w, kk));
}

// Four rows at four k: element [j][r] is row r at kk + j.
fn a_block(starts: vec4<u32>, kk: u32) -> mat4x4<f32> {
    return transpose(mat4x4<f32>(
        a_run(starts.x, kk),
        a_run(starts.y, kk),
        a_run(starts.z, kk),
        a_run(starts.w, kk),
    ));
}
