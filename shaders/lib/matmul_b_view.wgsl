// The right matrix of a matmul, a view of a buffer (see lib/matmul_view), read one float at a time.

// Whether k always divides by 4, so that nothing is left after blocks of 4.
const B_WHOLE = false;

// Where one column begins, which must be inside the matrix.
fn b_column(z: u32, col: u32) -> u32 {
    return views.b.z.steps.w + walk(views.b.z, z) + walk(views.b.i, col);
}

// Where four columns begin; past the edge the last one again, so that no read leaves the matrix.
fn b_columns(z: u32, col: u32) -> vec4<u32> {
    let clamped = min(vec4<u32>(col) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(params.n - 1u));
    return vec4<u32>(views.b.z.steps.w + walk(views.b.z, z)) + walks(views.b.i, clamped);
}

fn b_four(at: vec4<u32>) -> vec4<f32> {
    return vec4<f32>(b_get(at.x), b_get(at.y), b_get(at.z), b_get(at.w));
}

// One element: the column that begins at start, at kk.
fn b_one(start: u32, kk: u32) -> f32 {
    return b_get(start + walk(views.b.k, kk));
}

// One column at kk, kk + 1, kk + 2, kk + 3.
fn b_run(start: u32, kk: u32) -> vec4<f32> {
    return b_four(vec4<u32>(start) + walk_on(views.b.k, kk));
}

// Four columns at one kk.
fn b_cross(starts: vec4<u32>, kk: u32) -> vec4<f32> {
    return b_four(starts + vec4<u32>(walk(views.b.k, kk)));
}

// Four columns at four k: element [j][r] is column r at kk + j.
fn b_block(starts: vec4<u32>, kk: u32) -> mat4x4<f32> {
    let at = walk_on(views.b.k, kk);
    return mat4x4<f32>(
        b_four(starts + vec4<u32>(at.x)),
        b_four(starts + vec4<u32>(at.y)),
        b_four(starts + vec4<u32>(at.z)),
        b_four(starts + vec4<u32>(at.w)),
    );
}
