//! Metrics: how good an output is, in numbers that people read.

use crate::loss::Loss;
use crate::{DType, Tensor};

/// A number computed on the device for each batch, and averaged exactly over samples.
pub trait Metric: Send {
    /// Its name in histories and reports.
    fn name(&self) -> &'static str;

    /// The mean over the batch: a scalar `f32`.
    fn mean(&self, output: &Tensor, target: &Tensor, loss: &dyn Loss) -> Tensor;

    /// From the mean over all samples to the metric, e.g. a square root.
    fn finish(&self, mean: f64) -> f64 {
        mean
    }

    /// Whether more is better; early stopping and best checkpoints ask.
    fn higher_is_better(&self) -> bool;
}

/// The share of right answers: the largest logit for labels, the loss's threshold for binary targets.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Accuracy;

impl Metric for Accuracy {
    fn name(&self) -> &'static str {
        "accuracy"
    }
    fn mean(&self, output: &Tensor, target: &Tensor, loss: &dyn Loss) -> Tensor {
        let hit = match target.dtype() {
            DType::U32 => output.argmax().eq(target),
            _ => {
                let yes = output
                    .gt(&output.constant_like(loss.threshold()))
                    .cast(DType::U32);
                yes.eq(&target.gt(&target.constant_like(0.5)).cast(DType::U32))
            }
        };
        hit.cast(DType::F32).mean(&[])
    }
    fn higher_is_better(&self) -> bool {
        true
    }
}

/// The mean squared error.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Mse;

impl Metric for Mse {
    fn name(&self) -> &'static str {
        "mse"
    }
    fn mean(&self, output: &Tensor, target: &Tensor, _: &dyn Loss) -> Tensor {
        (output - target).square().mean(&[])
    }
    fn higher_is_better(&self) -> bool {
        false
    }
}

/// The mean absolute error, in the target's units.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Mae;

impl Metric for Mae {
    fn name(&self) -> &'static str {
        "mae"
    }
    fn mean(&self, output: &Tensor, target: &Tensor, _: &dyn Loss) -> Tensor {
        (output - target).abs().mean(&[])
    }
    fn higher_is_better(&self) -> bool {
        false
    }
}
