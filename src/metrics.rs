//! Metrics: how good an output is, in numbers that people read.

use crate::loss::Loss;
use crate::{DType, Tensor};

/// A number computed on the device for each batch, and averaged exactly over samples.
pub trait Metric: Send {
    /// Its name in histories and reports.
    fn name(&self) -> &'static str;

    /// The mean over the batch: a scalar `f32`.
    fn mean(&self, output: &Tensor, target: &Tensor, loss: &dyn Loss) -> Tensor;

    /// From the mean over all samples to the metric, e.g. a square root.
    fn finish(&self, mean: f64) -> f64 {
        mean
    }

    /// Whether more is better; early stopping and best checkpoints ask.
    fn higher_is_better(&self) -> bool;
}

/// The share of right answers: the largest logit for labels, the loss's threshold for binary targets.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Accuracy;

impl Metric for Accuracy {
    fn name(&self) -> &'static str {
        "accuracy"
    }
    fn mean(&self, output: &Tensor, target: &Tensor, loss: &dyn Loss) -> Tensor {
        let hit = match target.dtype() {
            DType::U32 => output.argmax().eq(target),
            _ => {
                let yes = output
                    .gt(&output.constant_like(loss.threshold()))
                    .cast(DType::U32);
                yes.eq(&target.gt(&target.constant_like(0.5)).cast(DType::U32))
            }
        };
        hit.cast(DType::F32).mean(&[])
    }
    fn higher_is_better(&self) -> bool {
        true
    }
}

/// The mean squared error.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Mse;

impl Metric for Mse {
    fn name(&self) -> &'static str {
        "mse"
    }
    fn mean(&self, output: &Tensor, target: &Tensor, _: &dyn Loss) -> Tensor {
        (output - target).square().mean(&[])
    }
    fn higher_is_better(&self) -> bool {
        false
    }
}

/// The mean absolute error, in the target's units.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Mae;

impl Metric for Mae {
    fn name(&self) -> &'static str {
        "mae"
    }
    fn mean(&self, output: &Tensor, target: &Tensor, _: &dyn Loss) -> Tensor {
        (output - target).abs().mean(&[])
    }
    fn higher_is_better(&self) -> bool {
        false
    }
}

/// Perplexity: `e^loss` for the mean loss over all tokens, in nats. A model that knows nothing of `n` tokens
/// has a perplexity of `n`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Perplexity;

impl Metric for Perplexity {
    fn name(&self) -> &'static str {
        "perplexity"
    }
    fn mean(&self, output: &Tensor, target: &Tensor, loss: &dyn Loss) -> Tensor {
        loss.mean(output, target)
    }
    fn finish(&self, mean: f64) -> f64 {
        mean.exp()
    }
    fn higher_is_better(&self) -> bool {
        false
    }
}

/// Bits for each character of a text: `loss / ln 2`, times the tokens of a character. So models with
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

impl Default for BitsPerCharacter {
    fn default() -> Self {
        Self::new()
    }
}

impl Metric for BitsPerCharacter {
    fn name(&self) -> &'static str {
        "bits_per_character"
    }
    fn mean(&self, output: &Tensor, target: &Tensor, loss: &dyn Loss) -> Tensor {
        loss.mean(output, target)
    }
    fn finish(&self, mean: f64) -> f64 {
        mean / std::f64::consts::LN_2 * self.tokens_per_character
    }
    fn higher_is_better(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_and_perplexity_are_of_the_mean_loss() {
        // Eight tokens that are all as likely: 3 bits each.
        let loss = 8f64.ln();
        assert!((Perplexity.finish(loss) - 8.0).abs() < 1e-12);
        assert!((BitsPerCharacter::new().finish(loss) - 3.0).abs() < 1e-12);
        let pieces = BitsPerCharacter::with_tokens_per_character(0.25);
        assert!((pieces.finish(loss) - 0.75).abs() < 1e-12);
    }
}
