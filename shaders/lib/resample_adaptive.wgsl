// Resampling by the mean of windows of nearly equal sizes, which overlap if necessary.

fn taps(a: Axis, i: u32) -> vec2<u32> {
    return vec2<u32>(i * a.n / a.to, ((i + 1u) * a.n + a.to - 1u) / a.to);
}

fn users(a: Axis, j: u32) -> vec2<u32> {
    return vec2<u32>(j * a.to / a.n, ((j + 1u) * a.to + a.n - 1u) / a.n);
}

fn weight(a: Axis, i: u32, j: u32) -> f32 {
    let range = taps(a, i);
    return 1.0 / f32(range.y - range.x);
}
