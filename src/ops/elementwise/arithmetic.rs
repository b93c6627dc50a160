//! The rows of arithmetic: sums, products, powers, exponentials, logarithms, sines.

use crate::Tensor;
use crate::graph::{Algebra, Backward, Function, Grads, Precision, Scalar};

use super::fast::Fast;
use super::row::row;

pub(super) static TABLE: &[&Function] = &[
    &NEG,
    &ABS,
    &SIGN,
    &SQUARE,
    &SQRT,
    &RSQRT,
    &RECIP,
    &EXP,
    &EXPM1,
    &LOG,
    &LOG1P,
    &SIN,
    &COS,
    &ADD,
    &SUB,
    &MUL,
    &DIV,
    &SQUARED_DIFFERENCE,
    &MAXIMUM,
    &MINIMUM,
    &POW,
    &CLAMP,
    &ADD_U32,
    &ADD_I32,
];

/// Returns the gradient of a function of one argument.
pub(super) fn one(dx: Tensor) -> Grads {
    Ok(vec![Some(dx)])
}

/// Returns the gradients of a function of two arguments.
pub(super) fn two(dx: Tensor, dy: Tensor) -> Grads {
    Ok(vec![Some(dx), Some(dy)])
}

/// The rule of a function that is piecewise constant.
pub(super) fn none(b: &Backward, _: &[Scalar]) -> Grads {
    Ok(vec![None; b.x.len()])
}

row!(NEG "neg" "-x" "math", (x: f32)[] -> f32 = -x;
    grad = |b, _| one(-b.dy); ulp: 0.5, algebra: Algebra::INVOLUTION);
row!(ABS "abs" "|x|" "math", (x: f32)[] -> f32 = x.abs();
    grad = |b, _| one(b.dy * b.x[0].sign()); ulp: 0.5, kinks: &[0.0]);
row!(SIGN "sign_of" "sign(x), and 0 at 0" "math",
    (x: f32)[] -> f32 = if x > 0.0 { 1.0 } else if x < 0.0 { -1.0 } else { 0.0 };
    grad = none; ulp: 0.0, kinks: &[0.0]);
row!(SQUARE "square" "x^2" "math", (x: f32)[] -> f32 = x * x;
    grad = |b, _| one(b.dy * &b.x[0] * 2.0); precision: Precision::Full);
row!(SQRT "root" "sqrt(x)" "math", (x: f32)[] -> f32 = x.sqrt();
    grad = |b, _| one(b.dy * 0.5 / b.y); ulp: 5.0, domain: (0.1, 9.0), precision: Precision::Full);
row!(RSQRT "rsqrt" "1 / sqrt(x)" "math", (x: f32)[] -> f32 = 1.0 / x.sqrt();
    grad = |b, _| one(b.dy * -0.5 * b.y / &b.x[0]); ulp: 2.5, domain: (0.1, 9.0), precision: Precision::Full);
row!(RECIP "recip" "1 / x" "math", (x: f32)[] -> f32 = 1.0 / x;
    grad = |b, _| one(-(b.dy * b.y * b.y)); ulp: 3.0, domain: (0.2, 4.0), precision: Precision::Full);
// WGSL allows exp an error of 3 + 2 |x| units, a quotient 2.5, inverseSqrt 2, and sqrt the sum of
// these two. Its bounds for log near 1, sin and cos are too large, so shaders/lib/math.wgsl
// implements these.
row!(EXP "expo" "e^x" "math", (x: f32)[] -> f32 = x.fast_exp();
    grad = |b, _| one(b.dy * b.y); ulp: 3.5, ulp_per_x: 2.0, precision: Precision::Full);
row!(EXPM1 "expm1" "e^x - 1" "math", (x: f32)[] -> f32 = x.fast_exp_m1();
    grad = |b, _| one(b.dy * (b.y + 1.0)); ulp: 12.0, ulp_per_x: 2.0, precision: Precision::Full);
row!(LOG "ln" "ln(x)" "math", (x: f32)[] -> f32 = x.ln();
    grad = |b, _| one(b.dy / &b.x[0]); ulp: 10.0, domain: (0.05, 8.0), precision: Precision::Full);
row!(LOG1P "log1p" "ln(1 + x)" "math", (x: f32)[] -> f32 = x.ln_1p();
    grad = |b, _| one(b.dy / (&b.x[0] + 1.0)); ulp: 12.0, domain: (-0.9, 4.0), precision: Precision::Full);
row!(SIN "sine" "sin(x)" "math", (x: f32)[] -> f32 = x.sin();
    grad = |b, _| one(b.dy * b.x[0].cos()); abs: 4e-7, domain: (-20.0, 20.0));
row!(COS "cosine" "cos(x)" "math", (x: f32)[] -> f32 = x.cos();
    grad = |b, _| one(-(b.dy * b.x[0].sin())); abs: 4e-7, domain: (-20.0, 20.0));

row!(ADD "add" "a + b" "math", (a: f32, b: f32)[] -> f32 = a + b;
    grad = |b, _| two(b.dy.clone(), b.dy.clone()); algebra: Algebra::identity(0.0));
row!(SUB "sub" "a - b" "math", (a: f32, b: f32)[] -> f32 = a - b;
    grad = |b, _| two(b.dy.clone(), -b.dy); algebra: Algebra::right(0.0));
row!(MUL "mul" "a b" "math", (a: f32, b: f32)[] -> f32 = a * b;
    grad = |b, _| two(b.dy * &b.x[1], b.dy * &b.x[0]); algebra: Algebra::identity(1.0));
row!(DIV "div" "a / b" "math", (a: f32, b: f32)[] -> f32 = a / b;
    grad = |b, _| two(b.dy / &b.x[1], -(b.dy * b.y / &b.x[1])); ulp: 3.0, domain: (0.2, 4.0), precision: Precision::Full, algebra: Algebra::right(1.0));
row!(SQUARED_DIFFERENCE "squared_difference" "(a - b)^2" "math",
    (a: f32, b: f32)[] -> f32 = (a - b) * (a - b);
    grad = |b, _| {
        let da = b.dy * (&b.x[0] - &b.x[1]) * 2.0;
        two(da.clone(), -da)
    }; ulp: 2.0, precision: Precision::Full);
// At equality, each argument gets half of the gradient, as in PyTorch.
row!(MAXIMUM "maximum" "max(a, b)" "math", (a: f32, b: f32)[] -> f32 = if a > b { a } else { b };
    grad = |b, _| {
        let share = b.x[0].share(&b.x[1]);
        two(b.dy * &share, b.dy * (1.0 - share))
    }; ulp: 0.5);
row!(MINIMUM "minimum" "min(a, b)" "math", (a: f32, b: f32)[] -> f32 = if a < b { a } else { b };
    grad = |b, _| {
        let share = b.x[1].share(&b.x[0]);
        two(b.dy * &share, b.dy * (1.0 - share))
    }; ulp: 0.5);
// The exponent is a constant. For small integer exponents, `Tensor::powf` uses products instead.
row!(POW "power" "x^p" "math", (x: f32)[p: f32] -> f32 = x.powf(p);
    grad = |b, c| one(b.dy * b.x[0].powf(c[0].0 - 1.0) * c[0].0);
    ulp: 64.0, domain: (0.2, 3.0), examples: &[2.5], precision: Precision::Full);
// At the bounds the gradient is 0, as in PyTorch 2.15.
row!(CLAMP "clamped" "min(max(x, low), high)" "math",
    (x: f32)[low: f32, high: f32] -> f32 = {
        let v = if x < low { low } else { x };
        if v > high { high } else { v }
    };
    grad = |b, c| {
        // Without a bound, an infinite element gets a gradient too.
        let inside = match (c[0].0 == f64::NEG_INFINITY, c[1].0 == f64::INFINITY) {
            (false, true) => b.x[0].gt_scalar(c[0].0),
            (true, false) => b.x[0].lt_scalar(c[1].0),
            _ => b.x[0].gt_scalar(c[0].0).logical_and(&b.x[0].lt_scalar(c[1].0)),
        };
        one(b.dy * inside.cast(crate::DType::F32))
    }; ulp: 0.5, kinks: &[-1.5, 2.0], examples: &[-1.5, 2.0]);
row!(ADD_U32 "add_u32" "a + b, modulo 2^32" "math", (a: u32, b: u32)[] -> u32 = a.wrapping_add(b);
    grad = none; ulp: 0.0, domain: (0.0, 100.0));
row!(ADD_I32 "add_i32" "a + b, modulo 2^32" "math", (a: i32, b: i32)[] -> i32 = a.wrapping_add(b);
    grad = none; ulp: 0.0, domain: (-100.0, 100.0));
