//! The feed-forward part of a block.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Tensor;
use crate::nn::{Dropout, Linear, Module, Visitor, traced};

/// The activation between the two layers of a feed-forward part.
///
/// # Example
///
/// ```
/// use wgrad::nn::{Activation, TransformerEncoderLayer};
///
/// // The block of a GPT-2.
/// let block = TransformerEncoderLayer::new(64, 4, 256).pre_norm().causal();
/// let block = block.activation(Activation::GeluTanh);
/// # let _ = block;
/// assert_eq!(Activation::default(), Activation::Relu);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// `max(x, 0)`, PyTorch's default.
    #[default]
    Relu,
    /// `x (1 + erf(x / sqrt(2))) / 2`.
    Gelu,
    /// GELU by `tanh`, as in GPT-2.
    GeluTanh,
}

impl Activation {
    fn apply(self, x: &Tensor) -> Tensor {
        match self {
            Activation::Relu => x.relu(),
            Activation::Gelu => x.gelu(),
            Activation::GeluTanh => x.gelu_tanh(),
        }
    }
}

/// A gated feed-forward part (Shazeer, 2020): `down(silu(gate(x)) up(x))`, without biases.
///
/// Input and output are `[.., features]`. Parameters have the names that they have in Llama:
/// `gate_proj`, `up_proj` and `down_proj`.
///
/// # Example
///
/// ```
/// use wgrad::{Device, Trainer, loss, nn};
///
/// # fn main() -> wgrad::Result<()> {
/// let model = nn::SwiGlu::new(8, 24);
/// let trainer = Trainer::new(model).loss(loss::Mse).compile_for(&Device::cpu(), [5, 8])?;
/// assert_eq!(trainer.summary().parameters, 3 * 8 * 24);
/// # Ok(())
/// # }
/// ```
pub struct SwiGlu {
    gate_proj: Linear,
    up_proj: Linear,
    down_proj: Linear,
}

impl SwiGlu {
    /// Creates a part with `hidden` features between its layers.
    #[track_caller]
    pub fn new(features: usize, hidden: usize) -> Self {
        SwiGlu {
            gate_proj: Linear::new(features, hidden).without_bias(),
            up_proj: Linear::new(features, hidden).without_bias(),
            down_proj: Linear::new(hidden, features).without_bias(),
        }
    }
}

impl Module for SwiGlu {
    fn forward(&self, x: &Tensor) -> Tensor {
        traced(x, "SwiGLU", |x| {
            let gate = self.gate_proj.forward(x).silu();
            self.down_proj.forward(&(gate * self.up_proj.forward(x)))
        })
    }
    fn visit(&self, visitor: &mut Visitor) {
        visitor.child("gate_proj", &self.gate_proj);
        visitor.child("up_proj", &self.up_proj);
        visitor.child("down_proj", &self.down_proj);
    }
}

/// The feed-forward part of a block.
pub(super) enum FeedForward {
    /// Two layers with an activation between them.
    Two(Linear, Activation, Linear),
    /// A gated part.
    Gated(SwiGlu),
}

impl FeedForward {
    pub fn forward(&self, x: &Tensor, dropout: &Dropout) -> Tensor {
        match self {
            FeedForward::Two(up, activation, down) => {
                let hidden = activation.apply(&up.forward(x));
                down.forward(&dropout.forward(&hidden))
            }
            FeedForward::Gated(gated) => gated.forward(x),
        }
    }

    pub fn visit(&self, visitor: &mut Visitor) {
        match self {
            FeedForward::Two(up, _, down) => {
                visitor.child("linear1", up);
                visitor.child("linear2", down);
            }
            FeedForward::Gated(gated) => visitor.child("feed_forward", gated),
        }
    }
}
