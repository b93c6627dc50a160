// Writes four features of y, of E in all (F = f32).

fn store(start: u32, c: u32, value: vec4<f32>) {
    let i = start + 4u * c;
    y[i] = value.x;
    if 4u * c + 1u < E { y[i + 1u] = value.y; }
    if 4u * c + 2u < E { y[i + 2u] = value.z; }
    if 4u * c + 3u < E { y[i + 3u] = value.w; }
}
