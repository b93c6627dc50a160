// The right matrix of a matmul, a view of a buffer (see lib/matmul_view), read one float at a
// time.

// Whether k is always a multiple of 4, so that no remainder is left after blocks of 4.
const B_WHOLE = false;

// Returns the start of one column, which must be inside the matrix.
fn b_column(z: u32, col: u32) -> u32 {
    return views.b.z.steps.w + walk(views.b.z, z) + walk(views.b.i, col);
}

// Returns the starts of four columns; past the edge, repeats the last one, so that no read is out
// of bounds.
fn b_columns(z: u32, col: u32) -> vec4<u32> {
    let clamped = min(vec4<u32>(col) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(params.n - 1u));
    return vec4<u32>(views.b.z.steps.w + walk(views.b.z, z)) + walks(views.b.i, clamped);
}

fn b_four(at: vec4<u32>) -> vec4<f32> {
    return vec4<f32>(b_get(at.x), b_get(at.y), b_get(at.z), b_get(at.w));
}

// Reads one element: the column that begins at start, at kk.
fn b_one(start: u32, kk: u32) -> f32 {
    return b_get(start + walk(views.b.k, kk));
}

// Reads one column at kk, kk + 1, kk + 2, kk + 3.
fn b_run(start: u32, kk: u32) -> vec4<f32> {
    return b_four(vec4<u32>(start) + walk_on(views.b.k, kk));
}

// Reads four columns at one kk.
fn b_cross(starts: vec4<u32>, kk: u32) -> vec4<f32> {
    return b_four(starts + vec4<u32>(walk(views.b.k, kk)));
}

// Reads four columns at four k: element [j][r] is column r at kk + j.
fn b_block(starts: vec4<u32>, kk: u32) -> mat4x4<f32> {
    let at = walk_on(views.b.k, kk);
    return mat4x4<f32>(
        b_four(starts + vec4<u32>(at.x)),
        b_four(starts + vec4<u32>(at.y)),
        b_four(starts + vec4<u32>(at.z)),
        b_four(starts + vec4<u32>(at.w)),
    );
}
