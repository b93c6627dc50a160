// Resampling by the mean of windows: p is their size, q their distance, r the padding, s whether
// padding counts.

fn taps(a: Axis, i: u32) -> vec2<u32> {
    let start = i * a.q;
    return vec2<u32>(max(start, a.r) - a.r, min(max(start + a.p, a.r) - a.r, a.n));
}

fn users(a: Axis, j: u32) -> vec2<u32> {
    let at = j + a.r;
    let first = (max(at + 1u, a.p) - a.p + a.q - 1u) / a.q;
    return vec2<u32>(first, min(at / a.q + 1u, a.to));
}

fn weight(a: Axis, i: u32, j: u32) -> f32 {
    let range = taps(a, i);
    return 1.0 / f32(select(range.y - range.x, a.p, a.s == 1u));
}
