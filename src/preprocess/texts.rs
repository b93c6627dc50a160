//! Encodes texts by their words.

use serde::{Deserialize, Serialize};

use super::hash;
use crate::error::{Error, Result};

/// Encodes a text as `buckets` numbers: signed counts of its n-grams of words, of L2 norm 1.
///
/// A text is converted to lower case and divided into words, which are sequences of alphanumeric
/// characters. Each sequence of 1 to `ngrams` words, separated by single spaces, adds 1 or -1 to
/// one bucket. A missing text, or one without words, gives 0 in all buckets.
///
/// This is [scikit-learn]'s `HashingVectorizer`, with three differences. The hash is FNV-1a of 64
/// bits instead of MurmurHash3: the bucket is its upper half XOR its lower half, modulo `buckets`,
/// and the sign is negative if its highest bit is set. Words of one character count. An underscore
/// separates words.
///
/// # Example
/// ```
/// use wgrad::preprocess::HashingVectorizer;
///
/// let words = HashingVectorizer::new(16, 1)?;
/// let [a, b] = ["To be, or not to be", "to be or not TO BE"].map(|text| words.transform_one(text));
/// assert_eq!(a, b);
/// assert!((a.iter().map(|x| x * x).sum::<f64>() - 1.0).abs() < 1e-12);
/// # Ok::<(), wgrad::Error>(())
/// ```
///
/// [scikit-learn]: https://scikit-learn.org/stable/modules/generated/sklearn.feature_extraction.text.HashingVectorizer.html
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct HashingVectorizer {
    buckets: usize,
    ngrams: usize,
}

impl HashingVectorizer {
    /// Creates an encoder of n-grams of 1 to `ngrams` words into this number of buckets.
    ///
    /// # Errors
    ///
    /// Returns an error if `buckets` or `ngrams` is 0.
    pub fn new(buckets: usize, ngrams: usize) -> Result<Self> {
        for (what, given) in [("buckets", buckets), ("ngrams", ngrams)] {
            if given == 0 {
                return Err(Error::argument(what, 0, "at least 1"));
            }
        }
        Ok(HashingVectorizer { buckets, ngrams })
    }

    /// Returns the number of buckets.
    pub fn buckets(&self) -> usize {
        self.buckets
    }

    /// Returns the largest number of words of an n-gram.
    pub fn ngrams(&self) -> usize {
        self.ngrams
    }

    /// Returns the numbers of a text, `[buckets]`.
    pub fn transform_one(&self, text: &str) -> Vec<f64> {
        let mut all = vec![0.0; self.buckets];
        self.add(text, &mut all);
        all
    }

    /// Returns the numbers of texts, `[texts, buckets]` row-major; a missing text is `None`.
    pub fn transform(&self, texts: &[Option<&str>]) -> Vec<f64> {
        let mut all = vec![0.0; texts.len() * self.buckets];
        for (row, text) in all.chunks_mut(self.buckets.max(1)).zip(texts) {
            self.add(text.unwrap_or_default(), row);
        }
        all
    }

    /// Adds the numbers of a text to `row`, `[buckets]`, which must be 0.
    pub(super) fn add(&self, text: &str, row: &mut [f64]) {
        let lower = text.to_lowercase();
        let words: Vec<&str> = lower
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .collect();
        for size in 1..=self.ngrams.min(words.len()) {
            for ngram in words.windows(size) {
                let spaced = ngram.iter().enumerate().flat_map(|(i, word)| {
                    let space = if i == 0 { "" } else { " " };
                    [space, *word]
                });
                let hash = hash::fnv1a_parts(spaced);
                if let Some(count) = row.get_mut(hash::bucket(hash, self.buckets)) {
                    *count += if hash >> 63 == 0 { 1.0 } else { -1.0 };
                }
            }
        }
        let norm = row.iter().map(|x| x * x).sum::<f64>().sqrt();
        if norm > 0.0 {
            row.iter_mut().for_each(|x| *x /= norm);
        }
    }
}
