// Reads four features of a query, a key and a value, with zeros past the last one, for any D and E
// (F = f32).

fn q4(start: u32, c: u32) -> vec4<f32> {
    let i = min(4u * vec4<u32>(c) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(D - 1u));
    let four = vec4<f32>(q[start + i.x], q[start + i.y], q[start + i.z], q[start + i.w]);
    return select(vec4<f32>(0.0), four, inside(c, D));
}

fn k4(start: u32, c: u32) -> vec4<f32> {
    let i = min(4u * vec4<u32>(c) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(D - 1u));
    let four = vec4<f32>(k[start + i.x], k[start + i.y], k[start + i.z], k[start + i.w]);
    return select(vec4<f32>(0.0), four, inside(c, D));
}

fn v4(start: u32, c: u32) -> vec4<f32> {
    let i = min(4u * vec4<u32>(c) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(E - 1u));
    let four = vec4<f32>(v[start + i.x], v[start + i.y], v[start + i.z], v[start + i.w]);
    return select(vec4<f32>(0.0), four, inside(c, E));
}

// Returns which of the features 4c .. 4c + 3 exist.
fn inside(c: u32, n: u32) -> vec4<bool> {
    return 4u * vec4<u32>(c) + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(n);
}
