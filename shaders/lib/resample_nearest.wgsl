// Resampling by the nearest element.

fn taps(a: Axis, i: u32) -> vec2<u32> {
    let j = i * a.n / a.to;
    return vec2<u32>(j, j + 1u);
}

fn users(a: Axis, j: u32) -> vec2<u32> {
    return (vec2<u32>(j, j + 1u) * a.to + vec2<u32>(a.n - 1u)) / a.n;
}

fn weight(a: Axis, i: u32, j: u32) -> f32 {
    return 1.0;
}
