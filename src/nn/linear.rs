//! The linear layer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::graph::Init;
use crate::{Shape, Source, Tensor};

use super::{InitSpec, Module, Parameter, Settings, Unfit, Visitor, init, spec::yes, traced};
use crate::schema::{Path, range};

/// A fully connected layer: `y = x W^T + b`.
///
/// Takes `[.., inputs]` and returns `[.., outputs]`. The parameters are `weight [outputs, inputs]`
/// and `bias [outputs]`, named and initialized as in PyTorch.
///
/// # Example
/// ```
/// use wgrad::prelude::*;
///
/// let layer = nn::Linear::new(3, 2).init(nn::init::ones());
/// let mut trainer = Trainer::new(layer).loss(loss::Mse).compile_for(&Device::cpu(), [3])?;
/// let x = Dataset::from_arrays(vec![1.0, 2.0, 3.0], [3], Targets::Unlabelled)?;
/// assert_eq!(trainer.predict(&x)?.values, [6.0, 6.0]);
/// # Ok::<(), wgrad::Error>(())
/// ```
pub struct Linear {
    inputs: usize,
    outputs: usize,
    weight: Parameter,
    bias: Option<Parameter>,
    source: Source,
}

impl Linear {
    /// Creates a layer with a bias.
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

    /// Removes the bias.
    pub fn without_bias(self) -> Self {
        Linear { bias: None, ..self }
    }

    /// Sets the initialization of the weight. The bias then starts at 0, as in Keras.
    #[track_caller]
    pub fn init(self, weight: Init) -> Self {
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
                let reason = format!(
                    "expected an input [.., {want}], found {have} features on its last axis"
                );
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

/// A fully connected layer, `y = x W^T + b`, over the last axis; see [`Linear`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LinearSpec {
    /// The number of outputs.
    #[schemars(with = "range::Count<1>", extend("examples" = [64]))]
    pub out: usize,
    /// Whether the layer has a bias.
    #[serde(default = "yes")]
    pub bias: bool,
    /// The initialization of the weights. Default: PyTorch's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init: Option<InitSpec>,
}

impl Settings for LinearSpec {
    fn build(&self, sample: &[usize], _: &Path) -> std::result::Result<Box<dyn Module>, Unfit> {
        let inputs = sample.last().copied().unwrap_or(1);
        let linear = Linear::new(inputs, self.out);
        Ok(match self.bias {
            true => Box::new(linear),
            false => Box::new(linear.without_bias()),
        })
    }

    fn init(&self) -> Option<&InitSpec> {
        self.init.as_ref()
    }
}
