// Exact quotients of integers below 2^30 by a divisor that is a run-time parameter; inverse is 1 /
// d, rounded to f32.
//
// `/` is not used, because software adapters and many GPUs need dozens of instructions for it. The
// estimate by the inverse has an error of less than n / d / 2^21 + 1. Estimating the quotient of
// the remainder again leaves less than 2, which a comparison corrects.

fn quotient(n: u32, d: u32, inverse: f32) -> u32 {
    let first = u32(i32(f32(i32(n)) * inverse));
    let rest = i32(n - first * d);
    let second = first + u32(i32(floor(f32(rest) * inverse)));
    let left = i32(n - second * d);
    return second + select(0u, 1u, left >= i32(d)) - select(0u, 1u, left < 0);
}

fn remainder(n: u32, d: u32, inverse: f32) -> u32 {
    return n - d * quotient(n, d, inverse);
}

fn quotients(n: vec4<u32>, d: u32, inverse: f32) -> vec4<u32> {
    let first = vec4<u32>(vec4<i32>(vec4<f32>(vec4<i32>(n)) * inverse));
    let rest = vec4<i32>(n - first * d);
    let second = first + vec4<u32>(vec4<i32>(floor(vec4<f32>(rest) * inverse)));
    let left = vec4<i32>(n - second * d);
    let more = select(vec4<u32>(), vec4<u32>(1u), left >= vec4<i32>(i32(d)));
    let less = select(vec4<u32>(), vec4<u32>(1u), left < vec4<i32>());
    return second + more - less;
}
