//! The linear layer.

use crate::graph::Init;
use crate::{Shape, Source, Tensor};

use super::{Module, Parameter, Visitor, init, traced};

/// `y = x W^T + b`: takes `[.., inputs]`, gives `[.., outputs]`. `weight` is `[outputs, inputs]`, as in
/// PyTorch, and starts as PyTorch's does.
pub struct Linear {
    inputs: usize,
    outputs: usize,
    weight: Parameter,
    bias: Option<Parameter>,
    source: Source,
}

impl Linear {
    /// A layer with a bias.
    #[track_caller]
    pub fn new(inputs: usize, outputs: usize) -> Self {
        let start = || init::torch_linear(inputs);
        Linear {
            inputs,
            outputs,
            weight: Parameter::new([outputs, inputs], start()),
            bias: Some(Parameter::new([outputs], start())),
            source: Source::caller(),
        }
    }

    /// The same layer without a bias.
    pub fn without_bias(self) -> Self {
        Linear { bias: None, ..self }
    }

    /// The same layer with other first values: of the weight, and 0 for the bias, as in Keras.
    #[track_caller]
    pub fn with_init(self, weight: Init) -> Self {
        let bias = self
            .bias
            .map(|b| Parameter::new(b.shape(), Init::Constant(0.0)));
        Linear {
            weight: Parameter::new([self.outputs, self.inputs], weight),
            bias,
            ..self
        }
    }
}

impl Module for Linear {
    fn forward(&self, x: &Tensor) -> Tensor {
        let layer = self.weight.layer(x);
        x.in_scope(layer, Some(self.source), |x| {
            let shape = x.shape();
            if x.id().is_some() && shape.last() != self.inputs || shape == Shape::scalar() {
                let (want, have) = (self.inputs, shape.last());
                let reason = format!("the layer takes [.., {want}], but the last axis has {have}");
                return x.record_error("linear", reason, self.source);
            }
            let kind = format!("Linear({}, {})", self.inputs, self.outputs);
            traced(x, &kind, |x| {
                let y = self.weight.project(x);
                match &self.bias {
                    Some(bias) => &y + bias.tensor(&y),
                    None => y,
                }
            })
        })
    }

    fn visit(&self, visitor: &mut Visitor) {
        visitor.parameter("weight", &self.weight);
        if let Some(bias) = &self.bias {
            visitor.parameter("bias", bias);
        }
    }
}
