// Attention tiles in which an invocation holds four rows (queries or keys) and processes the rows
// of the other side one by one: each lane of a subgroup loads four features of such a row, and
// subgroupBroadcast passes them to all.
//
// A block is four features of four rows: column f of a block by features is feature f of all four;
// column r of a block by rows is row r. D8 and E8 are generated: the number of groups of eight
// blocks that the features of a row fill, 1 or 2: the low blocks and the high ones. The blocks have
// names, because a variable index is slow.

alias Blocks = array<mat4x4<f32>, 8>;

// Always 8, but unknown to the compiler, so that the loops over blocks cannot be unrolled and each
// load and store occurs once. Unrolled, the loads and stores were half of the code that a driver
// compiled, for work done once in a kernel.
fn iterations(place: u32) -> u32 { return min(8u, place + 8u); }

// Returns the blocks shifted down by one, with a new last one.
fn pushed(blocks: Blocks, last: mat4x4<f32>) -> Blocks {
    return Blocks(blocks[1], blocks[2], blocks[3], blocks[4], blocks[5], blocks[6], blocks[7], last);
}

// Reads blocks first .. first + 7 by features of four rows of q, with zeros past the last feature,
// times a factor.
fn q_blocks(start: vec4<u32>, first: u32, factor: f32) -> Blocks {
    var blocks: Blocks;
    for (var c = first; c < first + iterations(start.x); c++) {
        var rows = mat4x4<f32>();
        if c < D4 { rows = mat4x4<f32>(q4(start.x, c), q4(start.y, c), q4(start.z, c), q4(start.w, c)); }
        blocks = pushed(blocks, transpose(rows) * factor);
    }
    return blocks;
}

// Returns s plus the products of four rows, in a block by features, with four features of a row of
// the other side.
fn add_dots(s: vec4<f32>, rows: mat4x4<f32>, other: vec4<f32>) -> vec4<f32> {
    let two = fma(rows[1], vec4<f32>(other.y), fma(rows[0], vec4<f32>(other.x), s));
    return fma(rows[3], vec4<f32>(other.w), fma(rows[2], vec4<f32>(other.z), two));
}

// The same for eight blocks: lane c holds features 4c .. 4c + 3 of the row of the other side.
fn add_row(s: vec4<f32>, rows: Blocks, mine: vec4<f32>) -> vec4<f32> {
    var sum = add_dots(s, rows[0], subgroupBroadcast(mine, 0u));
    sum = add_dots(sum, rows[1], subgroupBroadcast(mine, 1u));
    sum = add_dots(sum, rows[2], subgroupBroadcast(mine, 2u));
    sum = add_dots(sum, rows[3], subgroupBroadcast(mine, 3u));
    sum = add_dots(sum, rows[4], subgroupBroadcast(mine, 4u));
    sum = add_dots(sum, rows[5], subgroupBroadcast(mine, 5u));
    sum = add_dots(sum, rows[6], subgroupBroadcast(mine, 6u));
    return add_dots(sum, rows[7], subgroupBroadcast(mine, 7u));
}

// Returns a block by rows plus each row's weight times four features of a row of the other side.
fn add_outer(block: mat4x4<f32>, weights: vec4<f32>, other: vec4<f32>) -> mat4x4<f32> {
    return mat4x4<f32>(
        fma(vec4<f32>(weights.x), other, block[0]),
        fma(vec4<f32>(weights.y), other, block[1]),
        fma(vec4<f32>(weights.z), other, block[2]),
        fma(vec4<f32>(weights.w), other, block[3]),
    );
}

// The same for eight blocks.
fn add_weighted(blocks: Blocks, weights: vec4<f32>, mine: vec4<f32>) -> Blocks {
    return Blocks(
        add_outer(blocks[0], weights, subgroupBroadcast(mine, 0u)),
        add_outer(blocks[1], weights, subgroupBroadcast(mine, 1u)),
        add_outer(blocks[2], weights, subgroupBroadcast(mine, 2u)),
        add_outer(blocks[3], weights, subgroupBroadcast(mine, 3u)),
        add_outer(blocks[4], weights, subgroupBroadcast(mine, 4u)),
        add_outer(blocks[5], weights, subgroupBroadcast(mine, 5u)),
        add_outer(blocks[6], weights, subgroupBroadcast(mine, 6u)),
        add_outer(blocks[7], weights, subgroupBroadcast(mine, 7u)),
    );
}

// Returns each row of a block by rows times its factor.
fn scaled(block: mat4x4<f32>, factors: vec4<f32>) -> mat4x4<f32> {
    return mat4x4<f32>(block[0] * factors.x, block[1] * factors.y, block[2] * factors.z, block[3] * factors.w);
}

// The same for eight blocks.
fn shrunk(blocks: Blocks, factors: vec4<f32>) -> Blocks {
    return Blocks(
        scaled(blocks[0], factors), scaled(blocks[1], factors), scaled(blocks[2], factors), scaled(blocks[3], factors),
        scaled(blocks[4], factors), scaled(blocks[5], factors), scaled(blocks[6], factors), scaled(blocks[7], factors),
    );
}

// Returns e^(s - top), and 0 where s is masked out.
fn weight(s: vec4<f32>, top: vec4<f32>) -> vec4<f32> {
    return select(vec4<f32>(0.0), exp(s - top), s > vec4<f32>(LEFT_OUT));
}

// Returns the lane's block of the blocks from 8g on, of n; the last one if there are fewer.
fn lane_block(g: u32, lane: u32, n: u32) -> u32 {
    return min(8u * g + lane % 8u, n - 1u);
}
