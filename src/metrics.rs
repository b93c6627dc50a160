//! Metrics: how good an output is, in numbers that people read.
//!
//! A batch hands back a few numbers, sums or one for each sample; they are gathered on the host in f64, and
//! the metric is worked out of all of them at the end. So it is that of the whole set, however batches divide
//! it: a precision is no mean of precisions. Definitions are scikit-learn's, also where a class is absent
//! or scores are equal. Rows whose label a loss [ignores](Loss::ignore_index) are in no metric.

mod classes;
mod confusion;
mod means;
mod of_output;
mod ranking;
mod regression;

pub use classes::{
    Average, AverageOver, BalancedAccuracy, FBeta, FBetaSpec, MatthewsCorrelation, Precision,
    PrecisionSpec, Recall, RecallSpec,
};
pub use confusion::{ClassScores, Confusion};
pub use means::{
    Accuracy, BitsPerCharacter, BitsPerCharacterSpec, LogLoss, Mae, Mape, Mse, Perplexity, Rmse,
};
pub use of_output::OfOutput;
pub use ranking::{PrAuc, RocAuc, TopK, TopKSpec};
pub use regression::R2;

use crate::loss::functional::spread_weights;
use crate::loss::{Loss, Outputs};
use crate::schema::{Kind, kinds};
use crate::task::Task;
use crate::{DType, Source, Tensor};

kinds! {
    /// A metric as a configuration says it: its kind with its settings.
    ///
    /// ```
    /// use wgrad::metrics::{MetricSpec, TopKSpec};
    ///
    /// let spec: MetricSpec = serde_json::from_str(r#"{ "type": "top_k", "k": 3 }"#)?;
    /// assert_eq!(spec, TopKSpec { k: 3 }.into());
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub enum MetricSpec by "type" as dyn Settings, Kind::of("metric", "metric \"{}\"");
    "accuracy" => Accuracy(Accuracy),
    "top_k" => TopK(TopKSpec),
    "balanced_accuracy" => BalancedAccuracy(BalancedAccuracy),
    "precision" => Precision(PrecisionSpec),
    "recall" => Recall(RecallSpec),
    "f_beta" => FBeta(FBetaSpec),
    "mcc" => MatthewsCorrelation(MatthewsCorrelation),
    "roc_auc" => RocAuc(RocAuc),
    "pr_auc" => PrAuc(PrAuc),
    "log_loss" => LogLoss(LogLoss),
    "mae" => Mae(Mae),
    "mse" => Mse(Mse),
    "rmse" => Rmse(Rmse),
    "mape" => Mape(Mape),
    "r2" => R2(R2),
    "bits_per_character" => BitsPerCharacter(BitsPerCharacterSpec),
    "perplexity" => Perplexity(Perplexity),
}

impl MetricSpec {
    /// The metric of a task whose configuration names none.
    pub fn usual(task: Task) -> Self {
        match task {
            Task::Classification => Accuracy.into(),
            Task::Regression => Mae.into(),
            Task::Language => BitsPerCharacterSpec::default().into(),
        }
    }

    /// The metric, for a text of so many tokens a character; 1 for all other data.
    pub fn build(&self, tokens_per_character: f64) -> Box<dyn Metric> {
        self.settings().build(tokens_per_character)
    }

    /// Its name in histories and reports.
    pub fn in_history(&self) -> String {
        self.build(1.0).name().to_string()
    }

    /// The tasks that it measures.
    pub fn tasks(&self) -> &'static [Task] {
        self.settings().tasks()
    }

    /// Whether it measures this task with a model that gives these outputs.
    pub fn fits(&self, task: Task, outputs: Outputs) -> bool {
        self.tasks().contains(&task) && self.settings().takes(outputs)
    }

    /// The names of all kinds that measure this task with a model that gives these outputs.
    pub fn that_fit(task: Task, outputs: Outputs) -> Vec<&'static str> {
        let fits = |name: &&&str| {
            let spec = serde_json::from_value::<MetricSpec>(serde_json::json!(name));
            spec.is_ok_and(|spec| spec.fits(task, outputs))
        };
        MetricSpec::KINDS.iter().filter(fits).copied().collect()
    }
}

/// The settings of a metric.
pub(crate) trait Settings {
    /// The metric, for a text of so many tokens a character.
    fn build(&self, tokens_per_character: f64) -> Box<dyn Metric>;

    /// The tasks that it measures.
    fn tasks(&self) -> &'static [Task];

    /// Whether it can be measured of such outputs.
    fn takes(&self, outputs: Outputs) -> bool {
        let _ = outputs;
        true
    }
}

/// Gives metrics that are plain data as settings of themselves, each with its tasks.
macro_rules! settings {
    ($($metric:ident [$($task:ident)*]),* $(,)?) => {
        $(impl crate::metrics::Settings for $metric {
            fn build(&self, _: f64) -> Box<dyn crate::metrics::Metric> {
                Box::new(*self)
            }
            fn tasks(&self) -> &'static [crate::task::Task] {
                &[$(crate::task::Task::$task),*]
            }
        })*
    };
}

use settings;

/// A number that says how good a model is on a set of samples.
pub trait Metric: Send {
    /// Its name in histories and reports.
    fn name(&self) -> &str;

    /// What a batch hands back: tensors of few numbers, at most some for each sample.
    fn collect(&self, output: &Tensor, target: &Tensor, loss: &dyn Loss) -> Vec<Tensor>;

    /// Takes in what a batch of `samples` samples handed back. `total` is empty before the first one; a
    /// checkpoint in the middle of an epoch holds it.
    ///
    /// As it is, each tensor's sum is added up, and the number of samples comes last: what a mean needs.
    fn add(&self, total: &mut Vec<f64>, batch: &[Vec<f64>], samples: usize) {
        total.resize(batch.len() + 1, 0.0);
        let sums = batch.iter().map(|numbers| numbers.iter().sum::<f64>());
        for (total, sum) in total.iter_mut().zip(sums.chain([samples as f64])) {
            *total += sum;
        }
    }

    /// The metric of all that was taken in.
    fn finish(&self, total: &[f64]) -> f64;

    /// Whether more is better; early stopping, best checkpoints and `History::best` ask. Default: what
    /// [`higher_is_better`] says about its name.
    fn higher_is_better(&self) -> bool {
        higher_is_better(self.name())
    }
}

impl Metric for Box<dyn Metric> {
    fn name(&self) -> &str {
        (**self).name()
    }
    fn collect(&self, output: &Tensor, target: &Tensor, loss: &dyn Loss) -> Vec<Tensor> {
        (**self).collect(output, target, loss)
    }
    fn add(&self, total: &mut Vec<f64>, batch: &[Vec<f64>], samples: usize) {
        (**self).add(total, batch, samples);
    }
    fn finish(&self, total: &[f64]) -> f64 {
        (**self).finish(total)
    }
    fn higher_is_better(&self) -> bool {
        (**self).higher_is_better()
    }
}

/// Whether more is better of what has this name in a history, with or without `val_` before it: losses and
/// errors should fall, everything else rise.
pub fn higher_is_better(name: &str) -> bool {
    const FALLING: [&str; 9] = [
        "loss",
        "mse",
        "rmse",
        "mae",
        "mape",
        "log_loss",
        "perplexity",
        "bits_per_character",
        "lr",
    ];
    !FALLING.contains(&name.strip_prefix("val_").unwrap_or(name))
}

/// The mean of sums over samples, of which there are as many as the last says; or over what a second sum counted.
fn mean(total: &[f64]) -> f64 {
    match total {
        [sum, counted, _] => sum / counted,
        [sum, samples] => sum / samples,
        _ => f64::NAN,
    }
}

/// The label of rows that no metric counts, where targets are labels.
fn ignored(target: &Tensor, loss: &dyn Loss) -> Option<u32> {
    let labels = target.dtype() == DType::U32;
    loss.ignore_index().filter(|_| labels)
}

/// The weight of each row of the target in a metric, in the target's shape: that of its sample or position, and 0 for
/// an ignored label. `None` where all rows count alike.
fn counted(target: &Tensor, loss: &dyn Loss) -> Option<Tensor> {
    let weights = weights(target);
    let Some(label) = ignored(target, loss) else {
        return weights;
    };
    let label = f64::from(label);
    let counted = target.ne(&target.constant_like(label)).cast(DType::F32);
    Some(match weights {
        Some(weights) => counted * weights,
        None => counted,
    })
}

/// The weights of the batch's samples in the shape of `like`.
fn weights(like: &Tensor) -> Option<Tensor> {
    let weights = like.batch_weights()?;
    let spread = spread_weights(&weights, like);
    Some(spread.unwrap_or_else(|| {
        let reason = format!(
            "expected weights of the first axes of {}, found {}",
            like.shape(),
            weights.shape()
        );
        like.record_error("metric", reason, Source::caller())
    }))
}

/// The weights of rows that a batch handed back last, if it did: each row's.
fn weights_of<'a>(handed: &'a [Vec<f64>], rows: usize) -> impl Iterator<Item = f64> + 'a {
    let weights = handed.first().map(Vec::as_slice).unwrap_or_default();
    (0..rows).map(move |i| weights.get(i).copied().unwrap_or(1.0))
}

/// A tensor's sums over all axes but the first: one number a sample.
fn per_sample(x: &Tensor) -> Tensor {
    let axes: Vec<isize> = (1..x.shape().rank() as isize).collect();
    match axes.as_slice() {
        [] => x.clone(),
        axes => x.sum(axes),
    }
}

/// How many numbers a sample has.
fn width(x: &Tensor) -> f64 {
    x.shape().iter().skip(1).product::<usize>().max(1) as f64
}

#[cfg(test)]
mod tests;
