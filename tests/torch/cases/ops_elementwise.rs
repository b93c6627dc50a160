//! Elementwise functions, including kinks, ties and bounds.

use wgrad::{DType, Tensor, nn};

use crate::case::{Case, function, layer};

/// A function of one tensor.
fn one(name: &'static str, f: fn(&Tensor) -> Tensor) -> Case {
    function(name, move |x| vec![f(&x[0])])
}

/// A function of two tensors.
fn two(name: &'static str, f: fn(&Tensor, &Tensor) -> Tensor) -> Case {
    function(name, move |x| vec![f(&x[0], &x[1])])
}

/// Returns the tensor's elements as constants of the graph.
fn numbers(x: &Tensor, numbers: &[f64]) -> Tensor {
    let each: Vec<Tensor> = numbers
        .iter()
        .map(|&n| x.constant_like(n).reshape([1]))
        .collect();
    Tensor::concat(&each.iter().collect::<Vec<_>>(), 0)
}

pub fn cases() -> Vec<Case> {
    vec![
        one("neg", |x| -x),
        one("abs", |x| x.abs()),
        one("sign", |x| x.sign()),
        one("square", |x| x.square()),
        one("exp", |x| x.exp()),
        one("expm1", |x| x.expm1()),
        one("sinh", |x| x.sinh()),
        one("cosh", |x| x.cosh()),
        one("atan", |x| x.atan()),
        one("tanh_op", |x| x.tanh()),
        one("erf", |x| x.erf()),
        one("floor", |x| x.floor()),
        one("ceil", |x| x.ceil()),
        one("round", |x| x.round()),
        one("trunc", |x| x.trunc()),
        one("clamp", |x| x.clamp(-1.0, 2.0)),
        one("clamp_min", |x| x.clamp_min(0.5)),
        one("clamp_max", |x| x.clamp_max(0.5)),
        one("clamp_swapped", |x| x.clamp(2.0, -1.0)),
        one("relu_op", |x| x.relu()),
        layer("relu6", || nn::Relu6),
        one("leaky_relu_op", |x| x.leaky_relu(0.2)),
        one("elu_op", |x| x.elu(1.3)),
        layer("selu", || nn::Selu),
        layer("celu", || nn::Celu(2.0)),
        layer("softsign", || nn::Softsign),
        layer("log_sigmoid", || nn::LogSigmoid),
        layer("hard_sigmoid", || nn::HardSigmoid),
        layer("hard_swish", || nn::HardSwish),
        layer("mish", || nn::Mish),
        one("pow_3", |x| x.powf(3.0)),
        one("pow_5", |x| x.powf(5.0)),
        one("pow_0", |x| x.powf(0.0)),
        one("log", |x| x.log()),
        one("log1p", |x| x.log1p()),
        one("sqrt", |x| x.sqrt()),
        one("rsqrt", |x| x.rsqrt()),
        one("recip", |x| x.recip()),
        one("pow_half", |x| x.powf(0.5)),
        one("pow_2_7", |x| x.powf(2.7)),
        one("pow_minus_3", |x| x.powf(-3.0)),
        one("asin", |x| x.asin()),
        one("acos", |x| x.acos()),
        one("sin", |x| x.sin()),
        one("cos", |x| x.cos()),
        one("tan", |x| x.tan()),
        two("add", |a, b| a + b),
        two("sub", |a, b| a - b),
        two("mul", |a, b| a * b),
        two("div", |a, b| a / b),
        two("maximum", |a, b| a.maximum(b)),
        two("minimum", |a, b| a.minimum(b)),
        two("remainder", |a, b| a.remainder(b)),
        two("atan2", |a, b| a.atan2(b)),
        two("atan2_origin", |a, b| a.atan2(b)),
        two("pow", |a, b| a.pow(b)),
        one("pow_negative_base", |x| {
            x.pow(&numbers(x, &[3.0, 2.0, 0.0, -1.0]))
        }),
        function("where", |x| vec![x[0].select(&x[1], &x[2])]),
        one("where_twice", |x| x.gt_scalar(0.0).select(x, &(x * x))),
        one("same_twice", |x| {
            x.maximum(x) + x * x - x.remainder(&x.constant_like(4.0))
        }),
        layer("prelu_one", nn::Prelu::new),
        layer("prelu_channels", || nn::Prelu::channels(3)),
        layer("prelu_features", || nn::Prelu::channels(5)),
        one("selu_far", |x| x.selu()),
        one("gelu_far", |x| x.gelu()),
        one("tanh_far", |x| x.tanh()),
        one("bce_logits_far", |x| {
            x.softplus() - x * numbers(x, &[1.0, 0.0, 0.0, 1.0])
        }),
        one("cast_f16", |x| x.cast(DType::F16).cast(DType::F32)),
        one("cast_bf16", |x| x.cast(DType::Bf16).cast(DType::F32)),
        one("cast_bf16_f16", |x| {
            x.cast(DType::Bf16).cast(DType::F16).cast(DType::F32)
        }),
        one("cast_integers", |x| x * x.cast(DType::I32).cast(DType::F32)),
        one("cast_bool", |x| x * x.cast(DType::Bool).cast(DType::F32)),
    ]
}
