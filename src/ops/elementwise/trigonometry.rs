//! The rows of trigonometric and hyperbolic functions.

use crate::Tensor;
use crate::graph::Function;

use super::activation::once;
use super::arithmetic::{one, two};
use super::methods::{apply_with, binary, unary};
use super::row::row;

pub(super) static TABLE: &[&Function] = &[
    &TAN,
    &ASIN,
    &ACOS,
    &ATAN,
    &SINH,
    &COSH,
    &ATAN2,
    &ATAN2_Y_GRAD,
    &ATAN2_X_GRAD,
];

row!(TAN "tangent" "tan(x)" "trigonometry", (x: f32)[] -> f32 = x.tan();
    grad = |b, _| one(b.dy * (b.y.square() + 1.0)); ulp: 12.0, abs: 4e-7, domain: (-1.4, 1.4));
row!(ASIN "arcsine" "asin(x)" "trigonometry", (x: f32)[] -> f32 = x.asin();
    grad = |b, _| one(b.dy * (1.0 - b.x[0].square()).rsqrt()); ulp: 6.0, domain: (-0.96, 0.96));
row!(ACOS "arccosine" "acos(x)" "trigonometry", (x: f32)[] -> f32 = x.acos();
    grad = |b, _| one(-(b.dy * (1.0 - b.x[0].square()).rsqrt())); ulp: 6.0, domain: (-0.96, 0.96));
row!(ATAN "arctangent" "atan(x)" "trigonometry", (x: f32)[] -> f32 = x.atan();
    grad = |b, _| one(b.dy / (b.x[0].square() + 1.0)); ulp: 6.0);
row!(SINH "hyperbolic_sine" "(e^x - e^-x) / 2" "trigonometry", (x: f32)[] -> f32 = x.sinh();
    grad = |b, _| one(b.dy * b.x[0].cosh()); ulp: 14.0, ulp_per_x: 2.0);
row!(COSH "hyperbolic_cosine" "(e^x + e^-x) / 2" "trigonometry", (x: f32)[] -> f32 = x.cosh();
    grad = |b, _| one(b.dy * b.x[0].sinh()); ulp: 8.0, ulp_per_x: 2.0);

row!(ATAN2 "angle" "the angle of the point (x, y)" "trigonometry",
    (y: f32, x: f32)[] -> f32 = y.atan2(x);
    grad = |b, _| {
        let by = |grad| apply_with(grad, &[&b.x[0], &b.x[1], b.dy], &[]);
        two(by(&ATAN2_Y_GRAD), by(&ATAN2_X_GRAD))
    };
    ulp: 6.0, kinks: &[0.0]);
row!(ATAN2_Y_GRAD "angle_y_grad" "x / (x^2 + y^2) dy, and 0 at the origin" "trigonometry",
    (y: f32, x: f32, dy: f32)[] -> f32 = {
        let s = x * x + y * y;
        if s == 0.0 { 0.0 } else { x / s * dy }
    }; grad = once; ulp: 8.0);
row!(ATAN2_X_GRAD "angle_x_grad" "-y / (x^2 + y^2) dy, and 0 at the origin" "trigonometry",
    (y: f32, x: f32, dy: f32)[] -> f32 = {
        let s = x * x + y * y;
        if s == 0.0 { 0.0 } else { -y / s * dy }
    }; grad = once; ulp: 8.0);

unary! {
    /// Computes `tan(x)`, x in radians.
    tan = TAN;
    /// Computes the arcsine, in `[-pi / 2, pi / 2]`; NaN outside `[-1, 1]`.
    asin = ASIN;
    /// Computes the arccosine, in `[0, pi]`; NaN outside `[-1, 1]`.
    acos = ACOS;
    /// Computes the arctangent, in `[-pi / 2, pi / 2]`.
    atan = ATAN;
    /// Computes `(e^x - e^-x) / 2`, accurate near 0.
    sinh = SINH;
    /// Computes `(e^x + e^-x) / 2`.
    cosh = COSH;
}

binary! {
    /// Computes the angle, from `-pi` to `pi`, of the point with the ordinate `self` and the
    /// abscissa `other`. The gradient at the origin is 0, as in PyTorch.
    atan2 = ATAN2;
}
