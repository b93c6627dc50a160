// The left matrix of a matmul, a view of a buffer (see lib/matmul_view) whose k visits the
// buffer in whole runs of four floats: the size of k's last coordinate and all strides but its own,
// which is 1, are divisible by 4.

// Whether k is always a multiple of 4, so that no remainder is left after blocks of 4.
const A_WHOLE = false;

// Returns the start of one row, which must be inside the matrix.
fn a_row(z: u32, row: u32) -> u32 {
    return views.a.z.steps.w + walk(views.a.z, z) + walk(views.a.i, row);
}

// Returns the starts of four rows; past the edge, repeats the last one, so that no read is out
// of bounds.
fn a_rows(z: u32, row: u32) -> vec4<u32> {
    let clamped = min(vec4<u32>(row) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(params.m - 1u));
    return vec4<u32>(views.a.z.steps.w + walk(views.a.z, z)) + walks(views.a.i, clamped);
}

// Reads one element: the row that begins at start, at kk.
fn a_one(start: u32, kk: u32) -> f32 {
    let i = start + walk(views.a.k, kk);
    return a_get(i);
}

// Reads one row at kk, kk + 1, kk + 2, kk + 3.
fn a_run(start: u32, kk: u32) -> vec4<f32> {
    return a_get4((start + walk(views.a.k, kk)) / 4u);
}

// Reads four rows at one kk.
fn a_cross(starts: vec4<u32>, kk: u32) -> vec4<f32> {
    return vec4<f32>(a_one(starts.x, kk), a_one(starts.y, kk), a_one(starts.z, kk), a_one(starts.w, kk));
}

// Reads four rows at four k: element [j][r] is row r at kk + j.
fn a_block(starts: vec4<u32>, kk: u32) -> mat4x4<f32> {
    let at = (starts + vec4<u32>(walk(views.a.k, kk))) / vec4<u32>(4u);
    return transpose(mat4x4<f32>(a_get4(at.x), a_get4(at.y), a_get4(at.z), a_get4(at.w)));
}
