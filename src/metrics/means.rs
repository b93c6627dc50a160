//! Metrics that are means over samples, or functions of one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Metric, Settings, counted, mean, per_sample, settings, weights, width};
use crate::loss::functional::mean_of;
use crate::loss::{Loss, Outputs};
use crate::task::Task;
use crate::{DType, Tensor};

/// The share of right answers: the largest score for labels (the first of equals), the loss's threshold for
/// binary targets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Accuracy;

/// The class that an output tells and the one it should tell, as `u32`; for binary targets 0 and 1.
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
    Mse "mse", |y, t| y.squared_difference(t), |m| m
);
mean_error!(
    /// The square root of the mean squared error, in the target's units.
    Rmse "rmse", |y, t| y.squared_difference(t), f64::sqrt
);
mean_error!(
    /// The mean absolute error, in the target's units.
    Mae "mae", |y, t| (y - t).abs(), |m| m
);
mean_error!(
    /// The mean absolute error as a share of the target's magnitude: `|y - t| / |t|`, 0.1 for 10 %. A
    /// target of 0 counts as 2e-16, as in scikit-learn.
    Mape "mape", |y, t| (y - t).abs() / t.abs().maximum(&t.constant_like(f64::EPSILON)), |m| m
);

/// The mean of minus the logarithm of the probability that the right class was given, in nats.
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

/// The mean cross-entropy of a batch's labels, and of how many where some may be ignored. Of a loss that has
/// none, the loss itself.
fn cross_entropy(output: &Tensor, target: &Tensor, loss: &dyn Loss) -> Vec<Tensor> {
    let Some(each) = loss.cross_entropy(output, target) else {
        return vec![mean_of(loss, output, target)];
    };
    match counted(target, loss) {
        Some(counted) => vec![(each * &counted).sum(&[]), counted.sum(&[])],
        None => vec![each.mean(&[])],
    }
}

/// Adds a batch's mean, once for each sample; or its sum and what that is over.
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

/// Perplexity: `e^h` for the mean cross-entropy `h` over all tokens, in nats, whatever smoothing or weights the loss
/// has. A model that knows nothing of `n` tokens has a perplexity of `n`.
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

/// Bits for each character of a text: `h / ln 2` for the mean cross-entropy `h`, times the tokens of a character. So models with
/// different tokenizers can be compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BitsPerCharacter {
    tokens_per_character: f64,
}

impl BitsPerCharacter {
    /// For a text whose tokens are characters.
    pub fn new() -> Self {
        Self::with_tokens_per_character(1.0)
    }

    /// For a text of so many tokens a character; see
    /// `data::text::Tokens::per_character`.
    pub fn with_tokens_per_character(tokens_per_character: f64) -> Self {
        BitsPerCharacter {
            tokens_per_character,
        }
    }
}

/// The settings of [`BitsPerCharacter`]; the text says how many tokens a character has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BitsPerCharacterSpec {}

impl Settings for BitsPerCharacterSpec {
    fn build(&self, tokens_per_character: f64) -> Box<dyn Metric> {
        Box::new(BitsPerCharacter::with_tokens_per_character(
            tokens_per_character,
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
    Accuracy [Classification Language],
    Mae [Regression],
    Mse [Regression],
    Rmse [Regression],
    Mape [Regression],
    Perplexity [Language],
);

impl Settings for LogLoss {
    fn build(&self, _: f64) -> Box<dyn Metric> {
        Box::new(*self)
    }

    fn tasks(&self) -> &'static [Task] {
        &[Task::Classification]
    }

    fn takes(&self, outputs: Outputs) -> bool {
        // A margin is no probability.
        outputs != Outputs::Margin
    }
}
