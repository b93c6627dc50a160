//! Linear layers and activations.

use wgrad::Tensor;
use wgrad::graph::Init;
use wgrad::nn::{self, Module, Parameter, Visitor};

use crate::case::{Case, function, layer};

pub fn cases() -> Vec<Case> {
    vec![
        layer("linear", || nn::Linear::new(5, 3)),
        layer("linear_one", || nn::Linear::new(1, 1)),
        layer("linear_sequence", || nn::Linear::new(7, 2)),
        layer("linear_without_bias", || {
            nn::Linear::new(4, 6).without_bias()
        }),
        layer("mlp", || {
            nn::Sequential::new()
                .add(nn::Linear::new(6, 9))
                .add(nn::Relu)
                .add(nn::Linear::new(9, 9))
                .add(nn::Tanh)
                .add(nn::Linear::new(9, 2))
        }),
        layer("relu", || nn::Relu),
        layer("sigmoid", || nn::Sigmoid),
        layer("tanh", || nn::Tanh),
        layer("gelu", || nn::Gelu),
        function("gelu_tanh", |x| vec![x[0].gelu_tanh()]),
        layer("silu", || nn::Silu),
        layer("softplus", || nn::Softplus),
        layer("leaky_relu", || nn::LeakyRelu(0.1)),
        layer("elu", || nn::Elu(0.7)),
        layer("softmax", || nn::Softmax),
        layer("log_softmax", || nn::LogSoftmax),
        layer("tied", || Tied(Parameter::new([4, 4], Init::Constant(0.0)))),
        function("two_inputs", |x| vec![&x[0] * &x[1], &x[0] + x[1].exp()]),
        function("gather", |x| vec![x[0].gather(&x[1])]),
    ]
}

/// A weight that is used twice.
struct Tied(Parameter);

impl Module for Tied {
    fn forward(&self, x: &Tensor) -> Tensor {
        let h = x.matmul_t(&self.0.tensor(x)).tanh();
        h.matmul_t(&self.0.tensor(&h))
    }
    fn visit(&self, visitor: &mut Visitor) {
        visitor.parameter("weight", &self.0);
    }
}
