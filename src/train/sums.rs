//! What the results of batches add up to: the loss and the metrics of an epoch, or of a data set.

use crate::metrics::Metric;

use super::session::Batch;

/// The totals so far, in f64.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Sums {
    pub samples: f64,
    /// The loss's, then each metric's.
    pub totals: Vec<Vec<f64>>,
}

impl Sums {
    /// Takes in a batch's results.
    pub fn add(&mut self, batch: &Batch, metrics: &[Box<dyn Metric>]) {
        self.totals.resize(metrics.len() + 1, Vec::new());
        self.samples += batch.samples as f64;
        let Some((loss, totals)) = self.totals.split_first_mut() else {
            return;
        };
        loss.resize(1, 0.0);
        for total in loss {
            *total += batch.loss * batch.samples as f64;
        }
        let none = Vec::new();
        for (i, (metric, total)) in metrics.iter().zip(totals).enumerate() {
            let numbers = batch.metrics.get(i).unwrap_or(&none);
            metric.add(total, numbers, batch.samples);
        }
    }

    /// The mean loss over samples; NaN where there are none.
    pub fn loss(&self) -> f64 {
        let total = self.totals.first().and_then(|loss| loss.first());
        total.map_or(f64::NAN, |total| total / self.samples.max(1.0))
    }

    /// The metrics, by name.
    pub fn metrics(&self, metrics: &[Box<dyn Metric>]) -> Vec<(String, f64)> {
        let finished = metrics.iter().zip(self.totals.iter().skip(1));
        finished
            .map(|(m, total)| (m.name().to_string(), m.finish(total)))
            .collect()
    }
}
