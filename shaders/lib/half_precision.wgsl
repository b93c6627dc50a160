// Rounding to 16-bit numbers, on F. lib/packed has their layout in memory.
//
// It uses integers, because a device may round its own conversions up or down. Must agree with
// src/ops/elementwise/half_precision.rs.

const HALF_SIGN = U(0x80000000u);
const HALF_INFINITE = U(0x7f800000u);
const HALF_NAN = U(0x7fc00000u);

// Returns the nearest f16, ties to even; infinite from 65,520 on.
fn f32_to_f16(x: F) -> F {
    let bits = bitcast<U>(x);
    let a = bits & U(0x7fffffffu);
    // Removes 13 of the 23 bits; a carry correctly increments the exponent.
    var y = (a + U(0xfffu) + ((a >> U(13u)) & U(1u))) & U(0xffffe000u);
    y = select(y, HALF_INFINITE, y >= U(0x47800000u));
    y = select(y, HALF_NAN, a > HALF_INFINITE);
    // Below 2^-14, f16 values are 2^-24 apart, as f32 values from 0.5 to 1 are. So adding 0.5
    // rounds to them.
    let count = bitcast<U>(bitcast<F>(a) + F(0.5)) - U(0x3f000000u);
    let small = bitcast<U>(F(count) * F(5.9604645e-8));
    return bitcast<F>(select(y, small, a < U(0x38800000u)) | (bits & HALF_SIGN));
}

// Returns the nearest bf16, ties to even.
fn f32_to_bf16(x: F) -> F {
    let bits = bitcast<U>(x);
    let rounded = (bits + U(0x7fffu) + ((bits >> U(16u)) & U(1u))) & U(0xffff0000u);
    let is_nan = (bits & U(0x7fffffffu)) > HALF_INFINITE;
    return bitcast<F>(select(rounded, (bits & HALF_SIGN) | HALF_NAN, is_nan));
}

// The values are f32 that are exact in half precision, so reading them does not change them.
fn f16_to_f32(x: F) -> F { return x; }
fn bf16_to_f32(x: F) -> F { return x; }
