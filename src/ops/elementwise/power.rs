//! The rows of powers with exponents in a tensor.

use crate::Tensor;
use crate::graph::Function;

use super::activation::once;
use super::arithmetic::two;
use super::methods::{apply_with, binary};
use super::row::row;

pub(super) static TABLE: &[&Function] = &[&POWER, &BASE_GRAD, &EXPONENT_GRAD];

row!(POWER "power_of" "x^p" "math", (x: f32, p: f32)[] -> f32 = x.powf(p);
    grad = |b, _| {
        let by = |grad| apply_with(grad, &[&b.x[0], &b.x[1], b.dy], &[]);
        two(by(&BASE_GRAD), by(&EXPONENT_GRAD))
    };
    ulp: 64.0, domain: (0.2, 3.0));
row!(BASE_GRAD "power_base_grad" "p x^(p - 1) dy, and 0 where p = 0" "math",
    (x: f32, p: f32, dy: f32)[] -> f32 = if p == 0.0 { 0.0 } else { p * x.powf(p - 1.0) * dy };
    grad = once; ulp: 64.0, domain: (0.2, 3.0));
row!(EXPONENT_GRAD "power_exponent_grad" "x^p ln(x) dy, and 0 where x = 0 and p >= 0" "math",
    (x: f32, p: f32, dy: f32)[] -> f32 =
        if x == 0.0 && p >= 0.0 { 0.0 } else { x.powf(p) * x.ln() * dy };
    grad = once; ulp: 64.0, abs: 1e-6, domain: (0.2, 3.0));

binary! {
    /// Computes `self` to the power of `other`, elementwise. As in PyTorch, anything to the power
    /// of 0 is 1, with a gradient of 0 for the base. A negative base gives NaN for exponents that
    /// are not integers. The gradient of the exponent is NaN for a negative base. See
    /// [`Tensor::powf`] for a single exponent.
    pow = POWER;
}
