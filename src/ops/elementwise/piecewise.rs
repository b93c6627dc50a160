//! The rows of piecewise activation functions, each with its gradient as a row of its own, and
//! their methods.
//!
//! At the kinks the gradients are those of PyTorch: the borders of a flat piece get no gradient.

use crate::Tensor;
use crate::graph::{Function, Scalar};

use super::Fast;
use super::activation::{from_input, from_output, once};
use super::arithmetic::two;
use super::methods::{apply_with, binary, unary};
use super::row::row;

pub(super) static TABLE: &[&Function] = &[
    &RELU6,
    &RELU6_GRAD,
    &PRELU,
    &PRELU_X_GRAD,
    &PRELU_W_GRAD,
    &CELU,
    &CELU_GRAD,
    &HARD_SIGMOID,
    &HARD_SIGMOID_GRAD,
    &HARD_SWISH,
    &HARD_SWISH_GRAD,
];

row!(RELU6 "relu6" "min(max(x, 0), 6)" "activation",
    (x: f32)[] -> f32 = x.clamp(0.0, 6.0);
    grad = |b, c| from_output(b, c, &RELU6_GRAD); ulp: 0.5, domain: (-8.0, 8.0), kinks: &[0.0, 6.0]);
row!(RELU6_GRAD "relu6_grad" "dy where 0 < y < 6, else 0" "activation",
    (y: f32, dy: f32)[] -> f32 = if y > 0.0 && y < 6.0 { dy } else { 0.0 };
    grad = once; ulp: 0.5, domain: (-8.0, 8.0));

row!(PRELU "prelu" "x where x > 0, else w x" "activation",
    (x: f32, w: f32)[] -> f32 = if x > 0.0 { x } else { w * x };
    grad = |b, c| {
        let dx = apply_with(&PRELU_X_GRAD, &[&b.x[0], &b.x[1], b.dy], c);
        two(dx, apply_with(&PRELU_W_GRAD, &[&b.x[0], b.dy], c))
    };
    kinks: &[0.0]);
row!(PRELU_X_GRAD "prelu_x_grad" "dy where x > 0, else w dy" "activation",
    (x: f32, w: f32, dy: f32)[] -> f32 = if x > 0.0 { dy } else { w * dy }; grad = once;);
row!(PRELU_W_GRAD "prelu_w_grad" "0 where x > 0, else x dy" "activation",
    (x: f32, dy: f32)[] -> f32 = if x > 0.0 { 0.0 } else { x * dy }; grad = once;);

// Barron, "Continuously Differentiable Exponential Linear Units", 2017.
row!(CELU "celu" "x where x > 0, else a (e^(x/a) - 1)" "activation",
    (x: f32)[a: f32] -> f32 = if x > 0.0 { x } else { a * (x / a).fast_exp_m1() };
    grad = |b, c| from_input(b, c, &CELU_GRAD);
    ulp: 12.0, ulp_per_x: 2.0, kinks: &[0.0], examples: &[1.5]);
row!(CELU_GRAD "celu_grad" "dy where x > 0, else e^(x/a) dy" "activation",
    (x: f32, dy: f32)[a: f32] -> f32 = if x > 0.0 { dy } else { (x / a).fast_exp() * dy };
    grad = once; ulp: 8.0, ulp_per_x: 4.0, examples: &[1.5]);

// Howard et al., "Searching for MobileNetV3", 2019.
row!(HARD_SIGMOID "hard_sigmoid" "min(max(x + 3, 0), 6) / 6" "activation",
    (x: f32)[] -> f32 = (x + 3.0).clamp(0.0, 6.0) / 6.0;
    grad = |b, c| from_input(b, c, &HARD_SIGMOID_GRAD);
    ulp: 4.0, abs: 6e-8, kinks: &[-3.0, 3.0]);
row!(HARD_SIGMOID_GRAD "hard_sigmoid_grad" "dy / 6 where -3 < x < 3, else 0" "activation",
    (x: f32, dy: f32)[] -> f32 = if x.abs() < 3.0 { dy / 6.0 } else { 0.0 }; grad = once; ulp: 3.0);
row!(HARD_SWISH "hard_swish" "x min(max(x + 3, 0), 6) / 6" "activation",
    (x: f32)[] -> f32 = x * ((x + 3.0).clamp(0.0, 6.0) / 6.0);
    grad = |b, c| from_input(b, c, &HARD_SWISH_GRAD);
    ulp: 5.0, abs: 3e-7, kinks: &[-3.0, 3.0]);
row!(HARD_SWISH_GRAD "hard_swish_grad" "0 where x <= -3, dy where x >= 3, else (x/3 + 1/2) dy" "activation",
    (x: f32, dy: f32)[] -> f32 =
        if x <= -3.0 { 0.0 } else if x < 3.0 { (x / 3.0 + 0.5) * dy } else { dy };
    grad = once; ulp: 4.0, abs: 1e-6);

unary! {
    /// Computes `min(max(x, 0), 6)`; the gradient at 0 and at 6 is 0.
    relu6 = RELU6;
    /// Computes `min(max(x + 3, 0), 6) / 6`; the gradient at -3 and at 3 is 0.
    hard_sigmoid = HARD_SIGMOID;
    /// Computes `x min(max(x + 3, 0), 6) / 6`; the gradient is 0 at -3, and 1 at 3.
    hard_swish = HARD_SWISH;
}

binary! {
    /// Computes `x` where `x > 0`, else `w x` with the slope `w` (`other`), which is often learned.
    /// The gradient at 0 is `w`.
    prelu = PRELU;
}

impl Tensor {
    /// Computes `x` where `x > 0`, else `alpha (e^(x / alpha) - 1)`, smooth at 0 for every `alpha`.
    #[track_caller]
    pub fn celu(&self, alpha: f64) -> Tensor {
        apply_with(&CELU, &[self], &[Scalar(alpha)])
    }

    /// Computes SELU: ELU with the scale and slope that preserve mean 0 and variance 1 through
    /// layers (Klambauer et al., "Self-Normalizing Neural Networks", 2017). The gradient at 0 is
    /// that of negative `x`.
    #[track_caller]
    pub fn selu(&self) -> Tensor {
        self.elu(1.673_263_242_354_377_2) * 1.050_700_987_355_480_5
    }
}
