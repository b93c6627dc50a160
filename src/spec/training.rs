//! `[training]`: how the model is trained.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::device::DeviceSpec;
use super::weights::ClassWeights;
use crate::dtype::DType;
use crate::loss::LossSpec;
use crate::metrics::MetricSpec;
use crate::optim::OptimizerSpec;
use crate::schedule::ScheduleSpec;
use crate::schema::{ByteSize, Path, SettingError, range};

/// How a model is trained.
///
/// # Example
/// ```
/// use wgrad::optim::Sgd;
/// use wgrad::spec::TrainingSpec;
///
/// let optimizer = Sgd::new(0.1).into();
/// let spec = TrainingSpec { optimizer, epochs: 5, ..TrainingSpec::default() };
/// assert_eq!((spec.epochs, spec.batch_size), (5, 32));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TrainingSpec {
    /// The number of passes over all samples.
    #[schemars(with = "range::Count<1>")]
    pub epochs: usize,
    /// The number of samples of a batch.
    #[schemars(with = "range::Count<1>")]
    pub batch_size: usize,
    /// Whether each epoch shuffles the samples.
    pub shuffle: bool,
    /// The seed of the initial weights, the splits, the shuffling and the dropout.
    #[schemars(with = "range::Count<0>")]
    pub seed: u64,
    /// The device: `auto`, `cpu`, `gpu`, `software`, or a part of a GPU's name.
    pub device: DeviceSpec,
    /// The loss. Default: `cross_entropy` for classes and tokens, `mse` for numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss: Option<LossSpec>,
    /// The optimizer.
    pub optimizer: OptimizerSpec,
    /// The learning-rate schedule, or a list of schedules that follow one another.
    pub schedule: ScheduleSpec,
    /// The largest global norm of the gradient; a larger gradient is scaled down to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<range::Positive>")]
    pub clip_grad_norm: Option<f64>,
    /// The largest magnitude of an element of the gradient.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<range::Positive>")]
    pub clip_grad_value: Option<f64>,
    /// The factor of the L1 penalty: the sum of the absolute values of all weights.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<range::NotNegative>")]
    pub l1: Option<f64>,
    /// The factor of the L2 penalty: half the sum of the squares of all weights.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<range::NotNegative>")]
    pub l2: Option<f64>,
    /// The decay of the exponential moving average of the weights. Default: no average.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<range::Fraction>")]
    pub ema: Option<f64>,
    /// The number of batches whose gradients are accumulated for a step.
    #[serde(skip_serializing_if = "is_one")]
    #[schemars(with = "range::Count<1>")]
    pub accumulate_gradients: usize,
    /// The number format of activations that are stored for the backward pass.
    #[serde(skip_serializing_if = "is_f32")]
    pub precision: Precision,
    /// The largest amount of device memory for the training, such as `"512 MiB"`. Default: no
    /// limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_limit: Option<ByteSize>,
    /// When to stop before the last epoch. Default: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub early_stopping: Option<EarlyStoppingSpec>,
    /// The weights of the classes in the training loss and the training metrics: `"balanced"` for
    /// weights that make rare classes count as much as frequent ones, or a table of weights by the
    /// names of classes. Default: all samples count the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class_weights: Option<ClassWeights>,
    /// The metrics, in addition to the loss. Default: the usual one of the task.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics: Option<Vec<MetricSpec>>,
}

fn is_one(n: &usize) -> bool {
    *n == 1
}

fn is_f32(precision: &Precision) -> bool {
    *precision == Precision::F32
}

impl Default for TrainingSpec {
    fn default() -> Self {
        TrainingSpec {
            epochs: 10,
            batch_size: 32,
            shuffle: true,
            seed: 0,
            device: DeviceSpec::Auto,
            loss: None,
            optimizer: OptimizerSpec::default(),
            schedule: ScheduleSpec::default(),
            clip_grad_norm: None,
            clip_grad_value: None,
            l1: None,
            l2: None,
            ema: None,
            accumulate_gradients: 1,
            precision: Precision::F32,
            memory_limit: None,
            early_stopping: None,
            class_weights: None,
            metrics: None,
        }
    }
}

/// The number format of activations that are stored for the backward pass.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// Single precision.
    #[default]
    F32,
    /// Half precision with the exponents of `f32`.
    Bf16,
    /// Half precision, up to 65,504.
    F16,
}

impl From<Precision> for DType {
    fn from(precision: Precision) -> Self {
        match precision {
            Precision::F32 => DType::F32,
            Precision::Bf16 => DType::Bf16,
            Precision::F16 => DType::F16,
        }
    }
}

/// When to stop before the last epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EarlyStoppingSpec {
    /// The number of epochs without improvement after which training stops.
    #[schemars(with = "range::Count<1>", example = 5)]
    pub patience: usize,
    /// The value to monitor: `loss` or a metric's name, with the prefix `val_` for the validation
    /// split. Default: `val_loss`, or `loss` without validation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<range::Text>")]
    pub monitor: Option<String>,
    /// The smallest change that counts as an improvement.
    #[serde(default)]
    #[schemars(with = "range::NotNegative")]
    pub min_delta: f64,
}

impl TrainingSpec {
    /// Checks constraints between settings.
    pub(super) fn conflicts(&self, at: &Path) -> Result<(), SettingError> {
        let lr = self.optimizer.learning_rate();
        self.optimizer.conflicts(&at.key("optimizer"))?;
        self.schedule
            .conflicts(&at.key("schedule"), self.epochs, lr)
    }
}
