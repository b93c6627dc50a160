//! Metrics that are computed from the confusion matrix.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::means::answers;
use super::{ClassSpec, Confusion, Facts, Metric, Settings, counted, settings, weights_of};
use crate::Tensor;
use crate::loss::Loss;
use crate::schema::range;
use crate::task::Task;

/// How the scores of several classes are averaged. Only classes that occur in the labels or the
/// predictions count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Average {
    /// The unweighted mean over classes.
    #[default]
    Macro,
    /// The score of the counts summed over all classes.
    Micro,
    /// The mean over classes weighted by their numbers of samples.
    Weighted,
    /// The score of this class alone. The positive class of a binary target is 1.
    Class(usize),
}

impl Average {
    /// Returns a metric's name with the average in it; the default average adds nothing.
    fn name(self, of: &str) -> String {
        match self {
            Average::Macro => of.to_string(),
            Average::Micro => format!("{of}_micro"),
            Average::Weighted => format!("{of}_weighted"),
            Average::Class(class) => format!("{of}_class_{class}"),
        }
    }
}

/// Returns the actual and the predicted classes.
fn collect(output: &Tensor, target: &Tensor, loss: &dyn Loss) -> Vec<Tensor> {
    let (told, right) = answers(output, target, loss);
    let mut tensors = vec![right, told];
    tensors.extend(counted(target, loss));
    tensors
}

/// Adds pairs of classes to the confusion matrix.
fn add(total: &mut Vec<f64>, batch: &[Vec<f64>]) {
    let [right, told, weights @ ..] = batch else {
        return;
    };
    let mut confusion = Confusion::from_numbers(std::mem::take(total));
    let pairs = right.iter().zip(told);
    for ((right, told), weight) in pairs.zip(weights_of(weights, right.len())) {
        // An ignored label is no class.
        if weight > 0.0 {
            confusion.add(*right as usize, *told as usize, weight);
        }
    }
    *total = confusion.numbers();
}

macro_rules! of_confusion {
    ($metric:ty, |$self:ident| $name:expr, |$confusion:ident| $finish:expr) => {
        impl Metric for $metric {
            fn name(&$self) -> &str {
                $name
            }
            fn collect(&self, output: &Tensor, target: &Tensor, loss: &dyn Loss) -> Vec<Tensor> {
                collect(output, target, loss)
            }
            fn add(&self, total: &mut Vec<f64>, batch: &[Vec<f64>], _: usize) {
                add(total, batch);
            }
            fn finish(&$self, total: &[f64]) -> f64 {
                let $confusion = Confusion::from_numbers(total.to_vec());
                $finish
            }
        }
    };
}

/// Precision: `tp / (tp + fp)`; 0 for a class that is never predicted.
///
/// # Example
/// ```
/// use wgrad::prelude::*;
///
/// let logits = vec![2.0, 1.0, 0.0, 3.0, 5.0, 1.0]; // predictions 0, 1 and 0
/// let set = Dataset::from_arrays(logits, [2], Targets::classes(vec![0, 1, 1], 2))?;
/// let mut trainer = Trainer::new(nn::Linear::new(2, 2).init(nn::init::identity()))
///     .metric(metrics::Precision::new(metrics::Average::Macro))
///     .compile(&Device::cpu(), &set)?;
/// let value = trainer.evaluate(&set)?.metric("precision").unwrap();
/// assert!((value - 0.75).abs() < 1e-6); // 1/2 and 1
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Precision {
    average: Average,
    name: String,
}

/// Recall: `tp / (tp + fn)`; 0 for a class that does not occur.
///
/// # Example
/// ```
/// use wgrad::prelude::*;
///
/// let logits = vec![2.0, 1.0, 0.0, 3.0, 5.0, 1.0]; // predictions 0, 1 and 0
/// let set = Dataset::from_arrays(logits, [2], Targets::classes(vec![0, 1, 1], 2))?;
/// let mut trainer = Trainer::new(nn::Linear::new(2, 2).init(nn::init::identity()))
///     .metric(metrics::Recall::new(metrics::Average::Class(1)))
///     .compile(&Device::cpu(), &set)?;
/// let value = trainer.evaluate(&set)?.metric("recall_class_1").unwrap();
/// assert!((value - 0.5).abs() < 1e-6);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Recall {
    average: Average,
    name: String,
}

/// F-beta: the harmonic mean of precision and recall, with recall weighted `beta` times as much. It
/// is 0 for a class that neither occurs nor is predicted.
///
/// # Example
/// ```
/// use wgrad::prelude::*;
///
/// let logits = vec![2.0, 1.0, 0.0, 3.0, 5.0, 1.0]; // predictions 0, 1 and 0
/// let set = Dataset::from_arrays(logits, [2], Targets::classes(vec![0, 1, 1], 2))?;
/// let mut trainer = Trainer::new(nn::Linear::new(2, 2).init(nn::init::identity()))
///     .metric(metrics::FBeta::f1(metrics::Average::Micro))
///     .compile(&Device::cpu(), &set)?;
/// let value = trainer.evaluate(&set)?.metric("f1_micro").unwrap();
/// assert!((value - 2.0 / 3.0).abs() < 1e-6);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct FBeta {
    average: Average,
    beta: f64,
    name: String,
}

/// The average of an [averaged](Average) metric in a configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AverageOver {
    /// The unweighted mean over classes.
    #[default]
    Macro,
    /// The score of the counts summed over all classes.
    Micro,
    /// The mean over classes weighted by their numbers of samples.
    Weighted,
}

impl AverageOver {
    /// Returns the average over classes, or the score of one class if it is given.
    fn or_class(self, class: Option<usize>) -> Average {
        match (class, self) {
            (Some(class), _) => Average::Class(class),
            (None, AverageOver::Macro) => Average::Macro,
            (None, AverageOver::Micro) => Average::Micro,
            (None, AverageOver::Weighted) => Average::Weighted,
        }
    }
}

macro_rules! averaged {
    ($(#[$derive:meta])* $spec:ident $metric:ident { $($key:tt)* }
     |$self:ident, $average:ident| $build:expr) => {
        #[doc = concat!("The settings of [`", stringify!($metric), "`].")]
        $(#[$derive])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(default, deny_unknown_fields)]
        pub struct $spec {
            $($key)*
            /// How the scores of the classes are averaged.
            #[schemars(extend("x-what" = "average"))]
            pub average: AverageOver,
            /// A single class to score instead: its name, or its index counted from 0.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub class: Option<ClassSpec>,
        }

        impl Settings for $spec {
            fn build(&$self, facts: Facts) -> Box<dyn Metric> {
                let $average = $self.average.or_class(facts.class);
                let mut metric = $build;
                if let Some(class) = &$self.class {
                    metric.name = class.suffixed(&metric.kind());
                }
                Box::new(metric)
            }

            fn class(&self) -> Option<&ClassSpec> {
                self.class.as_ref()
            }

            fn tasks(&self) -> &'static [Task] {
                &[Task::Classification]
            }
        }
    };
}

averaged!(#[derive(Default)] PrecisionSpec Precision {} |self, average| Precision::new(average));
averaged!(#[derive(Default)] RecallSpec Recall {} |self, average| Recall::new(average));
averaged! {
    FBetaSpec FBeta {
        /// The weight of recall.
        #[schemars(with = "range::Positive")]
        pub beta: f64,
    }
    |self, average| FBeta::new(self.beta, average)
}

impl Default for FBetaSpec {
    fn default() -> Self {
        FBetaSpec {
            beta: 1.0,
            average: AverageOver::default(),
            class: None,
        }
    }
}

settings!(
    BalancedAccuracy[Classification],
    MatthewsCorrelation[Classification]
);

impl Precision {
    /// Creates the metric with this average.
    pub fn new(average: Average) -> Self {
        let name = average.name("precision");
        Precision { average, name }
    }

    fn kind(&self) -> String {
        "precision".to_string()
    }
}

impl Recall {
    /// Creates the metric with this average.
    pub fn new(average: Average) -> Self {
        let name = average.name("recall");
        Recall { average, name }
    }

    fn kind(&self) -> String {
        "recall".to_string()
    }
}

impl FBeta {
    /// Creates the metric for a beta above 0. Its name is, for example, `f1`, `f2` or `f0.5`.
    pub fn new(beta: f64, average: Average) -> Self {
        FBeta {
            average,
            beta,
            name: average.name(&format!("f{beta}")),
        }
    }

    fn kind(&self) -> String {
        format!("f{}", self.beta)
    }

    /// Creates the F1 score, in which precision and recall have equal weights.
    pub fn f1(average: Average) -> Self {
        FBeta::new(1.0, average)
    }
}

of_confusion!(Precision, |self| &self.name, |c| c
    .average(self.average, |s| s.precision));
of_confusion!(Recall, |self| &self.name, |c| c
    .average(self.average, |s| s.recall));
of_confusion!(FBeta, |self| &self.name, |c| c
    .average(self.average, |s| s.f_beta(self.beta)));

/// Balanced accuracy: the mean recall of the classes that occur.
///
/// # Example
/// ```
/// use wgrad::prelude::*;
///
/// let logits = vec![2.0, 1.0, 0.0, 3.0, 5.0, 1.0]; // predictions 0, 1 and 0
/// let set = Dataset::from_arrays(logits, [2], Targets::classes(vec![0, 1, 1], 2))?;
/// let mut trainer = Trainer::new(nn::Linear::new(2, 2).init(nn::init::identity()))
///     .metric(metrics::BalancedAccuracy)
///     .compile(&Device::cpu(), &set)?;
/// let value = trainer.evaluate(&set)?.metric("balanced_accuracy").unwrap();
/// assert!((value - 0.75).abs() < 1e-6);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BalancedAccuracy;

of_confusion!(BalancedAccuracy, |self| "balanced_accuracy", |c| c
    .balanced_accuracy());

/// Matthews correlation coefficient; see [`Confusion::matthews_correlation`].
///
/// # Example
/// ```
/// use wgrad::prelude::*;
///
/// let logits = vec![2.0, 1.0, 0.0, 3.0, 5.0, 1.0]; // predictions 0, 1 and 0
/// let set = Dataset::from_arrays(logits, [2], Targets::classes(vec![0, 1, 1], 2))?;
/// let mut trainer = Trainer::new(nn::Linear::new(2, 2).init(nn::init::identity()))
///     .metric(metrics::MatthewsCorrelation)
///     .compile(&Device::cpu(), &set)?;
/// let value = trainer.evaluate(&set)?.metric("mcc").unwrap();
/// assert!((value - 0.5).abs() < 1e-6);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MatthewsCorrelation;

of_confusion!(MatthewsCorrelation, |self| "mcc", |c| c
    .matthews_correlation());
