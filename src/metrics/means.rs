//! Metrics that are means over samples, or functions of a mean.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Facts, Metric, Settings, counted, mean, per_sample, settings, weights, width};
use crate::loss::functional::mean_of;
use crate::loss::{Loss, Outputs};
use crate::task::Task;
use crate::{DType, Tensor};

/// Accuracy: the fraction of correct predictions. The prediction of labels is the class of the
/// largest output (the first of equal ones). Binary targets are compared with the loss's threshold.
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
/// let value = trainer.evaluate(&set)?.metric("accuracy").unwrap();
/// assert!((value - 2.0 / 3.0).abs() < 1e-6);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Accuracy;

/// Returns the predicted and the actual class as `u32`; 0 and 1 for binary targets.
pub(super) fn answers(output: &Tensor, target: &Tensor, loss: &dyn Loss) -> (Tensor, Tensor) {
    let above = |x: &Tensor, threshold: f64| x.gt(&x.constant_like(threshold)).cast(DType::U32);
    match target.dtype() {
        DType::U32 => (output.argmax(), target.clone()),
        _ => (above(output, loss.threshold()), above(target, 0.5)),
    }
}

impl Metric for Accuracy {
    fn name(&self) -> &str {
        "accuracy"
    }
    fn collect(&self, output: &Tensor, target: &Tensor, loss: &dyn Loss) -> Vec<Tensor> {
        let (told, right) = answers(output, target, loss);
        // A sum of ones is exact.
        let hits = told.eq(&right).cast(DType::F32);
        match counted(target, loss) {
            Some(counted) => vec![(hits * &counted).sum(&[]), counted.sum(&[])],
            None => vec![hits.sum(&[]) / width(&right)],
        }
    }
    fn finish(&self, total: &[f64]) -> f64 {
        mean(total)
    }
}

macro_rules! mean_error {
    ($(#[$doc:meta])* $name:ident $key:literal, |$y:ident, $t:ident| $error:expr, $finish:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
        pub struct $name;

        impl Metric for $name {
            fn name(&self) -> &str {
                $key
            }
            fn collect(&self, output: &Tensor, $t: &Tensor, loss: &dyn Loss) -> Vec<Tensor> {
                let $y = &loss.prediction(output);
                let error = $error;
                match weights($y) {
                    Some(weights) => vec![per_sample(&(error * &weights)), per_sample(&weights)],
                    None => vec![per_sample(&error) / width($y)],
                }
            }
            fn finish(&self, total: &[f64]) -> f64 {
                let finish: fn(f64) -> f64 = $finish;
                finish(mean(total))
            }
        }
    };
}

mean_error!(
    /// The mean squared error.
    ///
    /// # Example
    /// ```
    /// use wgrad::prelude::*;
    ///
    /// let targets = Targets::values(vec![1.0, 2.0, 2.0]);
    /// let set = Dataset::from_arrays(vec![1.0, 2.0, 5.0], [1], targets)?;
    /// let mut trainer = Trainer::new(nn::Linear::new(1, 1).init(nn::init::ones())).loss(loss::Mse)
    ///     .metric(metrics::Mse)
    ///     .compile(&Device::cpu(), &set)?;
    /// let value = trainer.evaluate(&set)?.metric("mse").unwrap();
    /// assert!((value - 3.0).abs() < 1e-6);
    /// # Ok::<(), wgrad::Error>(())
    /// ```
    Mse "mse", |y, t| y.squared_difference(t), |m| m
);
mean_error!(
    /// The root mean squared error, in the target's units.
    ///
    /// # Example
    /// ```
    /// use wgrad::prelude::*;
    ///
    /// let targets = Targets::values(vec![1.0, 2.0, 2.0]);
    /// let set = Dataset::from_arrays(vec![1.0, 2.0, 5.0], [1], targets)?;
    /// let mut trainer = Trainer::new(nn::Linear::new(1, 1).init(nn::init::ones())).loss(loss::Mse)
    ///     .metric(metrics::Rmse)
    ///     .compile(&Device::cpu(), &set)?;
    /// let value = trainer.evaluate(&set)?.metric("rmse").unwrap();
    /// assert!((value - 3f64.sqrt()).abs() < 1e-6);
    /// # Ok::<(), wgrad::Error>(())
    /// ```
    Rmse "rmse", |y, t| y.squared_difference(t), f64::sqrt
);
mean_error!(
    /// The mean absolute error, in the target's units.
    ///
    /// # Example
    /// ```
    /// use wgrad::prelude::*;
    ///
    /// let targets = Targets::values(vec![1.0, 2.0, 2.0]);
    /// let set = Dataset::from_arrays(vec![1.0, 2.0, 5.0], [1], targets)?;
    /// let mut trainer = Trainer::new(nn::Linear::new(1, 1).init(nn::init::ones())).loss(loss::Mse)
    ///     .metric(metrics::Mae)
    ///     .compile(&Device::cpu(), &set)?;
    /// let value = trainer.evaluate(&set)?.metric("mae").unwrap();
    /// assert!((value - 1.0).abs() < 1e-6);
    /// # Ok::<(), wgrad::Error>(())
    /// ```
    Mae "mae", |y, t| (y - t).abs(), |m| m
);
mean_error!(
    /// The mean absolute percentage error as a fraction: `|y - t| / |t|`, 0.1 for 10%. As in
    /// scikit-learn, `|t|` is at least 2e-16.
    ///
    /// # Example
    /// ```
    /// use wgrad::prelude::*;
    ///
    /// let targets = Targets::values(vec![1.0, 2.0, 2.0]);
    /// let set = Dataset::from_arrays(vec![1.0, 2.0, 5.0], [1], targets)?;
    /// let mut trainer = Trainer::new(nn::Linear::new(1, 1).init(nn::init::ones())).loss(loss::Mse)
    ///     .metric(metrics::Mape)
    ///     .compile(&Device::cpu(), &set)?;
    /// let value = trainer.evaluate(&set)?.metric("mape").unwrap();
    /// assert!((value - 0.5).abs() < 1e-6);
    /// # Ok::<(), wgrad::Error>(())
    /// ```
    Mape "mape", |y, t| (y - t).abs() / t.abs().maximum(&t.constant_like(f64::EPSILON)), |m| m
);

/// Log loss: the mean negative log-probability of the correct class, in nats.
///
/// # Example
/// ```
/// use wgrad::prelude::*;
///
/// let set = Dataset::from_arrays(vec![0.0, 0.0], [2], Targets::classes(vec![1], 2))?;
/// let mut trainer = Trainer::new(nn::Linear::new(2, 2).init(nn::init::identity()))
///     .metric(metrics::LogLoss)
///     .compile(&Device::cpu(), &set)?;
/// let value = trainer.evaluate(&set)?.metric("log_loss").unwrap();
/// assert!((value - 2f64.ln()).abs() < 1e-6);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LogLoss;

impl Metric for LogLoss {
    fn name(&self) -> &str {
        "log_loss"
    }
    fn collect(&self, output: &Tensor, target: &Tensor, loss: &dyn Loss) -> Vec<Tensor> {
        let each = match target.dtype() {
            DType::U32 => output.cross_entropy(target),
            _ if loss.takes_logits() => output.softplus() - output * target,
            _ => output.binary_cross_entropy(target),
        };
        match counted(target, loss) {
            Some(counted) => vec![per_sample(&(each * &counted)), per_sample(&counted)],
            None => vec![per_sample(&each) / width(&each)],
        }
    }
    fn finish(&self, total: &[f64]) -> f64 {
        mean(total)
    }
}

/// Returns the mean cross-entropy of a batch's labels, or its sum and the number of labels where
/// some are ignored. For a loss without a cross-entropy, the loss itself.
fn cross_entropy(output: &Tensor, target: &Tensor, loss: &dyn Loss) -> Vec<Tensor> {
    let Some(each) = loss.cross_entropy(output, target) else {
        return vec![mean_of(loss, output, target)];
    };
    match counted(target, loss) {
        Some(counted) => vec![(each * &counted).sum(&[]), counted.sum(&[])],
        None => vec![each.mean(&[])],
    }
}

/// Adds a batch's mean, once for each sample, or its sum and count.
fn add_mean(total: &mut Vec<f64>, batch: &[Vec<f64>], samples: usize) {
    total.resize(2, 0.0);
    let number = |i: usize| batch.get(i).and_then(|b| b.first()).copied();
    if let ([sum, count], Some(first)) = (total.as_mut_slice(), number(0)) {
        let (more, counted) = match number(1) {
            Some(counted) => (first, counted),
            None => (first * samples as f64, samples as f64),
        };
        *sum += more;
        *count += counted;
    }
}

/// Perplexity: `e^h` for the mean cross-entropy `h` over all tokens, in nats, without the loss's
/// smoothing or weights. A uniform prediction of `n` tokens has a perplexity of `n`.
///
/// # Example
/// ```
/// use wgrad::prelude::*;
///
/// let set = Dataset::from_arrays(vec![0.0, 0.0], [2], Targets::classes(vec![1], 2))?;
/// let mut trainer = Trainer::new(nn::Linear::new(2, 2).init(nn::init::identity()))
///     .metric(metrics::Perplexity)
///     .compile(&Device::cpu(), &set)?;
/// let value = trainer.evaluate(&set)?.metric("perplexity").unwrap();
/// assert!((value - 2.0).abs() < 1e-6);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Perplexity;

impl Metric for Perplexity {
    fn name(&self) -> &str {
        "perplexity"
    }
    fn collect(&self, output: &Tensor, target: &Tensor, loss: &dyn Loss) -> Vec<Tensor> {
        cross_entropy(output, target, loss)
    }
    fn add(&self, total: &mut Vec<f64>, batch: &[Vec<f64>], samples: usize) {
        add_mean(total, batch, samples);
    }
    fn finish(&self, total: &[f64]) -> f64 {
        mean(total).exp()
    }
}

/// Bits per character of a text: `h / ln 2` for the mean cross-entropy `h`, times the number of
/// tokens per character. It compares models with different tokenizers.
///
/// # Example
/// ```
/// use wgrad::prelude::*;
///
/// let set = Dataset::from_arrays(vec![0.0, 0.0], [2], Targets::classes(vec![1], 2))?;
/// let mut trainer = Trainer::new(nn::Linear::new(2, 2).init(nn::init::identity()))
///     .metric(metrics::BitsPerCharacter::new())
///     .compile(&Device::cpu(), &set)?;
/// let value = trainer.evaluate(&set)?.metric("bits_per_character").unwrap();
/// assert!((value - 1.0).abs() < 1e-6);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BitsPerCharacter {
    tokens_per_character: f64,
}

impl BitsPerCharacter {
    /// Creates the metric for a text whose tokens are characters.
    pub fn new() -> Self {
        Self::with_tokens_per_character(1.0)
    }

    /// Creates the metric for a text with this number of tokens per character; see
    /// `data::text::Tokens::per_character`.
    pub fn with_tokens_per_character(tokens_per_character: f64) -> Self {
        BitsPerCharacter {
            tokens_per_character,
        }
    }
}

/// The settings of [`BitsPerCharacter`]; the number of tokens per character follows from the text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BitsPerCharacterSpec {}

impl Settings for BitsPerCharacterSpec {
    fn build(&self, facts: Facts) -> Box<dyn Metric> {
        Box::new(BitsPerCharacter::with_tokens_per_character(
            facts.tokens_per_character,
        ))
    }

    fn tasks(&self) -> &'static [Task] {
        &[Task::Language]
    }
}

impl Default for BitsPerCharacter {
    fn default() -> Self {
        Self::new()
    }
}

impl Metric for BitsPerCharacter {
    fn name(&self) -> &str {
        "bits_per_character"
    }
    fn collect(&self, output: &Tensor, target: &Tensor, loss: &dyn Loss) -> Vec<Tensor> {
        cross_entropy(output, target, loss)
    }
    fn add(&self, total: &mut Vec<f64>, batch: &[Vec<f64>], samples: usize) {
        add_mean(total, batch, samples);
    }
    fn finish(&self, total: &[f64]) -> f64 {
        mean(total) / std::f64::consts::LN_2 * self.tokens_per_character
    }
}

settings!(
    Accuracy [Classification Multilabel Language],
    Mae [Regression],
    Mse [Regression],
    Rmse [Regression],
    Mape [Regression],
    Perplexity [Language],
);

impl Settings for LogLoss {
    fn build(&self, _: Facts) -> Box<dyn Metric> {
        Box::new(*self)
    }

    fn tasks(&self) -> &'static [Task] {
        &[Task::Classification]
    }

    fn takes(&self, outputs: Outputs) -> bool {
        // A margin is not a probability.
        outputs != Outputs::Margin
    }
}
