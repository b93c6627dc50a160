//! The rows that round, and the remainder.

use crate::Tensor;
use crate::graph::Function;

use super::arithmetic::{none, two};
use super::methods::{apply_with, binary, unary};
use super::row::row;

pub(super) static TABLE: &[&Function] = &[&FLOOR, &CEIL, &ROUND, &TRUNC, &REMAINDER];

const WHOLE: &[f64] = &[-4.0, -3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 4.0];
const HALF_INTEGERS: &[f64] = &[-3.5, -2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.5];

row!(FLOOR "floored" "the largest whole number up to x" "math", (x: f32)[] -> f32 = x.floor();
    grad = none; ulp: 0.0, kinks: WHOLE);
row!(CEIL "raised" "the smallest whole number from x on" "math", (x: f32)[] -> f32 = x.ceil();
    grad = none; ulp: 0.0, kinks: WHOLE);
row!(ROUND "rounded" "the nearest whole number, the even one of two" "math",
    (x: f32)[] -> f32 = x.round_ties_even(); grad = none; ulp: 0.0, kinks: HALF_INTEGERS);
row!(TRUNC "truncated" "x without its fraction" "math", (x: f32)[] -> f32 = x.trunc();
    grad = none; ulp: 0.0, kinks: WHOLE);
// The domain holds no quotient that is whole but 1, where tests keep the arguments apart.
row!(REMAINDER "modulo" "a - floor(a / b) b" "math",
    (a: f32, b: f32)[] -> f32 = {
        let r = a % b;
        if r != 0.0 && (r < 0.0) != (b < 0.0) { r + b } else { r }
    };
    // The quotient's whole part is found from the remainder, so that the two never disagree.
    grad = |b, _| {
        let whole = ((&b.x[0] - b.y) / &b.x[1]).round();
        two(b.dy.clone(), -(b.dy * whole))
    };
    abs: 4e-7, domain: (1.1, 2.0));

unary! {
    /// The largest whole number up to `x`; the gradient is 0.
    floor = FLOOR;
    /// The smallest whole number from `x` on; the gradient is 0.
    ceil = CEIL;
    /// The nearest whole number, the even one where two are as near; the gradient is 0.
    round = ROUND;
    /// `x` without its fraction; the gradient is 0.
    trunc = TRUNC;
}

binary! {
    /// What is left of `self` after taking `other` away as often as it fits: `a - floor(a / b) b`, of the
    /// divisor's sign, as in Python and PyTorch. NaN where `other` is 0.
    remainder = REMAINDER;
}
