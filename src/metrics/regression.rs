//! The coefficient of determination.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Metric, settings, weights};
use crate::loss::Loss;
use crate::{Shape, Tensor};

/// The coefficient of determination, `1 - sum (y - t)^2 / sum (t - mean t)^2`; for several values
/// per sample, the mean over them. If all targets are equal, it is 1 for exact predictions and 0
/// otherwise, as in scikit-learn.
///
/// A batch returns outputs and targets, so that the host computes the sums in f64.
///
/// # Example
/// ```
/// use wgrad::prelude::*;
///
/// let set = Dataset::from_arrays(vec![1.0, 2.0, 5.0], [1], Targets::values(vec![1.0, 2.0, 2.0]))?;
/// let mut trainer = Trainer::new(nn::Linear::new(1, 1).init(nn::init::ones())).loss(loss::Mse)
///     .metric(metrics::R2)
///     .compile(&Device::cpu(), &set)?;
/// let value = trainer.evaluate(&set)?.metric("r2").unwrap();
/// assert!((value - -12.5).abs() < 1e-6);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct R2;

settings!(R2[Regression]);

/// The values kept for each target column: the first target, and three sums relative to it, which
/// preserves digits where the mean is large: of squared errors, of targets, and of squared targets.
const KEPT: usize = 4;

impl Metric for R2 {
    fn name(&self) -> &str {
        "r2"
    }
    fn collect(&self, output: &Tensor, target: &Tensor, loss: &dyn Loss) -> Vec<Tensor> {
        let output = &loss.prediction(output);
        // One row for each sample, so that the number of columns is known.
        let rows = output.dim(0);
        let width = output.shape().len() / rows.max(1);
        let flat = |x: &Tensor| x.reshape(Shape::from([rows, width]));
        let mut tensors = vec![flat(output), flat(target)];
        tensors.extend(weights(output).map(|w| flat(&w)));
        tensors
    }
    fn add(&self, total: &mut Vec<f64>, batch: &[Vec<f64>], samples: usize) {
        let [outputs, targets, weights @ ..] = batch else {
            return;
        };
        let weights = weights.first();
        let width = outputs.len() / samples.max(1);
        if total.is_empty() {
            // The number of samples, unless each column counts its own weights.
            total.push(if weights.is_some() { f64::NAN } else { 0.0 });
            for first in targets.iter().take(width) {
                total.extend([*first, 0.0, 0.0, 0.0]);
                total.extend(weights.map(|_| 0.0));
            }
        }
        let Some((count, sums)) = total.split_first_mut() else {
            return;
        };
        *count += samples as f64;
        let kept = KEPT + usize::from(count.is_nan());
        let pairs = outputs.iter().zip(targets).enumerate();
        for (i, (y, t)) in pairs {
            let weight = weights.and_then(|w| w.get(i)).copied().unwrap_or(1.0);
            let column = i % width.max(1) * kept;
            if let Some([first, errors, sum, squares, counted @ ..]) =
                sums.get_mut(column..column + kept)
            {
                let from = t - *first;
                *errors += weight * (y - t) * (y - t);
                *sum += weight * from;
                *squares += weight * from * from;
                counted.iter_mut().for_each(|c| *c += weight);
            }
        }
    }
    fn finish(&self, total: &[f64]) -> f64 {
        let Some((count, sums)) = total.split_first() else {
            return f64::NAN;
        };
        let width = KEPT + usize::from(count.is_nan());
        let each = sums.chunks_exact(width).map(|kept| match kept {
            [_, errors, sum, squares, counted @ ..] => {
                let count = counted.first().unwrap_or(count);
                let spread = squares - sum * sum / count;
                match (*errors > 0.0, spread > 0.0) {
                    (_, true) => 1.0 - errors / spread,
                    (true, false) => 0.0,
                    (false, false) => 1.0,
                }
            }
            _ => f64::NAN,
        });
        each.sum::<f64>() / (sums.len() / width) as f64
    }
}
