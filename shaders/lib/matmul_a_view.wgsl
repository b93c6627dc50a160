// The left matrix of a matmul, a view of a buffer (see lib/matmul_view), read one float at a
// time.

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

fn a_four(at: vec4<u32>) -> vec4<f32> {
    return vec4<f32>(a_get(at.x), a_get(at.y), a_get(at.z), a_get(at.w));
}

// Reads one element: the row that begins at start, at kk.
fn a_one(start: u32, kk: u32) -> f32 {
    return a_get(start + walk(views.a.k, kk));
}

// Reads one row at kk, kk + 1, kk + 2, kk + 3.
fn a_run(start: u32, kk: u32) -> vec4<f32> {
    return a_four(vec4<u32>(start) + walk_on(views.a.k, kk));
}

// Reads four rows at one kk.
fn a_cross(starts: vec4<u32>, kk: u32) -> vec4<f32> {
    return a_four(starts + vec4<u32>(walk(views.a.k, kk)));
}

// Reads four rows at four k: element [j][r] is row r at kk + j.
fn a_block(starts: vec4<u32>, kk: u32) -> mat4x4<f32> {
    let at = walk_on(views.a.k, kk);
    return mat4x4<f32>(
        a_four(starts + vec4<u32>(at.x)),
        a_four(starts + vec4<u32>(at.y)),
        a_four(starts + vec4<u32>(at.z)),
        a_four(starts + vec4<u32>(at.w)),
    );
}
