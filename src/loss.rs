//! Losses: the mean over a batch of how wrong each sample is.

use crate::graph::Meta;
use crate::{DType, Shape, Tensor};

/// What a loss compares the model's output with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A class number for each sample, `u32 [batch]`, or for each position of a sample, `[batch, ..]`.
    Labels {
        /// How many classes the output scores.
        classes: usize,
        /// The shape of a sample's positions; a scalar's for one label a sample.
        positions: Shape,
    },
    /// Numbers of the output's shape, `f32`.
    Values {
        /// Numbers a sample.
        width: usize,
    },
}

/// How wrong an output is.
pub trait Loss: Send {
    /// What targets it needs for outputs of this type `[batch, ..]`, or why the output does not fit.
    fn target(&self, output: &Meta) -> Result<Target, String>;

    /// The mean over the batch: a scalar `f32`. `target` has the type that [`Loss::target`] asks for,
    /// numbers reshaped to the output's shape.
    fn mean(&self, output: &Tensor, target: &Tensor) -> Tensor;

    /// From which output on a binary prediction is positive; accuracy needs it.
    fn threshold(&self) -> f64 {
        0.5
    }

    /// Its name, as in configurations and reports.
    fn name(&self) -> &'static str;
}

fn width(output: &Meta) -> Result<usize, String> {
    match output.shape.split_first() {
        Some((_, rest)) if output.dtype == DType::F32 => Ok(rest.iter().product()),
        _ => Err(format!(
            "the output is {}{}, not f32 [batch, ..]",
            output.dtype, output.shape
        )),
    }
}

/// Softmax cross-entropy of logits `[batch, classes]` with integer labels, in nats; or of logits
/// `[batch, .., classes]` with a label for each position, the mean over all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CrossEntropy;

impl CrossEntropy {
    /// The mean over the batch.
    pub fn new() -> Self {
        CrossEntropy
    }
}

impl Loss for CrossEntropy {
    fn target(&self, output: &Meta) -> Result<Target, String> {
        match output.shape.dims() {
            [_, positions @ .., classes] if *classes > 1 && output.dtype == DType::F32 => {
                Ok(Target::Labels {
                    classes: *classes,
                    positions: positions.into(),
                })
            }
            _ => {
                let (dtype, shape) = (output.dtype, &output.shape);
                Err(format!(
                    "needs logits f32 [batch, .., classes] of 2 classes or more, not {dtype}{shape}"
                ))
            }
        }
    }
    fn mean(&self, output: &Tensor, target: &Tensor) -> Tensor {
        output.cross_entropy(target).mean(&[])
    }
    fn name(&self) -> &'static str {
        "cross_entropy"
    }
}

macro_rules! value_loss {
    ($(#[$doc:meta])* $name:ident $key:literal, $threshold:literal, |$y:ident, $t:ident| $mean:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq)]
        pub struct $name;

        impl $name {
            /// The mean over the batch and the output's elements.
            pub fn new() -> Self {
                $name
            }
        }

        impl Loss for $name {
            fn target(&self, output: &Meta) -> Result<Target, String> {
                Ok(Target::Values { width: width(output)? })
            }
            fn mean(&self, $y: &Tensor, $t: &Tensor) -> Tensor {
                $mean
            }
            fn threshold(&self) -> f64 {
                $threshold
            }
            fn name(&self) -> &'static str {
                $key
            }
        }
    };
}

value_loss!(
    /// Mean squared error.
    Mse "mse", 0.5, |y, t| (y - t).square().mean(&[])
);
value_loss!(
    /// Binary cross-entropy of probabilities (the output of a sigmoid) with targets between 0 and 1.
    /// Saturated probabilities give at most 100, and finite gradients, as in PyTorch.
    Bce "bce", 0.5, |p, t| p.binary_cross_entropy(t).mean(&[])
);
value_loss!(
    /// Binary cross-entropy of logits: `softplus(z) - z t`, finite for all logits.
    BceWithLogits "bce_with_logits", 0.0, |z, t| (z.softplus() - z * t).mean(&[])
);

impl Target {
    /// The type of a batch of targets.
    pub fn meta(&self, batch: usize) -> Meta {
        match self {
            Target::Labels { positions, .. } => {
                Meta::new([&[batch], positions.dims()].concat(), DType::U32)
            }
            Target::Values { width } => Meta::new(Shape::from([batch, *width]), DType::F32),
        }
    }
}
