// Resampling by linear interpolation: element i is at position max(p i + q - r, 0) / s of the
// input.

fn place(a: Axis, i: u32) -> u32 {
    return max(i * a.p + a.q, a.r) - a.r;
}

fn taps(a: Axis, i: u32) -> vec2<u32> {
    let first = place(a, i) / a.s;
    return vec2<u32>(first, min(first + 2u, a.n));
}

// Returns the first i at position j or past it.
fn first_at(a: Axis, j: u32) -> u32 {
    return min((max(j * a.s + a.r, a.q) - a.q + a.p - 1u) / a.p, a.to);
}

fn users(a: Axis, j: u32) -> vec2<u32> {
    if a.p == 0u { return vec2<u32>(0u, a.to); }
    return vec2<u32>(select(0u, first_at(a, j - 1u), j > 1u), first_at(a, j + 1u));
}

fn weight(a: Axis, i: u32, j: u32) -> f32 {
    let at = place(a, i);
    let first = at / a.s;
    let rest = at % a.s;
    if j == first { return select(f32(a.s - rest) / f32(a.s), 1.0, first + 1u == a.n); }
    return select(0.0, f32(rest) / f32(a.s), j == first + 1u);
}
