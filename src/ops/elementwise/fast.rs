//! Exponentials and error functions that the compiler vectorizes: branch-free arithmetic, where the
//! libraries' functions are calls.
//!
//! The f64 implementations, for the reference, are those of the standard library and libm.

/// Functions with a vectorizable implementation in f32.
pub(crate) trait Fast: Copy {
    /// Returns `e^x`, with an error of at most 2 units in the last place; 0, infinity and NaN as in
    /// the standard library.
    fn fast_exp(self) -> Self;
    /// Returns `e^x - 1`, with an error of at most 6 units in the last place.
    fn fast_exp_m1(self) -> Self;
    /// Returns the hyperbolic tangent, with an error of at most 4 units in the last place.
    fn fast_tanh(self) -> Self;
    /// Returns the error function, with an error of at most 4 units in the last place.
    fn fast_erf(self) -> Self;
    /// Returns 1 minus the error function without cancellation, with an error of at most 6 units in
    /// the last place.
    fn fast_erfc(self) -> Self;
}

impl Fast for f64 {
    fn fast_exp(self) -> f64 {
        self.exp()
    }
    fn fast_exp_m1(self) -> f64 {
        self.exp_m1()
    }
    fn fast_tanh(self) -> f64 {
        self.tanh()
    }
    fn fast_erf(self) -> f64 {
        libm::erf(self)
    }
    fn fast_erfc(self) -> f64 {
        libm::erfc(self)
    }
}

/// Adding this number rounds to an integer, which is then in the low bits: 1.5 * 2^23.
const ROUND: f32 = 12_582_912.0;

impl Fast for f32 {
    /// Moshier's Cephes library, `expf`: `e^x = 2^n e^r`, where `|r| <= ln(2) / 2`. As in Cody and
    /// Waite, `n ln(2)` is subtracted in two parts, the first of which is exact.
    #[inline(always)]
    fn fast_exp(self) -> f32 {
        // Beyond these bounds the result is 0 or infinite. NaN passes both comparisons.
        let x = if self < -104.0 { -104.0 } else { self };
        let x = if x > 89.0 { 89.0 } else { x };
        let shifted = x * std::f32::consts::LOG2_E + ROUND;
        let n = shifted - ROUND;
        let r = x - n * 0.693_359_4;
        let r = r - n * -2.121_944_4e-4;
        let p = 1.987_569_1e-4;
        let p = p * r + 1.398_199_9e-3;
        let p = p * r + 8.333_452e-3;
        let p = p * r + 4.166_579_6e-2;
        let p = p * r + 1.666_666_5e-1;
        let p = p * r + 5.000_000_1e-1;
        let y = p * (r * r) + r + 1.0;
        // 2^n in two factors, because n alone may exceed the exponents of f32.
        let n = shifted.to_bits().wrapping_sub(ROUND.to_bits()) as i32;
        let half = n >> 1;
        let power = |n: i32| f32::from_bits((n.wrapping_add(127) as u32) << 23);
        y * power(half) * power(n.wrapping_sub(half))
    }

    /// `2 t / (1 - t)` with `t = tanh(x / 2)` near 0, where the difference would cancel.
    #[inline(always)]
    fn fast_exp_m1(self) -> f32 {
        let t = tanh_near_0(0.5 * self);
        let near = (t + t) / (1.0 - t);
        let far = self.fast_exp() - 1.0;
        if self.abs() < 1.0 { near } else { far }
    }

    /// Moshier's Cephes library, `tanhf`: a polynomial near 0, `1 - 2 / (e^2x + 1)` elsewhere.
    #[inline(always)]
    fn fast_tanh(self) -> f32 {
        let x = self.abs();
        let far = (1.0 - 2.0 / ((x + x).fast_exp() + 1.0)).copysign(self);
        if x < 0.625 { tanh_near_0(self) } else { far }
    }

    /// `2 / sqrt(pi) (x - x^3 / 3 + ..)` near 0, with coefficients from the Remez algorithm; 1
    /// minus the complement elsewhere.
    #[inline(always)]
    fn fast_erf(self) -> f32 {
        let s = self * self;
        let p = 7.853_861_2e-5;
        let p = p * s - 8.010_193_6e-4;
        let p = p * s + 5.188_327_7e-3;
        let p = p * s - 2.685_381_2e-2;
        let p = p * s + 1.128_358_5e-1;
        let p = p * s - 3.761_262_6e-1;
        // 2 / sqrt(pi) in two parts, because it is not an f32.
        let near = self + (p * s + 1.283_791_7e-1) * self;
        let far = (1.0 - erf_tail(self.abs())).copysign(self);
        // The sign is copied, because adding 0 would lose the sign of -0.
        if self.abs() < 1.0 {
            near.copysign(self)
        } else {
            far
        }
    }

    #[inline(always)]
    fn fast_erfc(self) -> f32 {
        let tail = erf_tail(self.abs());
        if self < 0.0 { 2.0 - tail } else { tail }
    }
}

/// Returns `1 - erf(a)` for `a >= 0`: `e^(-a^2)` times a polynomial in `1 / (1 + 0.4 a)`, from the
/// Remez algorithm.
#[inline(always)]
fn erf_tail(a: f32) -> f32 {
    // Beyond this bound the result is less than the smallest f32. NaN passes the comparison.
    let a = if a > 10.1 { 10.1 } else { a };
    let t = 1.0 / (1.0 + 0.4 * a);
    let p = 0.040_267_457;
    let p = p * t - 0.135_470_89;
    let p = p * t + 0.073_841_71;
    let p = p * t + 0.099_730_09;
    let p = p * t + 0.071_507_953;
    let p = p * t + 0.196_963_18;
    let p = p * t + 0.200_958_55;
    let p = p * t + 0.226_575_72;
    let p = p * t + 0.225_626_3;
    // The square of the first 12 bits is exact. The exponential would amplify the rounding of `a^2`
    // to an error of a^2 units in the last place.
    let first = f32::from_bits(a.to_bits() & 0xffff_f000);
    let rest = (first - a) * (first + a);
    let e = rest * (1.0 / 120.0) + 1.0 / 24.0;
    let e = e * rest + 1.0 / 6.0;
    let e = e * rest + 0.5;
    let e = e * rest + 1.0;
    let e = e * rest;
    let scaled = p * t * (-first * first).fast_exp();
    scaled + scaled * e
}

/// Returns the hyperbolic tangent for `|x| < 0.625`.
#[inline(always)]
fn tanh_near_0(x: f32) -> f32 {
    let z = x * x;
    let p = -5.704_988_727_45e-3;
    let p = p * z + 2.063_908_879_54e-2;
    let p = p * z - 5.373_971_555_31e-2;
    let p = p * z + 1.333_144_220_36e-1;
    let p = p * z - 3.333_328_194_22e-1;
    // The sign is copied, because adding 0 would lose the sign of -0.
    (p * z * x + x).copysign(x)
}

#[cfg(test)]
mod tests {
    use super::Fast;

    /// Returns the distance from the exact value, in units in the last place of f32.
    fn units(got: f32, exact: f64) -> f64 {
        let want = exact as f32;
        if got == want || (got.is_nan() && want.is_nan()) {
            return 0.0;
        }
        let unit =
            (f64::from(want.abs()) * f64::from(f32::EPSILON)).max(f64::from(f32::from_bits(1)));
        (f64::from(got) - exact).abs() / unit
    }

    /// Every 509th f32 of both signs: some thousands for each exponent.
    fn numbers() -> impl Iterator<Item = f32> {
        (0..=u32::MAX / 509).map(|i| f32::from_bits(i * 509))
    }

    #[test]
    fn exp_is_off_by_two_units_at_most() {
        for x in numbers() {
            let off = units(x.fast_exp(), f64::from(x).exp());
            assert!(off <= 2.0, "e^{x} is {}, off by {off}", x.fast_exp());
        }
    }

    #[test]
    fn exp_minus_1_is_off_by_six_units_at_most() {
        for x in numbers() {
            let off = units(x.fast_exp_m1(), f64::from(x).exp_m1());
            assert!(off <= 6.0, "e^{x} - 1 is {}, off by {off}", x.fast_exp_m1());
        }
    }

    #[test]
    fn tanh_is_off_by_four_units_at_most() {
        for x in numbers() {
            let off = units(x.fast_tanh(), f64::from(x).tanh());
            assert!(off <= 4.0, "tanh({x}) is {}, off by {off}", x.fast_tanh());
        }
    }

    #[test]
    fn erf_is_off_by_four_units_at_most() {
        for x in numbers() {
            let off = units(x.fast_erf(), libm::erf(f64::from(x)));
            assert!(off <= 4.0, "erf({x}) is {}, off by {off}", x.fast_erf());
        }
    }

    #[test]
    fn erfc_is_off_by_six_units_at_most() {
        for x in numbers() {
            let off = units(x.fast_erfc(), libm::erfc(f64::from(x)));
            assert!(off <= 6.0, "erfc({x}) is {}, off by {off}", x.fast_erfc());
        }
    }

    #[test]
    fn extremes_stay_what_they_are() {
        let inf = f32::INFINITY;
        assert_eq!(
            [0.0, -0.0, inf, -inf].map(f32::fast_exp),
            [1.0, 1.0, inf, 0.0]
        );
        assert_eq!(
            [88.8, 1e38, -104.1, -1e38].map(f32::fast_exp),
            [inf, inf, 0.0, 0.0]
        );
        assert_eq!([inf, -inf, 0.0].map(f32::fast_tanh), [1.0, -1.0, 0.0]);
        assert_eq!([inf, -inf, 0.0].map(f32::fast_erf), [1.0, -1.0, 0.0]);
        assert_eq!([inf, -inf].map(f32::fast_erfc), [0.0, 2.0]);
        assert!((-0.0f32).fast_tanh().is_sign_negative());
        assert!((-0.0f32).fast_erf().is_sign_negative());
        assert!(f32::NAN.fast_erf().is_nan() && f32::NAN.fast_erfc().is_nan());
        assert!(f32::NAN.fast_exp().is_nan() && f32::NAN.fast_tanh().is_nan());
    }
}
