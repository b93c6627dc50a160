//! Divides a data set in two. The parts share the set's arrays.

use super::dataset::Dataset;
use super::order::{SPLIT, numbered, shuffle};
use crate::error::{Error, Result};
use crate::random::Stream;

/// What floating-point rounding may take off `n * (1 - fraction)` before it counts as a sample less.
const ROUNDING: f64 = 1e-9;

impl Dataset {
    /// Shuffles the samples and divides them: the first part holds `fraction` of them, rounded to whole
    /// samples, the second part the rest. The same seed gives the same parts.
    ///
    /// # Errors
    ///
    /// Where a part would be empty.
    pub fn split(&self, fraction: f64, seed: u64) -> Result<(Dataset, Dataset)> {
        let first = (fraction * self.len() as f64).round();
        let at = self.split_point("the split's fraction", fraction, first)?;
        let rows = self.shuffled(seed);
        let (a, b) = rows.split_at_checked(at).unwrap_or((&rows, &[]));
        Ok((self.view(a), self.view(b)))
    }

    /// Divides as [`split`](Dataset::split) does, but each class by itself, so that both parts have the
    /// classes in the same proportion. A class with two or more samples is in both parts; one with a
    /// single sample is in the first part only.
    ///
    /// # Errors
    ///
    /// Where the targets are no classes, or a part would be empty.
    pub fn split_stratified(&self, fraction: f64, seed: u64) -> Result<(Dataset, Dataset)> {
        let counts = self
            .class_counts()
            .ok_or_else(|| self.wrong_targets("a stratified split needs classes"))?;
        let first = (fraction * self.len() as f64).round();
        self.split_point("the split's fraction", fraction, first)?;
        let mut left: Vec<usize> = counts
            .iter()
            .map(|&count| {
                let share = (fraction * count as f64).round() as usize;
                share.clamp(1, count.saturating_sub(1).max(1))
            })
            .collect();
        let (a, b): (Vec<u32>, Vec<u32>) = self.shuffled(seed).iter().partition(|&&row| {
            let class = self.label(row as usize).map(|label| label as usize);
            match class.and_then(|class| left.get_mut(class)) {
                Some(left) if *left > 0 => {
                    *left -= 1;
                    true
                }
                _ => false,
            }
        });
        if b.is_empty() {
            return Err(Error::data(
                "targets",
                "every class has one sample only, so a stratified split leaves the second part empty",
            ));
        }
        Ok((self.view(&a), self.view(&b)))
    }

    /// Divides without shuffling: the second part holds the last `fraction` of the samples, as with
    /// Keras' `validation_split`, where the first part has `floor(n * (1 - fraction))` samples.
    ///
    /// A set that is sorted by class wants [`split`](Dataset::split) instead.
    ///
    /// # Errors
    ///
    /// Where a part would be empty.
    pub fn split_last(&self, fraction: f64) -> Result<(Dataset, Dataset)> {
        let first = (self.len() as f64 * (1.0 - fraction) + ROUNDING).floor();
        let at = self.split_point("the last fraction", fraction, first)?;
        let rows = numbered(self.len());
        let (a, b) = rows.split_at_checked(at).unwrap_or((&rows, &[]));
        Ok((self.view(a), self.view(b)))
    }

    /// These samples only, in this order; a sample may occur more than once.
    ///
    /// # Errors
    ///
    /// Where no sample is named, or one that does not exist.
    pub fn subset(&self, samples: &[u32]) -> Result<Dataset> {
        if samples.is_empty() {
            return Err(Error::argument(
                "the subset",
                "empty",
                "at least one sample",
            ));
        }
        match samples.iter().find(|&&row| row as usize >= self.len()) {
            Some(&row) => Err(self.no_sample(row)),
            None => Ok(self.view(samples)),
        }
    }

    fn shuffled(&self, seed: u64) -> Vec<u32> {
        let mut rows = numbered(self.len());
        shuffle(&mut rows, Stream::new(seed).child(SPLIT));
        rows
    }

    /// How many samples the first part has, where neither part is empty.
    fn split_point(&self, what: &str, fraction: f64, first: f64) -> Result<usize> {
        let n = self.len();
        if n < 2 {
            return Err(Error::data(
                "the split",
                "one sample cannot be divided in two",
            ));
        }
        // The comparison is false for NaN too.
        let fits = (0.0..=1.0).contains(&fraction) && first >= 1.0 && first <= (n - 1) as f64;
        if fits {
            return Ok(first as usize);
        }
        let smallest = 1.0 / n as f64;
        Err(Error::argument(
            what,
            fraction,
            format!(
                "between {smallest:.3e} and 1 - {smallest:.3e}, so that neither part of the {n} samples \
                 is empty"
            ),
        ))
    }
}

#[cfg(test)]
#[path = "split_tests.rs"]
mod tests;
