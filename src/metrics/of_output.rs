//! A metric of a model's named output.

use super::Metric;
use crate::loss::{Loss, array_target};
use crate::{Source, Tensor};

/// A metric of an output that the model has [named](Tensor::as_output), compared with the
/// [array](crate::data::Dataset::with_array) of the same name. It needs a
/// [`Combined`](crate::loss::Combined) loss with that output. Its name in histories is that of the
/// output and the metric, such as `price_mae`.
pub struct OfOutput {
    output: String,
    name: String,
    metric: Box<dyn Metric>,
}

impl OfOutput {
    /// Creates the metric of the output of this name.
    pub fn new(output: &str, metric: impl Metric + 'static) -> Self {
        OfOutput {
            output: output.to_string(),
            name: format!("{output}_{}", metric.name()),
            metric: Box::new(metric),
        }
    }
}

impl Metric for OfOutput {
    fn name(&self) -> &str {
        &self.name
    }
    fn collect(&self, output: &Tensor, _: &Tensor, loss: &dyn Loss) -> Vec<Tensor> {
        let Some(loss) = loss.of_output(&self.output) else {
            let reason = format!(
                "expected a loss of the output {:?}, found none; see `loss::Combined::output`",
                self.output
            );
            return vec![output.record_error("metric", reason, Source::caller())];
        };
        let y = output.named_output(&self.output);
        let target = array_target(loss, &y, &self.output);
        self.metric.collect(&y, &target, loss)
    }
    fn add(&self, total: &mut Vec<f64>, batch: &[Vec<f64>], samples: usize) {
        self.metric.add(total, batch, samples);
    }
    fn finish(&self, total: &[f64]) -> f64 {
        self.metric.finish(total)
    }
    fn higher_is_better(&self) -> bool {
        self.metric.higher_is_better()
    }
}
