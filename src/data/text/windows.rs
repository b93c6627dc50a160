//! The tokens of a text, and windows of them as training samples.

use std::ops::Range;
use std::sync::Arc;

use super::Tokenizer;
use crate::data::{Dataset, Targets};
use crate::{Error, Result};

/// Token ids up to this are exact as `f32`, the type of a data set's features.
const EXACT: usize = 1 << 24;

/// A text, or a part of one, as tokens.
///
/// # Example
/// ```
/// use wgrad::data::text::{CharTokenizer, Tokenizer, Tokens};
///
/// let tokenizer = Tokenizer::from(CharTokenizer::of("abcdef")?);
/// let tokens = Tokens::encode(&tokenizer, "abcdef")?;
/// let set = tokens.windows(3, 2)?;
/// assert_eq!(set.row(1).as_deref(), Some(&[2.0, 3.0, 4.0][..])); // "cde"
/// assert_eq!(set.labels(1), Some(&[3, 4, 5][..])); // "def", the next tokens
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Tokens {
    all: Arc<Vec<u32>>,
    part: Range<usize>,
    vocabulary: usize,
    /// The number of tokens per character, over the whole text.
    per_character: f64,
}

impl Tokens {
    /// Encodes a text.
    ///
    /// # Errors
    ///
    /// Returns an error if the text is empty, or has characters without a token.
    pub fn encode(tokenizer: &Tokenizer, text: &str) -> Result<Self> {
        let all = tokenizer.encode(text)?;
        let vocabulary = tokenizer.vocabulary();
        if all.is_empty() {
            return Err(Error::data("the text", "it is empty"));
        }
        if vocabulary > EXACT {
            let at_most = format!("at most {EXACT}");
            return Err(Error::argument("the vocabulary", vocabulary, at_most));
        }
        Ok(Tokens {
            part: 0..all.len(),
            per_character: all.len() as f64 / text.chars().count().max(1) as f64,
            all: Arc::new(all),
            vocabulary,
        })
    }

    /// Returns the token ids.
    pub fn numbers(&self) -> &[u32] {
        self.all.get(self.part.clone()).unwrap_or_default()
    }

    /// Returns the number of tokens, at least 1.
    pub fn len(&self) -> usize {
        self.part.len()
    }

    /// Returns `false`: there is at least one token.
    pub fn is_empty(&self) -> bool {
        self.part.is_empty()
    }

    /// Returns the size of the tokenizer's vocabulary.
    pub fn vocabulary(&self) -> usize {
        self.vocabulary
    }

    /// Returns the number of tokens per character, over the whole text: 1 if each character is a
    /// token.
    pub fn per_character(&self) -> f64 {
        self.per_character
    }

    /// Splits the text: the second part is its last `fraction`. No window crosses the boundary.
    ///
    /// # Errors
    ///
    /// Returns an error if a part would be empty.
    pub fn split_last(&self, fraction: f64) -> Result<(Tokens, Tokens)> {
        let first = (self.len() as f64 * (1.0 - fraction)).round();
        if !(fraction > 0.0 && first >= 1.0 && first < self.len() as f64) {
            let expected = format!(
                "between 0 and 1, and leave both parts of {} tokens some",
                self.len()
            );
            return Err(Error::argument("the last fraction", fraction, expected));
        }
        let (start, end) = (self.part.start, self.part.end);
        let border = start + first as usize;
        let of = |part| Tokens {
            part,
            ..self.clone()
        };
        Ok((of(start..border), of(border..end)))
    }

    /// Returns windows of `context` tokens, each starting `stride` tokens after the one before. The
    /// samples are `[context]`, and the targets are the next token of each token. Tokens at the end
    /// that do not fill a window are dropped.
    ///
    /// # Errors
    ///
    /// Returns an error if `context` or `stride` is 0, or the text has fewer than `context + 1`
    /// tokens.
    pub fn windows(&self, context: usize, stride: usize) -> Result<Dataset> {
        for (what, value) in [("the context", context), ("the stride", stride)] {
            if value == 0 {
                return Err(Error::argument(what, value, "at least 1"));
            }
        }
        let tokens = self.numbers();
        let Some(last) = tokens
            .len()
            .checked_sub(context)
            .and_then(|n| n.checked_sub(1))
        else {
            return Err(Error::data(
                "the text",
                format!(
                    "it has {} tokens, but a window of {context} and the token that follows need {}; choose a \
                     smaller context",
                    tokens.len(),
                    context.saturating_add(1)
                ),
            ));
        };
        let samples = last / stride + 1;
        let Some(size) = samples.checked_mul(context) else {
            let reason = format!("{samples} windows of {context} tokens do not fit into memory");
            return Err(Error::data("the text", reason));
        };
        let (mut features, mut labels) = (Vec::with_capacity(size), Vec::with_capacity(size));
        for from in (0..=last).step_by(stride) {
            let window = tokens.get(from..from + context + 1).unwrap_or_default();
            let (inputs, next) = (window.get(..context), window.get(1..));
            features.extend(inputs.unwrap_or_default().iter().map(|t| *t as f32));
            labels.extend_from_slice(next.unwrap_or_default());
        }
        let targets = Targets::Sequences {
            labels,
            width: context,
            classes: self.vocabulary,
        };
        Dataset::from_arrays(features, [context], targets)
    }
}

#[cfg(test)]
mod tests {
    use super::super::CharTokenizer;
    use super::*;

    fn tokens(text: &str) -> Tokens {
        let tokenizer = CharTokenizer::of("abcdefghij").unwrap().into();
        Tokens::encode(&tokenizer, text).unwrap()
    }

    fn samples(set: &Dataset) -> Vec<(Vec<f32>, Vec<u32>)> {
        let sample = |i| {
            (
                set.row(i).unwrap().to_vec(),
                set.labels(i).unwrap().to_vec(),
            )
        };
        (0..set.len()).map(sample).collect()
    }

    #[test]
    fn windows_hold_tokens_and_the_ones_that_follow() {
        let all = tokens("abcdefg");
        let set = all.windows(3, 2).unwrap();
        assert_eq!(
            samples(&set),
            [
                (vec![0., 1., 2.], vec![1, 2, 3]),
                (vec![2., 3., 4.], vec![3, 4, 5]),
            ]
        );
        assert_eq!(set.label_sequences(), Some((3, 10)));
        assert_eq!(all.windows(3, 1).unwrap().len(), 4);
        assert_eq!(all.windows(6, 5).unwrap().len(), 1);
        assert_eq!((all.len(), all.per_character()), (7, 1.0));
    }

    #[test]
    fn the_last_part_of_a_text_is_split_off() {
        let (a, b) = tokens("abcdefghij").split_last(0.3).unwrap();
        assert_eq!(a.numbers(), [0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(b.numbers(), [7, 8, 9]);
        let (b, c) = b.split_last(0.34).unwrap();
        assert_eq!((b.numbers(), c.numbers()), (&[7u32, 8][..], &[9u32][..]));
        assert_eq!(samples(&b.windows(1, 1).unwrap()), [(vec![7.], vec![8])]);
        for fraction in [0.0, 1.0, -1.0, 2.0, f64::NAN, 0.01] {
            assert!(
                tokens("abcdefghij").split_last(fraction).is_err(),
                "{fraction}"
            );
        }
    }

    #[test]
    fn a_text_that_is_too_short_says_what_would_fit() {
        let error = |context, stride| {
            let set = tokens("abc").windows(context, stride);
            set.unwrap_err().to_string()
        };
        assert_eq!(
            error(3, 1),
            "the text: it has 3 tokens, but a window of 3 and the token that follows need 4; choose a \
             smaller context"
        );
        assert!(error(usize::MAX, 1).starts_with("the text: it has 3 tokens"));
        assert_eq!(error(0, 1), "the context is 0, but must be at least 1");
        assert_eq!(error(1, 0), "the stride is 0, but must be at least 1");
        let tokenizer = CharTokenizer::of("a").unwrap().into();
        let empty = Tokens::encode(&tokenizer, "").unwrap_err().to_string();
        assert_eq!(empty, "the text: it is empty");
    }
}
