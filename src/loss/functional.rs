//! Losses as functions of tensors.
//!
//! Gradients flow to the predictions, and to targets that are values.
//!
//! # Example
//! ```
//! use wgrad::{Device, loss::functional::{Reduction, mse}};
//!
//! let (mean, each) = wgrad::eval(&Device::cpu(), |g| {
//!     let (x, t) = (g.tensor([2], [1.0, 5.0]), g.tensor([2], [0.0, 2.0]));
//!     (mse(&x, &t, Reduction::Mean), mse(&x, &t, Reduction::None))
//! })?;
//! assert_eq!((mean.data, each.data), (vec![5.0], vec![1.0, 9.0]));
//! # Ok::<(), wgrad::Error>(())
//! ```

mod classes;
mod values;

pub use classes::{Classes, cross_entropy, ctc, ctc_padded, focal_cross_entropy, nll};
pub use values::*;

use super::Loss;
pub use crate::graph::Ctc;
use crate::{Source, Tensor};

/// How the losses of all elements or samples are reduced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reduction {
    /// The mean, a scalar.
    #[default]
    Mean,
    /// The sum, a scalar.
    Sum,
    /// The sum divided by the size of the first axis, a scalar: PyTorch's `batchmean`.
    BatchMean,
    /// No reduction.
    None,
}

impl Reduction {
    /// Reduces the losses.
    #[track_caller]
    pub fn of(self, each: &Tensor) -> Tensor {
        match self {
            Reduction::Mean => each.mean(&[]),
            Reduction::Sum => each.sum(&[]),
            Reduction::BatchMean => each.sum(&[]) / each.dim(0) as f64,
            Reduction::None => each.clone(),
        }
    }

    /// Reduces losses that are already multiplied by `weights`: the mean is their sum divided by
    /// the sum of the weights. If that is 0, the mean is NaN and the gradient 0.
    #[track_caller]
    pub fn weighted(self, each: &Tensor, weights: &Tensor) -> Tensor {
        match self {
            Reduction::Mean => {
                let (sum, total) = (each.sum(&[]), weights.sum(&[]));
                (&sum / &total).with_gradient(&[&sum, &total], |b| {
                    let none = b.x[1].eq_scalar(0.0);
                    let zero = b.x[1].zeros_like();
                    let by = none.select(&b.x[1].full_like(1.0), &b.x[1]);
                    let sum = none.select(&zero, &(b.dy / &by));
                    let total = none.select(&zero, &-(b.dy * b.y / &by));
                    Ok(vec![Some(sum), Some(total)])
                })
            }
            other => other.of(each),
        }
    }
}

/// Returns the mean of losses `[batch, ..]` with weights `[batch, ..]` of their first axes:
/// `sum(w l) / sum(w)`. If the losses are already multiplied by class weights, pass these as
/// `by_label`; the result is then `sum(w l) / sum(w by_label)`.
///
/// Weights with a sum of 0 give NaN and a gradient of 0.
#[track_caller]
pub fn weighted_mean(each: &Tensor, by_label: Option<&Tensor>, weights: &Tensor) -> Tensor {
    let Some(weights) = spread_weights(weights, each) else {
        let reason = format!(
            "expected weights of the first axes of the losses {}, found {}",
            each.shape(),
            weights.shape()
        );
        return each.record_error("weighted_mean", reason, Source::caller());
    };
    let counts = match by_label {
        Some(by_label) => by_label * &weights,
        None => weights.clone(),
    };
    Reduction::Mean.weighted(&(each * &weights), &counts)
}

/// Returns weights `[batch, ..]` in the shape of `like`, whose first axes they have.
pub(crate) fn spread_weights(weights: &Tensor, like: &Tensor) -> Option<Tensor> {
    let (shape, wanted) = (weights.shape(), like.shape());
    if !wanted.dims().starts_with(shape.dims()) {
        return None;
    }
    let mut dims = shape.to_vec();
    dims.resize(wanted.rank(), 1);
    Some(weights.reshape(dims).broadcast_to(wanted))
}

/// Returns the mean of a loss over a batch, weighted where the data set has sample weights.
#[track_caller]
pub(crate) fn mean_of(loss: &dyn Loss, output: &Tensor, target: &Tensor) -> Tensor {
    match output.batch_weights() {
        Some(weights) => loss.weighted_mean(output, target, &weights),
        None => loss.mean(output, target),
    }
}
