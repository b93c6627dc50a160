// Reads four features of dy and writes four of dx, if D and E are multiples of 4 (F = vec4<f32>).

fn dy4(start: u32, c: u32) -> vec4<f32> { return dy[start + c]; }

fn put(start: u32, c: u32, n: u32, value: vec4<f32>) { dx[start + c] = value; }
