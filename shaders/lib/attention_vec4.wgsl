// Reads four features of a query, a key and a value, if D and E are multiples of 4 (F = vec4<f32>).

fn q4(start: u32, c: u32) -> vec4<f32> { return q[start + c]; }
fn k4(start: u32, c: u32) -> vec4<f32> { return k[start + c]; }
fn v4(start: u32, c: u32) -> vec4<f32> { return v[start + c]; }
