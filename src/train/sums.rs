//! What the results of batches add up to: the loss and the metrics of an epoch, or of a data set.

use crate::metrics::Metric;

use super::session::Batch;

/// The totals so far, in f64.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Sums {
    pub samples: f64,
    /// The loss's, with the weight that it is over where that is not the samples; then each metric's.
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
        loss.resize(1 + usize::from(batch.weight.is_some()), 0.0);
        let counts = batch.weight.unwrap_or(batch.samples as f64);
        // The loss of ignored labels alone is NaN.
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

    /// The mean loss over samples, or over their labels' weights; NaN where there are none.
    pub fn loss(&self) -> f64 {
        match self.totals.first().map(Vec::as_slice) {
            Some([total, weight]) => total / weight,
            Some([total]) => total / self.samples.max(1.0),
            _ => f64::NAN,
        }
    }

    /// The metrics, by name.
    pub fn metrics(&self, metrics: &[Box<dyn Metric>]) -> Vec<(String, f64)> {
        let finished = metrics.iter().zip(self.totals.iter().skip(1));
        finished
            .map(|(m, total)| (m.name().to_string(), m.finish(total)))
            .collect()
    }
}
