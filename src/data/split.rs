//! Splits a data set. The parts share the set's arrays.

use super::dataset::Dataset;
use super::order::{SPLIT, numbered, shuffle};
use crate::error::{Error, Result};
use crate::random::Stream;

/// The tolerance for the rounding of `n * (1 - fraction)`.
const ROUNDING: f64 = 1e-9;

impl Dataset {
    /// Shuffles the samples and splits them. The first part contains `fraction` of them, rounded to
    /// whole samples, and the second part the rest. The same seed gives the same parts.
    ///
    /// # Errors
    ///
    /// Returns an error if a part would be empty.
    ///
    /// # Example
    /// ```
    /// use wgrad::data::{Dataset, Targets};
    ///
    /// let x: Vec<f32> = (0..10).map(|i| i as f32).collect();
    /// let set = Dataset::from_arrays(x, [1], Targets::Unlabelled)?;
    /// let (train, test) = set.split(0.8, 42)?;
    /// assert_eq!((train.len(), test.len()), (8, 2));
    /// # Ok::<(), wgrad::Error>(())
    /// ```
    pub fn split(&self, fraction: f64, seed: u64) -> Result<(Dataset, Dataset)> {
        let first = (fraction * self.len() as f64).round();
        let at = self.split_point("the split's fraction", fraction, first)?;
        let rows = self.shuffled(seed);
        let (a, b) = rows.split_at_checked(at).unwrap_or((&rows, &[]));
        Ok((self.view(a), self.view(b)))
    }

    /// Splits like [`split`](Dataset::split), but each class separately, so both parts have the
    /// same proportions of classes. A class with two or more samples is in both parts; a class with
    /// one sample is only in the first part.
    ///
    /// # Errors
    ///
    /// Returns an error if the targets are not classes, or a part would be empty.
    ///
    /// # Example
    /// ```
    /// use wgrad::data::{Dataset, Targets};
    ///
    /// let labels = vec![0, 0, 0, 0, 0, 0, 1, 1];
    /// let set = Dataset::from_arrays(vec![0.0; 8], [1], Targets::classes(labels, 2))?;
    /// let (train, test) = set.split_stratified(0.5, 0)?;
    /// assert_eq!(train.class_counts(), Some(vec![3, 1]));
    /// assert_eq!(test.class_counts(), Some(vec![3, 1]));
    /// # Ok::<(), wgrad::Error>(())
    /// ```
    pub fn split_stratified(&self, fraction: f64, seed: u64) -> Result<(Dataset, Dataset)> {
        let counts = self
            .class_counts()
            .ok_or_else(|| self.wrong_targets("a stratified split needs class targets"))?;
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

    /// Splits without shuffling: the second part contains the last `fraction` of the samples. As
    /// with Keras' `validation_split`, the first part has `floor(n * (1 - fraction))` samples.
    ///
    /// Use [`split`](Dataset::split) for a set that is sorted by class.
    ///
    /// # Errors
    ///
    /// Returns an error if a part would be empty.
    ///
    /// # Example
    /// ```
    /// use wgrad::data::{Dataset, Targets};
    ///
    /// let set = Dataset::from_arrays(vec![0.0, 1.0, 2.0, 3.0], [1], Targets::Unlabelled)?;
    /// let (train, validation) = set.split_last(0.25)?;
    /// assert_eq!(*train.features_all(), [0.0, 1.0, 2.0]);
    /// assert_eq!(*validation.features_all(), [3.0]);
    /// # Ok::<(), wgrad::Error>(())
    /// ```
    pub fn split_last(&self, fraction: f64) -> Result<(Dataset, Dataset)> {
        let first = (self.len() as f64 * (1.0 - fraction) + ROUNDING).floor();
        let at = self.split_point("the last fraction", fraction, first)?;
        let rows = numbered(self.len());
        let (a, b) = rows.split_at_checked(at).unwrap_or((&rows, &[]));
        Ok((self.view(a), self.view(b)))
    }

    /// Returns the set of these samples, in this order. A sample may occur more than once.
    ///
    /// # Errors
    ///
    /// Returns an error if `samples` is empty or contains a sample that does not exist.
    ///
    /// # Example
    /// ```
    /// use wgrad::data::{Dataset, Targets};
    ///
    /// let set = Dataset::from_arrays(vec![5.0, 6.0, 7.0], [1], Targets::Unlabelled)?;
    /// assert_eq!(*set.subset(&[2, 0])?.features_all(), [7.0, 5.0]);
    /// # Ok::<(), wgrad::Error>(())
    /// ```
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

    /// Returns the size of the first part, if neither part is empty.
    fn split_point(&self, what: &str, fraction: f64, first: f64) -> Result<usize> {
        let n = self.len();
        if n < 2 {
            return Err(Error::data(
                "the split",
                "expected at least 2 samples, found 1",
            ));
        }
        // The comparison is false for NaN.
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
