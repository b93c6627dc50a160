// Reads four features of dy and writes four of dx, of n in all (F = f32).

fn dy4(start: u32, c: u32) -> vec4<f32> {
    let i = min(4u * vec4<u32>(c) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(E - 1u));
    let four = vec4<f32>(dy[start + i.x], dy[start + i.y], dy[start + i.z], dy[start + i.w]);
    return select(vec4<f32>(0.0), four, inside(c, E));
}

fn put(start: u32, c: u32, n: u32, value: vec4<f32>) {
    let i = start + 4u * c;
    dx[i] = value.x;
    if 4u * c + 1u < n { dx[i + 1u] = value.y; }
    if 4u * c + 2u < n { dx[i + 2u] = value.z; }
    if 4u * c + 3u < n { dx[i + 3u] = value.w; }
}
