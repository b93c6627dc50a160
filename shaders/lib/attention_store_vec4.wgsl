// Writes four features of y, if E is a multiple of 4 (F = vec4<f32>).

fn store(start: u32, c: u32, value: vec4<f32>) { y[start + c] = value; }
