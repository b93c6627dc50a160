//! What evaluating and predicting give.

use std::fmt;

use crate::Shape;
use crate::metrics::Metric;

use super::sums::Sums;

/// A loss and metrics over a whole data set.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// The mean loss over samples.
    pub loss: f64,
    /// The metrics by name.
    pub metrics: Vec<(String, f64)>,
    /// How many samples.
    pub samples: usize,
}

impl Evaluation {
    /// What the results of batches add up to.
    pub(super) fn of(sums: &Sums, metrics: &[Box<dyn Metric>]) -> Self {
        Evaluation {
            loss: sums.loss(),
            metrics: sums.metrics(metrics),
            samples: sums.samples as usize,
        }
    }

    /// A metric by name.
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

/// What one batch of a training gave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchResult {
    /// The optimizer's step that it belongs to, counted from 1; steps of several batches have several.
    pub step: u64,
    /// How many samples it has.
    pub samples: usize,
    /// Its mean loss, before the step.
    pub loss: f64,
    /// The global norm of the step's gradients before clipping, with the last batch of a step, where
    /// [`TrainerBuilder::gradient_norm`](super::TrainerBuilder::gradient_norm) asks for it.
    pub gradient_norm: Option<f64>,
}

/// A model's outputs for a whole data set.
#[derive(Clone, Debug, PartialEq)]
pub struct Predictions {
    /// `[samples, ..]`.
    pub shape: Shape,
    /// The outputs in row-major order.
    pub values: Vec<f32>,
    /// Above which a single output is the positive one of two classes: the loss's
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
    /// The output that the model named so with [`Tensor::as_output`](crate::Tensor::as_output): its shape
    /// `[samples, ..]`, and its numbers in row-major order.
    pub fn output(&self, name: &str) -> Option<(&Shape, &[f32])> {
        let found = self.outputs.iter().find(|o| o.name == name);
        found.map(|o| (&o.shape, o.values.as_slice()))
    }

    /// One sample's outputs each.
    pub fn rows(&self) -> impl Iterator<Item = &[f32]> {
        let n = self.shape.iter().skip(1).product::<usize>().max(1);
        self.values.chunks_exact(n)
    }

    /// For each sample the number of its largest output: the class of logits or probabilities. Of a single output a
    /// sample, 1 where it is above the threshold and else 0.
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
