//! The rows of rounding functions, and the remainder.

use crate::Tensor;
use crate::graph::Function;

use super::arithmetic::{none, two};
use super::methods::{apply_with, binary, unary};
use super::row::row;

pub(super) static TABLE: &[&Function] = &[&FLOOR, &CEIL, &ROUND, &TRUNC, &REMAINDER];

const WHOLE: &[f64] = &[-4.0, -3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 4.0];
const HALF_INTEGERS: &[f64] = &[-3.5, -2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.5];

row!(FLOOR "floored" "the largest integer up to x" "math", (x: f32)[] -> f32 = x.floor();
    grad = none; ulp: 0.0, kinks: WHOLE);
row!(CEIL "raised" "the smallest integer from x on" "math", (x: f32)[] -> f32 = x.ceil();
    grad = none; ulp: 0.0, kinks: WHOLE);
row!(ROUND "rounded" "the nearest integer, ties to even" "math",
    (x: f32)[] -> f32 = x.round_ties_even(); grad = none; ulp: 0.0, kinks: HALF_INTEGERS);
row!(TRUNC "truncated" "x without its fractional part" "math", (x: f32)[] -> f32 = x.trunc();
    grad = none; ulp: 0.0, kinks: WHOLE);
// The domain contains no integer quotient but 1, and tests keep the arguments apart there.
row!(REMAINDER "modulo" "a - floor(a / b) b" "math",
    (a: f32, b: f32)[] -> f32 = {
        let r = a % b;
        if r != 0.0 && (r < 0.0) != (b < 0.0) { r + b } else { r }
    };
    // The integer quotient is computed from the remainder, so that both always agree.
    grad = |b, _| {
        let whole = ((&b.x[0] - b.y) / &b.x[1]).round();
        two(b.dy.clone(), -(b.dy * whole))
    };
    abs: 4e-7, domain: (1.1, 2.0));

unary! {
    /// Rounds down to an integer; the gradient is 0.
    floor = FLOOR;
    /// Rounds up to an integer; the gradient is 0.
    ceil = CEIL;
    /// Rounds to the nearest integer, ties to even; the gradient is 0.
    round = ROUND;
    /// Removes the fractional part; the gradient is 0.
    trunc = TRUNC;
}

binary! {
    /// Computes the remainder `a - floor(a / b) b`, with the sign of the divisor, as in Python and
    /// PyTorch. The result is NaN where `other` is 0.
    remainder = REMAINDER;
}
