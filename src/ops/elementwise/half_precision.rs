//! Conversion to and from half precision. Values stay `f32` words that are exact in half precision.
//! Only a GPU's buffers pack two of them into a word (`shaders/lib/packed.wgsl`).

use crate::DType;
use crate::graph::{Backward, Function, Grads, Scalar};

use super::arithmetic::one;
use super::row::row;

/// The types of the rows, whose words are `f32`.
#[allow(non_camel_case_types)]
type f16 = f32;
#[allow(non_camel_case_types)]
type bf16 = f32;

pub(super) static TABLE: &[&Function] = &[&F32_TO_F16, &F32_TO_BF16, &F16_TO_F32, &BF16_TO_F32];

// The tolerance is one unit in the last place of the half-precision type, in units of f32. A
// device's x has an error of a few units of f32, so it may be on the other side of a boundary
// between two half-precision values. The rounding itself is exact, as tests/half_precision.rs
// checks. The gradient of a cast is rounded too, as in PyTorch, where the gradient has the tensor's
// type.
row!(F32_TO_F16 "f32_to_f16" "x, rounded to the nearest f16, ties to even" "half_precision",
    (x: f32)[] -> f16 = x.to_f16(); grad = |b, _| one(b.dy.cast(DType::F16).cast(DType::F32)); ulp: 8192.0, abs: 6e-8);
row!(F32_TO_BF16 "f32_to_bf16" "x, rounded to the nearest bf16, ties to even" "half_precision",
    (x: f32)[] -> bf16 = x.to_bf16(); grad = |b, _| one(b.dy.cast(DType::Bf16).cast(DType::F32)); ulp: 65536.0);
row!(F16_TO_F32 "f16_to_f32" "x" "half_precision", (x: f16)[] -> f32 = x; grad = through; ulp: 0.0);
row!(BF16_TO_F32 "bf16_to_f32" "x" "half_precision", (x: bf16)[] -> f32 = x; grad = through; ulp: 0.0);

/// Returns the function that rounds `f32` to this half-precision type.
pub(crate) fn narrowing(dtype: DType) -> &'static Function {
    match dtype {
        DType::Bf16 => &F32_TO_BF16,
        _ => &F32_TO_F16,
    }
}

/// Returns the function that converts this half-precision type to `f32`.
pub(crate) fn widening(dtype: DType) -> &'static Function {
    match dtype {
        DType::Bf16 => &BF16_TO_F32,
        _ => &F16_TO_F32,
    }
}

/// Conversion to f32 passes the gradient unchanged.
fn through(b: &Backward, _: &[Scalar]) -> Grads {
    one(b.dy.clone())
}

/// Rounding to half precision: to nearest, ties to even; overflow gives infinity.
trait Halve: Copy {
    /// Returns the nearest f16.
    fn to_f16(self) -> Self;
    /// Returns the nearest bf16.
    fn to_bf16(self) -> Self;
}

/// The `half` crate is not used here, because it truncates f64 bits before it rounds.
impl Halve for f64 {
    fn to_f16(self) -> f64 {
        // Below 2^-14, f16 values are 2^-24 apart.
        const MIN_F16_SPACING: f64 = 1.0 / (1 << 24) as f64;
        match self.abs() < 1024.0 * MIN_F16_SPACING {
            true => (self / MIN_F16_SPACING).round_ties_even() * MIN_F16_SPACING,
            false => kept(self, 10, 65504.0),
        }
    }
    fn to_bf16(self) -> f64 {
        // Subnormal f32 numbers only keep more of their bits here.
        kept(self, 7, f64::from(f32::MAX))
    }
}

/// Rounds to `kept` of the 52 bits of the significand. Numbers beyond the largest become infinite.
fn kept(x: f64, kept: u32, largest: f64) -> f64 {
    let lost = 52 - kept;
    let bits = x.to_bits();
    let rounded = bits.wrapping_add((1 << (lost - 1)) - 1 + (bits >> lost & 1));
    let y = f64::from_bits(rounded >> lost << lost);
    match y.abs() > largest {
        _ if !x.is_finite() => x,
        true => f64::INFINITY.copysign(x),
        false => y,
    }
}

/// The bits of an infinite f32, and of its sign.
const INFINITE: u32 = 0x7f80_0000;
const SIGN: u32 = 0x8000_0000;

/// Branch-free integer arithmetic, which the compiler vectorizes. Must agree with
/// shaders/lib/half_precision.wgsl.
impl Halve for f32 {
    #[inline(always)]
    fn to_f16(self) -> f32 {
        let (a, sign) = (self.to_bits() & !SIGN, self.to_bits() & SIGN);
        // Removes 13 of the 23 bits; a carry correctly increments the exponent.
        let normal = (a + 0xfff + (a >> 13 & 1)) & !0x1fff;
        // f16 has no values from 2^16 on. As integers, NaNs are larger than infinity.
        let normal = if normal >= 0x4780_0000 {
            INFINITE
        } else {
            normal
        };
        let normal = if a > INFINITE { 0x7fc0_0000 } else { normal };
        // Below 2^-14, f16 values are 2^-24 apart, as f32 values from 0.5 to 1 are. So adding 0.5
        // rounds to them.
        let count = (f32::from_bits(a) + 0.5)
            .to_bits()
            .wrapping_sub(0.5f32.to_bits());
        let small = (count as i32 as f32 * f32::from_bits(0x3380_0000)).to_bits();
        f32::from_bits(sign | if a < 0x3880_0000 { small } else { normal })
    }

    #[inline(always)]
    fn to_bf16(self) -> f32 {
        let bits = self.to_bits();
        let rounded = bits.wrapping_add(0x7fff + (bits >> 16 & 1)) & 0xffff_0000;
        let nan = bits & SIGN | 0x7fc0_0000;
        f32::from_bits(if bits & !SIGN > INFINITE {
            nan
        } else {
            rounded
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Halve;

    fn same(got: f32, want: f32, of: f32) {
        let equal = got.to_bits() == want.to_bits() || got.is_nan() && want.is_nan();
        assert!(equal, "{of:e}: expected {want:e}, found {got:e}");
    }

    #[test]
    fn rounding_is_that_of_the_half_crate() {
        // Every f16 and bf16, the midpoints to the next one, and the numbers next to these.
        for bits in 0..=u16::MAX {
            let f16 = half::f16::from_bits(bits).to_f32().to_bits();
            let bf16 = u32::from(bits) << 16;
            for x in [f16, f16 + 0x1000, bf16, bf16 + 0x8000] {
                for x in [x.wrapping_sub(1), x, x.wrapping_add(1)].map(f32::from_bits) {
                    same(x.to_f16(), half::f16::from_f32(x).to_f32(), x);
                    same(x.to_bf16(), half::bf16::from_f32(x).to_f32(), x);
                    let wide = f64::from(x);
                    same(x.to_f16(), wide.to_f16() as f32, x);
                    if !x.is_subnormal() {
                        same(x.to_bf16(), wide.to_bf16() as f32, x);
                    }
                }
            }
        }
        // Midpoints of the subnormal f16 values.
        for k in 0..1025 {
            for x in [k as f32 + 0.5, -(k as f32) - 0.5] {
                let x = x * 2f32.powi(-24);
                same(x.to_f16(), half::f16::from_f32(x).to_f32(), x);
            }
        }
    }
}
