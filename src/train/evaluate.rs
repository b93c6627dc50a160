//! The results of evaluation and prediction.

use std::fmt;

use crate::Shape;
use crate::metrics::Metric;

use super::sums::Sums;

/// The loss and metrics over a data set.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// The mean loss over samples.
    pub loss: f64,
    /// The metrics by name.
    pub metrics: Vec<(String, f64)>,
    /// The number of samples.
    pub samples: usize,
}

impl Evaluation {
    /// Computes the results from the sums over batches.
    pub(super) fn of(sums: &Sums, metrics: &[Box<dyn Metric>]) -> Self {
        Evaluation {
            loss: sums.loss(),
            metrics: sums.metrics(metrics),
            samples: sums.samples as usize,
        }
    }

    /// Returns a metric by name.
    pub fn metric(&self, name: &str) -> Option<f64> {
        self.metrics
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| *v)
    }
}

impl fmt::Display for Evaluation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "loss {:.4}", self.loss)?;
        for (name, value) in &self.metrics {
            write!(f, ", {name} {value:.4}")?;
        }
        write!(f, " ({} samples)", self.samples)
    }
}

/// The results of one training batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchResult {
    /// The optimizer step that it belongs to, counted from 1. With gradient accumulation, several
    /// batches have the same step.
    pub step: u64,
    /// The number of samples.
    pub samples: usize,
    /// The mean loss, before the step.
    pub loss: f64,
    /// The global norm of the step's gradients before clipping, if
    /// [`TrainerBuilder::gradient_norm`](super::TrainerBuilder::gradient_norm) is set; only for the
    /// last batch of a step.
    pub gradient_norm: Option<f64>,
}

/// A model's outputs for a data set.
///
/// # Example
/// ```
/// use wgrad::prelude::*;
///
/// let x = Dataset::from_arrays(vec![0.1, 0.9, 3.0, 2.0], [2], Targets::Unlabelled)?;
/// let model = nn::Linear::new(2, 2).init(nn::init::identity());
/// let mut trainer = Trainer::new(model).compile(&Device::cpu(), &x)?;
/// let predictions = trainer.predict(&x)?;
/// assert_eq!(predictions.shape, [2, 2].into());
/// assert_eq!(predictions.classes(), [1, 0]);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Predictions {
    /// The shape `[samples, ..]`.
    pub shape: Shape,
    /// The outputs in row-major order.
    pub values: Vec<f32>,
    /// The threshold above which a single output is the positive class: the loss's
    /// [threshold](crate::loss::Loss::threshold).
    pub threshold: f64,
    /// The outputs that the model has named.
    pub(super) outputs: Vec<NamedOutput>,
}

/// An output that a model has named, for a whole data set.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct NamedOutput {
    pub name: String,
    /// `[samples, ..]`.
    pub shape: Shape,
    pub values: Vec<f32>,
}

impl Predictions {
    /// Returns the output that the model has named with
    /// [`Tensor::as_output`](crate::Tensor::as_output): its shape `[samples, ..]` and its numbers in
    /// row-major order.
    pub fn output(&self, name: &str) -> Option<(&Shape, &[f32])> {
        let found = self.outputs.iter().find(|o| o.name == name);
        found.map(|o| (&o.shape, o.values.as_slice()))
    }

    /// Returns the outputs of each sample.
    pub fn rows(&self) -> impl Iterator<Item = &[f32]> {
        let n = self.shape.iter().skip(1).product::<usize>().max(1);
        self.values.chunks_exact(n)
    }

    /// Returns the predicted class of each sample: the index of the largest output, or for a single
    /// output 1 if it is above the threshold and 0 otherwise.
    pub fn classes(&self) -> Vec<usize> {
        if self.shape.iter().skip(1).product::<usize>() == 1 {
            let positive = |value: &f32| usize::from(f64::from(*value) > self.threshold);
            return self.values.iter().map(positive).collect();
        }
        let largest = |row: &[f32]| {
            let best = |best: usize, i: usize| if row[i] > row[best] { i } else { best };
            (0..row.len()).fold(0, best)
        };
        self.rows().map(largest).collect()
    }
}
