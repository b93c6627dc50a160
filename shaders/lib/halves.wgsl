// 16-bit numbers: rounding to them on F, and packing two into a word.
//
// Rounding is done in integers, for a device may round its own conversions either way. Twin: src/ops/elementwise/halves.rs.

const HALVES_SIGN = U(0x80000000u);
const HALVES_INFINITE = U(0x7f800000u);
const HALVES_NAN = U(0x7fc00000u);

// The nearest f16, to even in the middle; infinite from 65,520 on.
fn f32_to_f16(x: F) -> F {
    let bits = bitcast<U>(x);
    let a = bits & U(0x7fffffffu);
    // Thirteen of the 23 bits go, and a carry runs into the exponent as it should.
    var y = (a + U(0xfffu) + ((a >> U(13u)) & U(1u))) & U(0xffffe000u);
    y = select(y, HALVES_INFINITE, y >= U(0x47800000u));
    y = select(y, HALVES_NAN, a > HALVES_INFINITE);
    // Below 2^-14 halves are 2^-24 apart, as f32s from 0.5 to 1 are: adding 0.5 rounds to these.
    let count = bitcast<U>(bitcast<F>(a) + F(0.5)) - U(0x3f000000u);
    let small = bitcast<U>(F(count) * F(5.9604645e-8));
    return bitcast<F>(select(y, small, a < U(0x38800000u)) | (bits & HALVES_SIGN));
}

// The nearest bf16, to even in the middle.
fn f32_to_bf16(x: F) -> F {
    let bits = bitcast<U>(x);
    let rounded = (bits + U(0x7fffu) + ((bits >> U(16u)) & U(1u))) & U(0xffff0000u);
    let is_nan = (bits & U(0x7fffffffu)) > HALVES_INFINITE;
    return bitcast<F>(select(rounded, (bits & HALVES_SIGN) | HALVES_NAN, is_nan));
}

// Values are f32s that a half holds: reading them changes nothing.
fn f16_to_f32(x: F) -> F { return x; }
fn bf16_to_f32(x: F) -> F { return x; }

// One of the two in a word.
fn f16_in(word: u32, place: u32) -> f32 { return unpack2x16float(word)[place & 1u]; }
fn bf16_in(word: u32, place: u32) -> f32 {
    return bitcast<f32>(select(word << 16u, word & 0xffff0000u, (place & 1u) == 1u));
}

// The four in two words.
fn f16s_in(words: vec2<u32>) -> vec4<f32> {
    return vec4<f32>(unpack2x16float(words.x), unpack2x16float(words.y));
}
fn bf16s_in(words: vec2<u32>) -> vec4<f32> {
    return bitcast<vec4<f32>>(vec4<u32>(words.x << 16u, words.x & 0xffff0000u, words.y << 16u, words.y & 0xffff0000u));
}

// Four numbers that f16 holds, in two words. Not by pack2x16float, which may give anything for an infinite one.
fn f16_words(x: vec4<f32>) -> vec2<u32> {
    let bits = bitcast<vec4<u32>>(x);
    let a = bits & vec4<u32>(0x7fffffffu);
    // The exponents' offsets are 112 apart. Infinity and NaN come out past the largest, and differ by a bit.
    let normal = min((a - vec4<u32>(0x38000000u)) >> vec4<u32>(13u), vec4<u32>(0x7c00u));
    let small = vec4<u32>(bitcast<vec4<f32>>(a) * vec4<f32>(16777216.0));
    var h = select(normal, small, a < vec4<u32>(0x38800000u));
    h |= select(vec4<u32>(0u), vec4<u32>(0x200u), a > vec4<u32>(0x7f800000u));
    h |= (bits >> vec4<u32>(16u)) & vec4<u32>(0x8000u);
    return vec2<u32>(h.x | (h.y << 16u), h.z | (h.w << 16u));
}

// Four numbers that bf16 holds, in two words.
fn bf16_words(x: vec4<f32>) -> vec2<u32> {
    let h = bitcast<vec4<u32>>(x) >> vec4<u32>(16u);
    return vec2<u32>(h.x | (h.y << 16u), h.z | (h.w << 16u));
}
