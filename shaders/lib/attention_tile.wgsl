// Tiles of attention in which an invocation holds four rows (queries, or keys) and a subgroup's lanes each fetch one
// of the eight rows on the other side, which subgroupBroadcast hands to all of them.
//
// A block is four features of four rows: column f of a block by features is feature f of all four; column r of a
// block by rows is row r.

// s plus the products of four rows, in a block by features, with one row on the other side.
fn add_dots(s: vec4<f32>, rows: mat4x4<f32>, other: vec4<f32>) -> vec4<f32> {
    return fma(rows[3], vec4<f32>(other.w), fma(rows[2], vec4<f32>(other.z), fma(rows[1], vec4<f32>(other.y), fma(rows[0], vec4<f32>(other.x), s))));
}

// A block by rows plus each row's weight times one row on the other side.
fn add_weighted(block: mat4x4<f32>, weights: vec4<f32>, other: vec4<f32>) -> mat4x4<f32> {
    return mat4x4<f32>(
        fma(vec4<f32>(weights.x), other, block[0]),
        fma(vec4<f32>(weights.y), other, block[1]),
        fma(vec4<f32>(weights.z), other, block[2]),
        fma(vec4<f32>(weights.w), other, block[3]),
    );
}

// Each row of a block by rows times its factor.
fn scaled(block: mat4x4<f32>, factors: vec4<f32>) -> mat4x4<f32> {
    return mat4x4<f32>(block[0] * factors.x, block[1] * factors.y, block[2] * factors.z, block[3] * factors.w);
}

// Scores of four queries with eight keys: s[j] holds key j's.
struct Scores { s0: vec4<f32>, s1: vec4<f32>, s2: vec4<f32>, s3: vec4<f32>, s4: vec4<f32>, s5: vec4<f32>, s6: vec4<f32>, s7: vec4<f32> }

// The same number for all rows, of each of the lanes' own.
fn spread_number(mine: f32) -> Scores {
    return Scores(
        vec4<f32>(subgroupBroadcast(mine, 0u)), vec4<f32>(subgroupBroadcast(mine, 1u)),
        vec4<f32>(subgroupBroadcast(mine, 2u)), vec4<f32>(subgroupBroadcast(mine, 3u)),
        vec4<f32>(subgroupBroadcast(mine, 4u)), vec4<f32>(subgroupBroadcast(mine, 5u)),
        vec4<f32>(subgroupBroadcast(mine, 6u)), vec4<f32>(subgroupBroadcast(mine, 7u)),
    );
}

// s plus the products of four rows with the lanes' eight, for four features.
fn add_tile(s: Scores, rows: mat4x4<f32>, mine: vec4<f32>) -> Scores {
    return Scores(
        add_dots(s.s0, rows, subgroupBroadcast(mine, 0u)), add_dots(s.s1, rows, subgroupBroadcast(mine, 1u)),
        add_dots(s.s2, rows, subgroupBroadcast(mine, 2u)), add_dots(s.s3, rows, subgroupBroadcast(mine, 3u)),
        add_dots(s.s4, rows, subgroupBroadcast(mine, 4u)), add_dots(s.s5, rows, subgroupBroadcast(mine, 5u)),
        add_dots(s.s6, rows, subgroupBroadcast(mine, 6u)), add_dots(s.s7, rows, subgroupBroadcast(mine, 7u)),
    );
}

// A block by rows plus weights times the lanes' eight rows, for four features.
fn add_rows(block: mat4x4<f32>, w: Scores, mine: vec4<f32>) -> mat4x4<f32> {
    var sum = add_weighted(block, w.s0, subgroupBroadcast(mine, 0u));
    sum = add_weighted(sum, w.s1, subgroupBroadcast(mine, 1u));
    sum = add_weighted(sum, w.s2, subgroupBroadcast(mine, 2u));
    sum = add_weighted(sum, w.s3, subgroupBroadcast(mine, 3u));
    sum = add_weighted(sum, w.s4, subgroupBroadcast(mine, 4u));
    sum = add_weighted(sum, w.s5, subgroupBroadcast(mine, 5u));
    sum = add_weighted(sum, w.s6, subgroupBroadcast(mine, 6u));
    return add_weighted(sum, w.s7, subgroupBroadcast(mine, 7u));
}

fn largest_of(s: Scores) -> vec4<f32> {
    return max(max(max(s.s0, s.s1), max(s.s2, s.s3)), max(max(s.s4, s.s5), max(s.s6, s.s7)));
}

fn total_of(s: Scores) -> vec4<f32> {
    return ((s.s0 + s.s1) + (s.s2 + s.s3)) + ((s.s4 + s.s5) + (s.s6 + s.s7));
}

fn times(a: Scores, b: Scores) -> Scores {
    return Scores(a.s0 * b.s0, a.s1 * b.s1, a.s2 * b.s2, a.s3 * b.s3, a.s4 * b.s4, a.s5 * b.s5, a.s6 * b.s6, a.s7 * b.s7);
}

// e^(s - top), and 0 where s is left out.
fn weight(s: vec4<f32>, top: vec4<f32>) -> vec4<f32> {
    return select(vec4<f32>(0.0), exp(s - top), s > vec4<f32>(LEFT_OUT));
}

fn weights(s: Scores, top: vec4<f32>) -> Scores {
    return Scores(
        weight(s.s0, top), weight(s.s1, top), weight(s.s2, top), weight(s.s3, top),
        weight(s.s4, top), weight(s.s5, top), weight(s.s6, top), weight(s.s7, top),
    );
}

fn seen_at(s: vec4<f32>, j: u32, ends: vec4<u32>) -> vec4<f32> {
    return select(vec4<f32>(LEFT_OUT), s, vec4<u32>(j) < ends);
}

// Scores of queries, of which each sees the keys before its end, with keys j .. j + 7.
fn seen(s: Scores, j: u32, ends: vec4<u32>) -> Scores {
    return Scores(
        seen_at(s.s0, j, ends), seen_at(s.s1, j + 1u, ends), seen_at(s.s2, j + 2u, ends), seen_at(s.s3, j + 3u, ends),
        seen_at(s.s4, j + 4u, ends), seen_at(s.s5, j + 5u, ends), seen_at(s.s6, j + 6u, ends), seen_at(s.s7, j + 7u, ends),
    );
}
