// The tiles of both attention gradient kernels: read four rows of k, v and dy, and write four rows
// of dx.

// Reads blocks first .. first + 7 by features of four rows of k, with zeros past the last feature,
// times a factor.
fn k_blocks(start: vec4<u32>, first: u32, factor: f32) -> Blocks {
    var blocks: Blocks;
    for (var c = first; c < first + iterations(start.x); c++) {
        var rows = mat4x4<f32>();
        if c < D4 { rows = mat4x4<f32>(k4(start.x, c), k4(start.y, c), k4(start.z, c), k4(start.w, c)); }
        blocks = pushed(blocks, transpose(rows) * factor);
    }
    return blocks;
}

// Reads blocks first .. first + 7 by features of four rows of v, with zeros past the last feature.
fn v_blocks(start: vec4<u32>, first: u32) -> Blocks {
    var blocks: Blocks;
    for (var c = first; c < first + iterations(start.x); c++) {
        var rows = mat4x4<f32>();
        if c < E4 { rows = mat4x4<f32>(v4(start.x, c), v4(start.y, c), v4(start.z, c), v4(start.w, c)); }
        blocks = pushed(blocks, transpose(rows));
    }
    return blocks;
}

// Reads blocks first .. first + 7 by features of four rows of dy, with zeros past the last feature.
fn dy_blocks(start: vec4<u32>, first: u32) -> Blocks {
    var blocks: Blocks;
    for (var c = first; c < first + iterations(start.x); c++) {
        var rows = mat4x4<f32>();
        if c < E4 { rows = mat4x4<f32>(dy4(start.x, c), dy4(start.y, c), dy4(start.z, c), dy4(start.w, c)); }
        blocks = pushed(blocks, transpose(rows));
    }
    return blocks;
}

// Writes blocks first .. first + 7 by rows to the live ones of four rows of n features, each times
// its factor.
fn put_blocks(start: vec4<u32>, live: vec4<bool>, first: u32, n: u32, all: Blocks, factors: vec4<f32>) {
    var blocks = all;
    for (var c = first; c < first + iterations(start.x); c++) {
        if 4u * c < n {
            let block = scaled(blocks[0], factors);
            if live.x { put(start.x, c, n, block[0]); }
            if live.y { put(start.y, c, n, block[1]); }
            if live.z { put(start.z, c, n, block[2]); }
            if live.w { put(start.w, c, n, block[3]); }
        }
        blocks = pushed(blocks, blocks[0]);
    }
}
