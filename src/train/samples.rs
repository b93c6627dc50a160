//! The results of each sample of a data set, and confidence intervals of metrics.

use crate::Result;
use crate::data::Dataset;
use crate::metrics::Metric;
use crate::random::Stream;

use super::program::PlanKey;
use super::run::evaluate_batch;
use super::session::Batch;
use super::trace::Purpose;
use super::trainer::Trainer;

/// The most numbers that all resamples of a metric add up, which bounds the time of a bootstrap.
const MAX_NUMBERS: usize = 20_000_000;

/// The smallest number of resamples of a bootstrap.
const MIN_RESAMPLES: usize = 100;

/// The results of each sample of a data set; see [`Trainer::evaluate_each`].
#[derive(Clone, Debug, PartialEq)]
pub struct SampleResults {
    losses: Vec<f64>,
    /// By metric and sample, the numbers of each tensor that the metric collects.
    metrics: Vec<Vec<Vec<Vec<f64>>>>,
}

/// A confidence interval of a metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Interval {
    /// The metric's name.
    pub metric: String,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// The number of resamples.
    pub resamples: usize,
}

impl SampleResults {
    /// Returns the loss of each sample.
    pub fn losses(&self) -> &[f64] {
        &self.losses
    }

    fn push(&mut self, batch: Batch) {
        self.losses.push(batch.loss);
        for (all, one) in self.metrics.iter_mut().zip(batch.metrics) {
            all.push(one);
        }
    }
}

impl Trainer {
    /// Evaluates each sample of a data set on its own. This takes one run of the model for each
    /// sample.
    ///
    /// # Errors
    ///
    /// Returns an error if the data does not fit the model.
    pub fn evaluate_each(&mut self, set: &Dataset) -> Result<SampleResults> {
        self.check_data(set, "the evaluation data")?;
        let key = PlanKey {
            purpose: Purpose::Evaluate,
            batch: 1,
            set: 0,
        };
        let mut session = self.new_session(vec![("test".to_string(), set.clone())], vec![key])?;
        let mut results = SampleResults {
            losses: Vec::with_capacity(set.len()),
            metrics: vec![Vec::new(); self.train_spec.metrics.len()],
        };
        for i in 0..set.len() {
            for batch in evaluate_batch(&mut session, 0, i, i + 1)? {
                results.push(batch);
            }
        }
        for batch in session.results(true)? {
            results.push(batch);
        }
        Ok(results)
    }

    /// Returns a confidence interval of each metric by the percentile bootstrap (Efron, 1979): the
    /// metric of `resamples` sets that are drawn from the samples with replacement. `level` is the
    /// fraction of these values inside the interval, such as 0.95.
    ///
    /// The number of resamples is smaller for more than about 20,000 samples, but at least 100. A
    /// metric that is undefined for too many resamples has no interval.
    ///
    /// # Example
    /// ```
    /// use wgrad::prelude::*;
    ///
    /// let logits = vec![2.0, 1.0, 0.0, 3.0, 5.0, 1.0]; // predictions 0, 1 and 0
    /// let set = Dataset::from_arrays(logits, [2], Targets::classes(vec![0, 1, 1], 2))?;
    /// let mut trainer = Trainer::new(nn::Linear::new(2, 2).init(nn::init::identity()))
    ///     .metric(metrics::Accuracy)
    ///     .compile(&Device::cpu(), &set)?;
    /// let samples = trainer.evaluate_each(&set)?;
    /// let intervals = trainer.confidence_intervals(&samples, 0.95, 1000, 0);
    /// assert_eq!((intervals[0].low, intervals[0].high), (0.0, 1.0));
    /// # Ok::<(), wgrad::Error>(())
    /// ```
    pub fn confidence_intervals(
        &self,
        samples: &SampleResults,
        level: f64,
        resamples: usize,
        seed: u64,
    ) -> Vec<Interval> {
        let metrics = self.train_spec.metrics.iter().zip(&samples.metrics);
        let each = metrics.filter_map(|(metric, samples)| {
            bootstrap(metric.as_ref(), samples, level, resamples, seed)
        });
        each.collect()
    }
}

fn bootstrap(
    metric: &dyn Metric,
    samples: &[Vec<Vec<f64>>],
    level: f64,
    resamples: usize,
    seed: u64,
) -> Option<Interval> {
    let n = u32::try_from(samples.len()).ok().filter(|n| *n > 1)?;
    let width = samples.first()?.iter().map(Vec::len).sum::<usize>().max(1);
    let affordable = MAX_NUMBERS / (samples.len() * width);
    let resamples = resamples.min(affordable.max(MIN_RESAMPLES));
    let random = Stream::new(seed);
    let mut values: Vec<f64> = Vec::with_capacity(resamples);
    for resample in 0..resamples {
        // The same samples for every metric.
        let mut random = random.child(resample as u64);
        let mut total = Vec::new();
        for _ in 0..n {
            if let Some(sample) = samples.get(random.below(n) as usize) {
                metric.add(&mut total, sample, 1);
            }
        }
        values.push(metric.finish(&total));
    }
    values.retain(|value| value.is_finite());
    if values.len() * 10 < resamples * 9 {
        return None;
    }
    values.sort_by(f64::total_cmp);
    let tail = (1.0 - level) / 2.0;
    Some(Interval {
        metric: metric.name().to_string(),
        low: quantile(&values, tail)?,
        high: quantile(&values, 1.0 - tail)?,
        resamples,
    })
}

/// Returns a quantile of sorted values, with linear interpolation.
fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    let at = q.clamp(0.0, 1.0) * (sorted.len().checked_sub(1)?) as f64;
    let below = sorted.get(at.floor() as usize)?;
    let above = sorted.get(at.ceil() as usize)?;
    Some(below + (above - below) * at.fract())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Accuracy;

    #[test]
    fn an_interval_of_a_mean_has_the_width_of_the_normal_one() {
        // 80 of 100 are correct: 0.8 with a standard error of 0.04.
        let samples: Vec<Vec<Vec<f64>>> = (0..100)
            .map(|i| vec![vec![f64::from(u8::from(i % 5 > 0))]])
            .collect();
        let interval = bootstrap(&Accuracy, &samples, 0.95, 1000, 0).unwrap();
        assert!((interval.low - 0.72).abs() < 0.02, "{interval:?}");
        assert!((interval.high - 0.88).abs() < 0.02, "{interval:?}");
        assert_eq!(interval.resamples, 1000);
        assert_eq!(
            bootstrap(&Accuracy, &samples, 0.95, 1000, 0),
            Some(interval)
        );
        assert_eq!(bootstrap(&Accuracy, &samples[..1], 0.95, 1000, 0), None);
    }

    #[test]
    fn quantiles_are_interpolated() {
        assert_eq!(quantile(&[1.0, 2.0, 4.0], 0.75), Some(3.0));
        assert_eq!(quantile(&[1.0], 1.0), Some(1.0));
        assert_eq!(quantile(&[], 0.5), None);
    }
}
