// 16-bit numbers in memory, two per word. lib/half_precision rounds f32 to them.

// Returns one of the two numbers of a word.
fn f16_in(word: u32, place: u32) -> f32 { return unpack2x16float(word)[place & 1u]; }
fn bf16_in(word: u32, place: u32) -> f32 {
    return bitcast<f32>(select(word << 16u, word & 0xffff0000u, (place & 1u) == 1u));
}

// Returns the four numbers of two words.
fn f16s_in(words: vec2<u32>) -> vec4<f32> {
    return vec4<f32>(unpack2x16float(words.x), unpack2x16float(words.y));
}
fn bf16s_in(words: vec2<u32>) -> vec4<f32> {
    return bitcast<vec4<f32>>(vec4<u32>(words.x << 16u, words.x & 0xffff0000u, words.y << 16u, words.y & 0xffff0000u));
}

// Packs four f16 numbers into two words, without pack2x16float, whose result for infinities is
// undefined.
fn f16_words(x: vec4<f32>) -> vec2<u32> {
    let bits = bitcast<vec4<u32>>(x);
    let a = bits & vec4<u32>(0x7fffffffu);
    // The exponent biases differ by 112. Infinity and NaN are past the largest number, and differ
    // in a bit.
    let normal = min((a - vec4<u32>(0x38000000u)) >> vec4<u32>(13u), vec4<u32>(0x7c00u));
    let small = vec4<u32>(bitcast<vec4<f32>>(a) * vec4<f32>(16777216.0));
    var h = select(normal, small, a < vec4<u32>(0x38800000u));
    h |= select(vec4<u32>(0u), vec4<u32>(0x200u), a > vec4<u32>(0x7f800000u));
    h |= (bits >> vec4<u32>(16u)) & vec4<u32>(0x8000u);
    return vec2<u32>(h.x | (h.y << 16u), h.z | (h.w << 16u));
}

// Packs four bf16 numbers into two words.
fn bf16_words(x: vec4<f32>) -> vec2<u32> {
    let h = bitcast<vec4<u32>>(x) >> vec4<u32>(16u);
    return vec2<u32>(h.x | (h.y << 16u), h.z | (h.w << 16u));
}
