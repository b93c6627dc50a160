//! The rows of activation functions. Each gradient has a row of its own: `NAME_grad(x or y, dy)`.
//!
//! The gradients are not composed of arithmetic, because a gradient that is one function of a saved
//! tensor and `dy` always fuses into the kernel that computes `dy`, and needs no further tensor.

use crate::graph::{Backward, Function, Grads, Precision, Scalar};

use super::fast::Fast;
use super::methods::apply_with;
use super::row::row;

pub(super) static TABLE: &[&Function] = &[
    &RELU,
    &RELU_GRAD,
    &LEAKY_RELU,
    &LEAKY_RELU_GRAD,
    &ELU,
    &ELU_GRAD,
    &SIGMOID,
    &SIGMOID_GRAD,
    &TANH,
    &TANH_GRAD,
    &GELU,
    &GELU_GRAD,
    &GELU_TANH,
    &GELU_TANH_GRAD,
    &SILU,
    &SILU_GRAD,
    &SOFTPLUS,
    &SOFTPLUS_GRAD,
    &SOFTSIGN,
    &SOFTSIGN_GRAD,
    &MISH,
    &MISH_GRAD,
    &ERF,
    &ERF_GRAD,
    &BCE,
    &BCE_GRAD,
];

/// The rule that applies the gradient function to the input and `dy`.
pub(super) fn from_input(b: &Backward, c: &[Scalar], grad: &'static Function) -> Grads {
    Ok(vec![Some(apply_with(grad, &[&b.x[0], b.dy], c))])
}

/// The rule that applies the gradient function to the output and `dy`.
pub(super) fn from_output(b: &Backward, c: &[Scalar], grad: &'static Function) -> Grads {
    Ok(vec![Some(apply_with(grad, &[b.y, b.dy], c))])
}

pub(super) fn once(_: &Backward, _: &[Scalar]) -> Grads {
    Err("has no second derivative; differentiate the loss only once".to_string())
}

row!(RELU "relu" "max(x, 0)" "activation", (x: f32)[] -> f32 = if x > 0.0 { x } else { 0.0 };
    grad = |b, c| from_output(b, c, &RELU_GRAD); ulp: 0.5, kinks: &[0.0]);
row!(RELU_GRAD "relu_grad" "dy where y > 0, else 0" "activation",
    (y: f32, dy: f32)[] -> f32 = if y > 0.0 { dy } else { 0.0 }; grad = once; ulp: 0.5);

row!(LEAKY_RELU "leaky_relu" "x where x > 0, else a x" "activation",
    (x: f32)[a: f32] -> f32 = if x > 0.0 { x } else { a * x };
    grad = |b, c| from_input(b, c, &LEAKY_RELU_GRAD); kinks: &[0.0], examples: &[0.01]);
row!(LEAKY_RELU_GRAD "leaky_relu_grad" "dy where x > 0, else a dy" "activation",
    (x: f32, dy: f32)[a: f32] -> f32 = if x > 0.0 { dy } else { a * dy };
    grad = once; examples: &[0.01]);

row!(ELU "elu" "x where x > 0, else a (e^x - 1)" "activation",
    (x: f32)[a: f32] -> f32 = if x > 0.0 { x } else { a * x.fast_exp_m1() };
    grad = |b, c| from_input(b, c, &ELU_GRAD);
    ulp: 12.0, kinks: &[0.0], examples: &[1.0]);
row!(ELU_GRAD "elu_grad" "dy where x > 0, else a e^x dy" "activation",
    (x: f32, dy: f32)[a: f32] -> f32 = if x > 0.0 { dy } else { a * x.fast_exp() * dy };
    grad = once; ulp: 5.0, ulp_per_x: 2.0, examples: &[1.0]);

row!(SIGMOID "sigmoid" "1 / (1 + e^-x)" "activation", (x: f32)[] -> f32 = 1.0 / (1.0 + (-x).fast_exp());
    grad = |b, c| from_output(b, c, &SIGMOID_GRAD); ulp: 7.0, ulp_per_x: 2.0);
row!(SIGMOID_GRAD "sigmoid_grad" "y (1 - y) dy" "activation",
    (y: f32, dy: f32)[] -> f32 = y * (1.0 - y) * dy;
    grad = once; ulp: 4.0, abs: 1e-6, domain: (0.0, 1.0));

row!(TANH "tanh_of" "tanh(x)" "activation", (x: f32)[] -> f32 = x.fast_tanh();
    grad = |b, c| from_output(b, c, &TANH_GRAD); ulp: 8.0);
row!(TANH_GRAD "tanh_grad" "(1 - y^2) dy" "activation",
    (y: f32, dy: f32)[] -> f32 = (1.0 - y * y) * dy;
    grad = once; ulp: 4.0, abs: 1e-6, domain: (-1.0, 1.0));

// Hendrycks and Gimpel, "Gaussian Error Linear Units", 2016: the exact form and the tanh
// approximation.
row!(GELU "gelu" "x (1 + erf(x / sqrt(2))) / 2" "activation",
    (x: f32)[] -> f32 = 0.5 * x * (-0.707_106_781_186_547_5 * x).fast_erfc();
    grad = |b, c| from_input(b, c, &GELU_GRAD); ulp: 48.0, abs: 1e-9);
row!(GELU_GRAD "gelu_grad" "((1 + erf(x / sqrt(2))) / 2 + x e^(-x^2/2) / sqrt(2 pi)) dy" "activation",
    (x: f32, dy: f32)[] -> f32 = {
        let cdf = 0.5 * (-0.707_106_781_186_547_5 * x).fast_erfc();
        let pdf = 0.398_942_280_401_432_7 * (-0.5 * x * x).fast_exp();
        (cdf + x * pdf) * dy
    };
    grad = once; ulp: 24.0, abs: 8e-6);
row!(GELU_TANH "gelu_tanh" "x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) / 2" "activation",
    (x: f32)[] -> f32 = x / (1.0 + (-1.595_769_121_605_730_8 * (x + 0.044_715 * x * x * x)).fast_exp());
    grad = |b, c| from_input(b, c, &GELU_TANH_GRAD); ulp: 72.0, abs: 1e-10);
row!(GELU_TANH_GRAD "gelu_tanh_grad" "the derivative of gelu_tanh times dy" "activation",
    (x: f32, dy: f32)[] -> f32 = {
        // (1 + tanh(v / 2)) / 2 is 1 / (1 + e^-v), which has no cancellation for negative v.
        let s = 1.0 / (1.0 + (-1.595_769_121_605_730_8 * (x + 0.044_715 * x * x * x)).fast_exp());
        let dv = 1.595_769_121_605_730_8 * (1.0 + 0.134_145 * x * x);
        s * (1.0 + x * (1.0 - s) * dv) * dy
    };
    grad = once; ulp: 64.0, abs: 1.6e-5);

row!(SILU "silu" "x / (1 + e^-x)" "activation", (x: f32)[] -> f32 = x / (1.0 + (-x).fast_exp());
    grad = |b, c| from_input(b, c, &SILU_GRAD); ulp: 9.0, ulp_per_x: 2.0);
row!(SILU_GRAD "silu_grad" "s (1 + x (1 - s)) dy, s = 1 / (1 + e^-x)" "activation",
    (x: f32, dy: f32)[] -> f32 = {
        let s = 1.0 / (1.0 + (-x).fast_exp());
        s * (1.0 + x * (1.0 - s)) * dy
    };
    grad = once; ulp: 32.0, abs: 4e-6);

row!(SOFTPLUS "softplus" "ln(1 + e^x)" "activation",
    (x: f32)[] -> f32 = (if x > 0.0 { x } else { 0.0 }) + (-x.abs()).fast_exp().ln_1p();
    grad = |b, c| from_input(b, c, &SOFTPLUS_GRAD); ulp: 16.0, ulp_per_x: 2.0);
row!(SOFTPLUS_GRAD "softplus_grad" "dy / (1 + e^-x)" "activation",
    (x: f32, dy: f32)[] -> f32 = dy / (1.0 + (-x).fast_exp()); grad = once; ulp: 9.0, ulp_per_x: 2.0);

row!(SOFTSIGN "softsign" "x / (1 + |x|)" "activation", (x: f32)[] -> f32 = x / (1.0 + x.abs());
    grad = |b, c| from_input(b, c, &SOFTSIGN_GRAD); ulp: 4.0);
row!(SOFTSIGN_GRAD "softsign_grad" "dy / (1 + |x|)^2" "activation",
    (x: f32, dy: f32)[] -> f32 = dy / ((1.0 + x.abs()) * (1.0 + x.abs())); grad = once; ulp: 6.0);

// Misra, "Mish: A Self Regularized Non-Monotonic Activation Function", 2019. With e = e^x, the tanh
// is n / (n + 2 d) for n = e (e + 2) d and any d. Here d is 1, or 1 / e^2 for positive x, so that
// nothing overflows.
row!(MISH "mish" "x tanh(ln(1 + e^x))" "activation",
    (x: f32)[] -> f32 = {
        let t = (-x.abs()).fast_exp();
        let (n, d) = if x < 0.0 { (t * (t + 2.0), 1.0) } else { (1.0 + 2.0 * t, t * t) };
        x * n / (n + 2.0 * d)
    };
    grad = |b, c| from_input(b, c, &MISH_GRAD); ulp: 12.0, ulp_per_x: 2.0);
row!(MISH_GRAD "mish_grad" "the derivative of mish times dy" "activation",
    (x: f32, dy: f32)[] -> f32 = {
        let t = (-x.abs()).fast_exp();
        let (n, d) = if x < 0.0 { (t * (t + 2.0), 1.0) } else { (1.0 + 2.0 * t, t * t) };
        let all = n + 2.0 * d;
        let s = 1.0 / (1.0 + (-x).fast_exp());
        (n + x * s * 4.0 * d * (n + d) / all) / all * dy
    };
    grad = once; ulp: 32.0, abs: 4e-6);

row!(ERF "erf" "erf(x)" "math", (x: f32)[] -> f32 = x.fast_erf();
    grad = |b, c| from_input(b, c, &ERF_GRAD); ulp: 6.0);
row!(ERF_GRAD "erf_grad" "2 / sqrt(pi) e^(-x^2) dy" "math",
    (x: f32, dy: f32)[] -> f32 = 1.128_379_167_095_512_6 * (-x * x).fast_exp() * dy;
    grad = once; ulp: 48.0);

// Binary cross-entropy of a probability p and a target t. As in PyTorch, each logarithm is at least
// -100, and the denominator of the gradient at least 1e-12, so that saturated p stay finite.
row!(BCE "bce" "-(t ln(p) + (1 - t) ln(1 - p))" "activation",
    (p: f32, t: f32)[] -> f32 = {
        let log_p = if p > 0.0 { p.ln() } else { -100.0 };
        let log_q = if p < 1.0 { (-p).ln_1p() } else { -100.0 };
        let log_p = if log_p > -100.0 { log_p } else { -100.0 };
        let log_q = if log_q > -100.0 { log_q } else { -100.0 };
        -(t * log_p + (1.0 - t) * log_q)
    };
    grad = |b, c| {
        let dp = apply_with(&BCE_GRAD, &[&b.x[0], &b.x[1], b.dy], c);
        // The gradient of t would be ln(1 - p) - ln(p), but targets are data and get no gradient.
        Ok(vec![Some(dp), None])
    };
    ulp: 16.0, domain: (0.02, 0.98), precision: Precision::Full);
row!(BCE_GRAD "bce_grad" "(p - t) / max(p (1 - p), 1e-12) dy" "activation",
    (p: f32, t: f32, dy: f32)[] -> f32 = {
        let v = p * (1.0 - p);
        (p - t) / (if v > 1e-12 { v } else { 1e-12 }) * dy
    };
    grad = once; ulp: 24.0, domain: (0.02, 0.98));
