// The shared part of the matmul shaders: parameters, grid, and the product of two 4 x 4 blocks.
//
// y[z, m, n] = sum over k of a[z, m, k] * b[z, k, n], added in ascending k with fma from 0, with
// one accumulator per output. No variant may add in another order, so a tile size never changes a
// result.

struct Params {
    m: u32,
    n: u32,
    k: u32,
    batch: u32,
    a_offset: u32,   // first element of a in its binding
    b_offset: u32,
    a_stride: u32,   // elements from one matrix of a to the next; 0 if the whole batch shares one matrix
    b_stride: u32,
    k_chunk: u32,    // split s adds over k in [s * k_chunk, min(k, (s + 1) * k_chunk)); a multiple of 4
    splits: u32,     // the number of partial sums per output, which depends only on the shape; 1 if k_chunk >= k
    tile_begin: u32, // the first workgroup of this dispatch, if a long grid is split into several
    tile_end: u32,   // one past the last workgroup of this dispatch
}

@group(0) @binding(2) var<uniform> params: Params;

// The part of the output that a workgroup computes.
struct Tile {
    live: bool, // false for workgroups past the end of the folded grid
    z: u32,     // matrix of the batch
    out: u32,   // matrix of the output: split * batch + z
    row: u32,
    col: u32,
    k_begin: u32,
    k_end: u32,
}

// Workgroups count through x, then y, then z, so that a grid past 65,535 folds into any three
// dimensions.
fn linear_workgroup(workgroup: vec3<u32>, count: vec3<u32>) -> u32 {
    return params.tile_begin + workgroup.x + count.x * (workgroup.y + count.y * workgroup.z);
}

// Tiles of rows x cols go along n first, then m, then batch, then split.
fn tile_of(workgroup: vec3<u32>, count: vec3<u32>, rows: u32, cols: u32) -> Tile {
    let i = linear_workgroup(workgroup, count);
    let across = (params.n + cols - 1u) / cols;
    let down = (params.m + rows - 1u) / rows;
    let strip = i / across;
    let out = strip / down;
    let split = out / params.batch;
    return Tile(
        i < params.tile_end,
        out % params.batch,
        out,
        (strip % down) * rows,
        (i % across) * cols,
        min(params.k, split * params.k_chunk),
        min(params.k, (split + 1u) * params.k_chunk),
    );
}

// Returns c + a * b for one k: a is four rows of a column, b four columns of a row; c[r] is row r.
fn add_outer(c: mat4x4<f32>, a: vec4<f32>, b: vec4<f32>) -> mat4x4<f32> {
    return mat4x4<f32>(
        fma(vec4<f32>(a.x), b, c[0]),
        fma(vec4<f32>(a.y), b, c[1]),
        fma(vec4<f32>(a.z), b, c[2]),
        fma(vec4<f32>(a.w), b, c[3]),
    );
}

// Returns c + a * b for four k in ascending order: a[j] and b[j] belong to the j-th k.
fn add_product(c: mat4x4<f32>, a: mat4x4<f32>, b: mat4x4<f32>) -> mat4x4<f32> {
    return add_outer(add_outer(add_outer(add_outer(c, a[0], b[0]), a[1], b[1]), a[2], b[2]), a[3], b[3]);
}
