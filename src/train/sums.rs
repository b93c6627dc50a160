//! Sums over batches: of the loss and the metrics of an epoch, or of a data set.

use crate::metrics::Metric;

use super::session::Batch;

/// The sums so far, in f64.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Sums {
    pub samples: f64,
    /// The sum of the loss, with its weight if that is not the number of samples; then that of each
    /// metric.
    pub totals: Vec<Vec<f64>>,
}

impl Sums {
    /// Adds a batch's results.
    pub fn add(&mut self, batch: &Batch, metrics: &[Box<dyn Metric>]) {
        self.totals.resize(metrics.len() + 1, Vec::new());
        self.samples += batch.samples as f64;
        let Some((loss, totals)) = self.totals.split_first_mut() else {
            return;
        };
        loss.resize(1 + usize::from(batch.weight.is_some()), 0.0);
        let counts = batch.weight.unwrap_or(batch.samples as f64);
        // If all labels are ignored, the loss is NaN.
        let sum = if counts > 0.0 {
            batch.loss * counts
        } else {
            0.0
        };
        for (total, more) in loss.iter_mut().zip([sum, counts]) {
            *total += more;
        }
        let none = Vec::new();
        for (i, (metric, total)) in metrics.iter().zip(totals).enumerate() {
            let numbers = batch.metrics.get(i).unwrap_or(&none);
            metric.add(total, numbers, batch.samples);
        }
    }

    /// Returns the mean loss over samples, or over the weights of their labels; NaN without
    /// samples.
    pub fn loss(&self) -> f64 {
        match self.totals.first().map(Vec::as_slice) {
            Some([total, weight]) => total / weight,
            Some([total]) => total / self.samples.max(1.0),
            _ => f64::NAN,
        }
    }

    /// Returns the metrics, by name.
    pub fn metrics(&self, metrics: &[Box<dyn Metric>]) -> Vec<(String, f64)> {
        let finished = metrics.iter().zip(self.totals.iter().skip(1));
        finished
            .map(|(m, total)| (m.name().to_string(), m.finish(total)))
            .collect()
    }
}
