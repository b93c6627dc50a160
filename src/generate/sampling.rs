//! Sampling of the next token.

use crate::random::Stream;
use crate::{Error, Result};

/// How the next token is sampled from the model's scores. The settings are applied in the order of
/// the fields, as in Hugging Face's `generate`.
///
/// # Example
/// ```
/// use wgrad::generate::Sampling;
/// use wgrad::random::Stream;
///
/// let mut random = Stream::new(0);
/// let scores = [0.0, 5.0, 1.0];
/// assert_eq!(Sampling::greedy().draw(&scores, &[], &mut random)?, 1);
/// let top_1 = Sampling { top_k: Some(1), ..Sampling::default() };
/// assert_eq!(top_1.draw(&scores, &[], &mut random)?, 1);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Sampling {
    /// The repetition penalty (Keskar et al., 2019). Above 1 it makes tokens that occur in the text
    /// less likely: positive scores are divided by it, negative ones multiplied. 1 has no effect.
    pub repetition_penalty: f64,
    /// The temperature, by which scores are divided. Values below 1 make likely tokens more likely.
    /// 0 always selects the most likely token.
    pub temperature: f64,
    /// Restricts sampling to this number of most likely tokens.
    pub top_k: Option<usize>,
    /// Restricts sampling to the most likely tokens whose probabilities add up to this value
    /// (Holtzman et al., 2020).
    pub top_p: Option<f64>,
    /// The seed. The same seed samples the same tokens.
    pub seed: u64,
}

impl Default for Sampling {
    /// Samples from the model's own probabilities, with seed 0.
    fn default() -> Self {
        Sampling {
            repetition_penalty: 1.0,
            temperature: 1.0,
            top_k: None,
            top_p: None,
            seed: 0,
        }
    }
}

impl Sampling {
    /// Always selects the most likely token.
    pub fn greedy() -> Self {
        Sampling {
            temperature: 0.0,
            ..Sampling::default()
        }
    }

    /// Returns an error for invalid settings.
    pub fn check(&self) -> Result<()> {
        let wrong =
            |what: &str, given: String, expected: &str| Err(Error::argument(what, given, expected));
        if !(self.temperature >= 0.0 && self.temperature.is_finite()) {
            let given = self.temperature.to_string();
            return wrong("the temperature", given, "0 or a number above");
        }
        if !(self.repetition_penalty > 0.0 && self.repetition_penalty.is_finite()) {
            let given = self.repetition_penalty.to_string();
            return wrong("the repetition penalty", given, "a number above 0");
        }
        if self.top_k == Some(0) {
            return wrong("top_k", "0".to_string(), "at least 1");
        }
        match self.top_p {
            Some(p) if !(p > 0.0 && p <= 1.0) => {
                wrong("top_p", p.to_string(), "above 0 and at most 1")
            }
            _ => Ok(()),
        }
    }

    /// Samples a token id from the scores (logits) of all tokens. `text` is the text so far. Tokens
    /// with equal scores are ranked by id.
    ///
    /// # Errors
    ///
    /// Returns an error if there are no scores, one is NaN, or all are negative infinity.
    pub fn draw(&self, scores: &[f32], text: &[u32], random: &mut Stream) -> Result<u32> {
        let mut scores: Vec<f64> = scores.iter().map(|s| f64::from(*s)).collect();
        if let Some(at) = scores.iter().position(|s| s.is_nan()) {
            return Err(Error::model(
                "the model",
                format!("its score of token {at} is NaN"),
            ));
        }
        self.penalize(&mut scores, text);
        let mut order: Vec<usize> = (0..scores.len()).collect();
        let score = |i: &usize| scores.get(*i).copied().unwrap_or(f64::NEG_INFINITY);
        order.sort_by(|a, b| score(b).total_cmp(&score(a)));
        let Some(best) = order.first().copied() else {
            return Err(Error::model("the model", "it gives no scores"));
        };
        let largest = score(&best);
        if largest == f64::NEG_INFINITY {
            let reason = "all its scores are -inf, so no token can be drawn";
            return Err(Error::model("the model", reason));
        }
        if self.temperature == 0.0 {
            return Ok(best as u32);
        }
        order.truncate(self.top_k.unwrap_or(usize::MAX));
        let weight = |i: &usize| match largest.is_finite() {
            true => ((score(i) - largest) / self.temperature).exp(),
            // If there are infinite scores, only they count, with equal probabilities.
            false => f64::from(u8::from(score(i) == largest)),
        };
        let mut weights: Vec<f64> = order.iter().map(weight).collect();
        if let Some(p) = self.top_p {
            let enough = p * weights.iter().sum::<f64>();
            let mut sum = 0.0;
            let reached = weights.iter().position(|w| {
                sum += w;
                sum >= enough
            });
            weights.truncate(reached.map_or(weights.len(), |i| i + 1));
        }
        let mut left = f64::from(random.uniform()) * weights.iter().sum::<f64>();
        let drawn = weights.iter().position(|w| {
            left -= w;
            left < 0.0
        });
        // Rounding may leave a remainder; it selects the last token.
        let drawn = drawn.unwrap_or(weights.len().saturating_sub(1));
        Ok(order.get(drawn).copied().unwrap_or(best) as u32)
    }

    fn penalize(&self, scores: &mut [f64], text: &[u32]) {
        if self.repetition_penalty == 1.0 {
            return;
        }
        let mut seen = vec![false; scores.len()];
        for token in text {
            if let Some(seen) = seen.get_mut(*token as usize) {
                *seen = true;
            }
        }
        for (score, _) in scores.iter_mut().zip(&seen).filter(|(_, seen)| **seen) {
            *score = match *score > 0.0 {
                true => *score / self.repetition_penalty,
                false => *score * self.repetition_penalty,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often each token is drawn.
    fn shares(sampling: &Sampling, scores: &[f32], text: &[u32]) -> Vec<f64> {
        const DRAWS: usize = 40_000;
        let mut random = Stream::new(sampling.seed);
        let mut counts = vec![0.0; scores.len()];
        for _ in 0..DRAWS {
            let token = sampling.draw(scores, text, &mut random).unwrap();
            counts[token as usize] += 1.0 / DRAWS as f64;
        }
        counts
    }

    fn near(got: &[f64], want: &[f64]) {
        // Four deviations of a share of 40,000 draws.
        let close = got.iter().zip(want).all(|(g, w)| (g - w).abs() < 0.01);
        assert!(
            close && got.len() == want.len(),
            "{got:?}, but should be {want:?}"
        );
    }

    /// Scores of these probabilities.
    fn scores(p: &[f32]) -> Vec<f32> {
        p.iter().map(|p| p.ln() + 3.0).collect()
    }

    #[test]
    fn tokens_are_drawn_by_their_probabilities() {
        let x = scores(&[0.1, 0.5, 0.15, 0.25]);
        near(
            &shares(&Sampling::default(), &x, &[]),
            &[0.1, 0.5, 0.15, 0.25],
        );
        let cold = Sampling {
            temperature: 0.5,
            ..Sampling::default()
        };
        let sum = 0.01 + 0.25 + 0.0225 + 0.0625;
        near(
            &shares(&cold, &x, &[]),
            &[0.01 / sum, 0.25 / sum, 0.0225 / sum, 0.0625 / sum],
        );
    }

    #[test]
    fn unlikely_tokens_are_left_out() {
        let x = scores(&[0.1, 0.5, 0.15, 0.25]);
        let two = Sampling {
            top_k: Some(2),
            ..Sampling::default()
        };
        near(&shares(&two, &x, &[]), &[0.0, 2.0 / 3.0, 0.0, 1.0 / 3.0]);
        for (p, kept) in [(0.49, 1), (0.51, 2), (0.76, 3), (0.91, 4), (1.0, 4)] {
            let some = Sampling {
                top_p: Some(p),
                ..Sampling::default()
            };
            let drawn = shares(&some, &x, &[]).iter().filter(|s| **s > 0.0).count();
            assert_eq!(drawn, kept, "{p}");
        }
        // Of the two likeliest, the first has two thirds.
        let both = Sampling {
            top_k: Some(2),
            top_p: Some(0.6),
            ..Sampling::default()
        };
        near(&shares(&both, &x, &[]), &[0.0, 1.0, 0.0, 0.0]);
    }

    #[test]
    fn the_likeliest_is_taken_at_temperature_0() {
        let mut random = Stream::new(0);
        let mut draw = |x: &[f32]| Sampling::greedy().draw(x, &[], &mut random).unwrap();
        assert_eq!(draw(&[1.0, 3.0, 2.0]), 1);
        assert_eq!(draw(&[1.0, 3.0, 3.0]), 1);
        assert_eq!(draw(&[-1e30, -2e30]), 0);
        assert_eq!(draw(&[f32::NEG_INFINITY, f32::MAX]), 1);
    }

    #[test]
    fn infinite_scores_are_drawn_or_refused() {
        let infinite = [0.0, f32::INFINITY, 3.0];
        near(
            &shares(&Sampling::default(), &infinite, &[]),
            &[0.0, 1.0, 0.0],
        );
        let two = [f32::INFINITY, 1.0, f32::INFINITY, f32::NEG_INFINITY];
        near(
            &shares(&Sampling::default(), &two, &[]),
            &[0.5, 0.0, 0.5, 0.0],
        );
        let mut random = Stream::new(0);
        for sampling in [Sampling::default(), Sampling::greedy()] {
            let error = sampling.draw(&[f32::NEG_INFINITY; 3], &[], &mut random);
            assert_eq!(
                error.unwrap_err().to_string(),
                "the model: all its scores are -inf, so no token can be drawn"
            );
        }
    }

    #[test]
    fn repeated_tokens_are_less_likely() {
        let greedy = Sampling {
            repetition_penalty: 2.0,
            ..Sampling::greedy()
        };
        let mut random = Stream::new(0);
        let mut draw = |x: &[f32], text: &[u32]| greedy.draw(x, text, &mut random).unwrap();
        assert_eq!(draw(&[3.0, 2.0, -1.0], &[]), 0);
        assert_eq!(draw(&[3.0, 2.0, -1.0], &[0, 0]), 1);
        assert_eq!(draw(&[3.9, 2.0, -1.0], &[0, 7]), 1);
        assert_eq!(draw(&[4.1, 2.0, -1.0], &[0]), 0);
        assert_eq!(draw(&[-1.0, -1.5], &[0]), 1);
        assert_eq!(draw(&[-1.0, -2.5], &[0]), 0);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let d = Sampling::default;
        let wrong = [
            Sampling {
                temperature: -1.0,
                ..d()
            },
            Sampling {
                temperature: f64::NAN,
                ..d()
            },
            Sampling {
                top_k: Some(0),
                ..d()
            },
            Sampling {
                top_p: Some(0.0),
                ..d()
            },
            Sampling {
                top_p: Some(1.1),
                ..d()
            },
            Sampling {
                repetition_penalty: 0.0,
                ..d()
            },
        ];
        for sampling in wrong {
            assert!(sampling.check().is_err(), "{sampling:?}");
        }
        assert!(d().check().is_ok() && Sampling::greedy().check().is_ok());
        let mut random = Stream::new(0);
        assert!(d().draw(&[], &[], &mut random).is_err());
        let error = d().draw(&[0.0, f32::NAN], &[], &mut random).unwrap_err();
        assert_eq!(error.to_string(), "the model: its score of token 1 is NaN");
    }
}
