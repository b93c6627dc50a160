//! Metrics: values that measure how good a model's outputs are.
//!
//! A batch returns a few numbers: sums, or one number for each sample. The host gathers them in
//! f64, and computes the metric from all of them at the end. So a metric is that of the whole set,
//! independent of how samples are divided into batches: a precision is not a mean of precisions.
//! Definitions are scikit-learn's, also for absent classes and equal scores. Rows whose label the
//! loss [ignores](Loss::ignore_index) are excluded from all metrics.

mod classes;
mod confusion;
mod curves;
mod means;
mod of_output;
mod one_class;
mod ranking;
mod regression;

pub use classes::{
    Average, AverageOver, BalancedAccuracy, FBeta, FBetaSpec, MatthewsCorrelation, Precision,
    PrecisionSpec, Recall, RecallSpec,
};
pub use confusion::{ClassScores, Confusion};
pub use curves::{
    CalibrationBin, PrPoint, RocPoint, brier_score, calibration_curve, expected_calibration_error,
    precision_recall_curve, roc_curve,
};
pub use means::{
    Accuracy, BitsPerCharacter, BitsPerCharacterSpec, LogLoss, Mae, Mape, Mse, Perplexity, Rmse,
};
pub use of_output::OfOutput;
pub use one_class::ClassSpec;
pub use ranking::{PrAuc, PrAucSpec, RankedClass, RocAuc, RocAucSpec, TopK, TopKSpec};
pub use regression::R2;

use crate::loss::functional::spread_weights;
use crate::loss::{Loss, Outputs};
use crate::schema::{Kind, Path, SettingError, kinds};
use crate::task::Task;
use crate::{DType, Source, Tensor};

kinds! {
    /// A metric in a configuration: its kind and its settings.
    ///
    /// # Example
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
    "roc_auc" => RocAuc(RocAucSpec),
    "pr_auc" => PrAuc(PrAucSpec),
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
    /// Returns the default metric of a task.
    pub fn usual(task: Task) -> Self {
        match task {
            Task::Classification | Task::Multilabel => Accuracy.into(),
            Task::Regression => Mae.into(),
            Task::Language => BitsPerCharacterSpec::default().into(),
        }
    }

    /// Builds the metric for data with these classes. `tokens_per_character` is that of a text, and
    /// 1 for all other data.
    ///
    /// # Errors
    ///
    /// Returns an error with the names of the classes if the metric is of a class that does not
    /// exist.
    ///
    /// # Example
    /// ```
    /// use wgrad::metrics::MetricSpec;
    ///
    /// let spec: MetricSpec = serde_json::from_str(r#"{ "type": "recall", "class": "bed" }"#)?;
    /// let classes = ["bad".to_string(), "good".to_string()];
    /// let error = spec.build(1.0, &classes).err().unwrap().to_string();
    /// assert!(error.contains("no class is named \"bed\"; did you mean `bad`?"), "{error}");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn build(
        &self,
        tokens_per_character: f64,
        classes: &[String],
    ) -> Result<Box<dyn Metric>, SettingError> {
        self.build_at(tokens_per_character, classes, &Path::root())
    }

    /// Builds the metric like [`MetricSpec::build`], with errors at this path.
    pub(crate) fn build_at(
        &self,
        tokens_per_character: f64,
        classes: &[String],
        at: &Path,
    ) -> Result<Box<dyn Metric>, SettingError> {
        let class = self.settings().class();
        let class = class.map(|class| class.index(classes, &at.key("class")));
        Ok(self.settings().build(Facts {
            tokens_per_character,
            class: class.transpose()?,
        }))
    }

    /// Returns the index of the class that it scores alone, among these classes; `None` if it scores
    /// all classes.
    pub fn class(&self, classes: &[String]) -> Option<usize> {
        let class = self.settings().class()?;
        class.index(classes, &Path::root()).ok()
    }

    /// Returns its name in histories and reports.
    pub fn in_history(&self) -> String {
        // The index of a named class is not part of the name.
        let class = self.settings().class().map(|class| match class {
            ClassSpec::Index(index) => *index,
            ClassSpec::Name(_) => 0,
        });
        let facts = Facts {
            tokens_per_character: 1.0,
            class,
        };
        self.settings().build(facts).name().to_string()
    }

    /// Returns the tasks that it applies to.
    pub fn tasks(&self) -> &'static [Task] {
        self.settings().tasks()
    }

    /// Returns whether it applies to this task, for a model with these outputs.
    pub fn fits(&self, task: Task, outputs: Outputs) -> bool {
        self.tasks().contains(&task) && self.settings().takes(outputs)
    }

    /// Returns the names of all kinds that apply to this task, for a model with these outputs.
    pub fn that_fit(task: Task, outputs: Outputs) -> Vec<&'static str> {
        let fits = |name: &&&str| {
            let spec = serde_json::from_value::<MetricSpec>(serde_json::json!(name));
            spec.is_ok_and(|spec| spec.fits(task, outputs))
        };
        MetricSpec::KINDS.iter().filter(fits).copied().collect()
    }
}

/// What a metric needs to know of the data.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    /// The number of tokens per character of a text, and 1 for all other data.
    tokens_per_character: f64,
    /// The index of the [class](Settings::class) that the metric scores alone.
    class: Option<usize>,
}

/// The settings of a metric.
pub(crate) trait Settings {
    /// Builds the metric.
    fn build(&self, facts: Facts) -> Box<dyn Metric>;

    /// Returns the class that it scores alone, if that is set.
    fn class(&self) -> Option<&ClassSpec> {
        None
    }

    /// Returns the tasks that it applies to.
    fn tasks(&self) -> &'static [Task];

    /// Returns whether it can be computed from such outputs.
    fn takes(&self, outputs: Outputs) -> bool {
        let _ = outputs;
        true
    }
}

/// Implements `Settings` for metrics that are plain data, each with its tasks.
macro_rules! settings {
    ($($metric:ident [$($task:ident)*]),* $(,)?) => {
        $(impl crate::metrics::Settings for $metric {
            fn build(&self, _: crate::metrics::Facts) -> Box<dyn crate::metrics::Metric> {
                Box::new(*self)
            }
            fn tasks(&self) -> &'static [crate::task::Task] {
                &[$(crate::task::Task::$task),*]
            }
        })*
    };
}

use settings;

/// A value that measures a model on a set of samples.
///
/// # Example
/// ```
/// use wgrad::prelude::*;
/// use wgrad::{loss::Loss, metrics::Metric};
///
/// /// The mean error, with its sign.
/// struct Bias;
///
/// impl Metric for Bias {
///     fn name(&self) -> &str {
///         "bias"
///     }
///     fn collect(&self, output: &Tensor, target: &Tensor, _: &dyn Loss) -> Vec<Tensor> {
///         vec![(output - target).sum(&[])]
///     }
///     fn finish(&self, total: &[f64]) -> f64 {
///         total[0] / total[1] // the sum, and the number of samples
///     }
/// }
///
/// let set = Dataset::from_arrays(vec![1.0, 2.0, 6.0], [1], Targets::values(vec![1.0, 2.0, 3.0]))?;
/// let model = nn::Linear::new(1, 1).init(nn::init::ones());
/// let trainer = Trainer::new(model).loss(loss::Mse).metric(Bias);
/// let mut trainer = trainer.compile(&Device::cpu(), &set)?;
/// assert_eq!(trainer.evaluate(&set)?.metric("bias"), Some(1.0));
/// # Ok::<(), wgrad::Error>(())
/// ```
pub trait Metric: Send {
    /// Returns its name in histories and reports.
    fn name(&self) -> &str;

    /// Returns the results of a batch: small tensors, of at most a few numbers for each sample.
    fn collect(&self, output: &Tensor, target: &Tensor, loss: &dyn Loss) -> Vec<Tensor>;

    /// Adds the results of a batch of `samples` samples. `total` is empty before the first batch,
    /// and is stored in checkpoints in the middle of an epoch.
    ///
    /// Default: adds the sum of each tensor, and the number of samples as the last element, which
    /// is what a mean needs.
    fn add(&self, total: &mut Vec<f64>, batch: &[Vec<f64>], samples: usize) {
        total.resize(batch.len() + 1, 0.0);
        let sums = batch.iter().map(|numbers| numbers.iter().sum::<f64>());
        for (total, sum) in total.iter_mut().zip(sums.chain([samples as f64])) {
            *total += sum;
        }
    }

    /// Returns the metric from the total of all batches.
    fn finish(&self, total: &[f64]) -> f64;

    /// Returns whether larger values are better, for early stopping, best checkpoints and
    /// `History::best`. Default: [`higher_is_better`] of its name.
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

/// Returns whether larger values are better for a value of this name in a history, with or without
/// the prefix `val_`. Smaller values are better for losses, errors and the learning rate.
///
/// # Example
/// ```
/// use wgrad::metrics::higher_is_better;
///
/// assert!(higher_is_better("val_accuracy"));
/// assert!(!higher_is_better("rmse"));
/// ```
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

/// Returns the mean from a sum and a count: the number of samples, or a second sum that counts.
fn mean(total: &[f64]) -> f64 {
    match total {
        [sum, counted, _] => sum / counted,
        [sum, samples] => sum / samples,
        _ => f64::NAN,
    }
}

/// Returns the label of rows that no metric counts, if targets are labels.
fn ignored(target: &Tensor, loss: &dyn Loss) -> Option<u32> {
    let labels = target.dtype() == DType::U32;
    loss.ignore_index().filter(|_| labels)
}

/// Returns the weight of each row of the target in a metric, in the target's shape: that of its
/// sample or position, and 0 for an ignored label. `None` if all rows have the same weight.
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

/// Returns the weights of the batch's samples in the shape of `like`.
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

/// Returns the weight of each row: that of the batch's last result if there is one, otherwise 1.
fn weights_of<'a>(last: &'a [Vec<f64>], rows: usize) -> impl Iterator<Item = f64> + 'a {
    let weights = last.first().map(Vec::as_slice).unwrap_or_default();
    (0..rows).map(move |i| weights.get(i).copied().unwrap_or(1.0))
}

/// Returns a tensor's sums over all axes but the first: one number for each sample.
fn per_sample(x: &Tensor) -> Tensor {
    let axes: Vec<isize> = (1..x.shape().rank() as isize).collect();
    match axes.as_slice() {
        [] => x.clone(),
        axes => x.sum(axes),
    }
}

/// Returns the number of elements of a sample.
fn width(x: &Tensor) -> f64 {
    x.shape().iter().skip(1).product::<usize>().max(1) as f64
}

#[cfg(test)]
mod tests;
