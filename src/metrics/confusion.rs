//! The confusion matrix, and the scores that are computed from it.

use super::Average;

/// The confusion matrix: the number of samples of each class that are predicted as each class.
///
/// # Example
/// ```
/// use wgrad::metrics::{Average, Confusion};
///
/// let pairs = [(0, 0), (1, 1), (1, 0)]; // actual, predicted
/// let confusion = Confusion::of(pairs);
/// assert_eq!(confusion.at(1, 0), 1.0);
/// assert_eq!(confusion.scores(0).precision, Some(0.5));
/// assert_eq!(confusion.average(Average::Macro, |scores| scores.recall), 0.75);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Confusion {
    /// `counts[actual * classes + predicted]`; integers, exact up to 2^53.
    counts: Vec<f64>,
}

/// The scores of a class; `None` where a class is never predicted, or does not occur.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClassScores {
    /// Precision: `tp / (tp + fp)`.
    pub precision: Option<f64>,
    /// Recall: `tp / (tp + fn)`.
    pub recall: Option<f64>,
    /// The number of samples of the class.
    pub support: f64,
    /// The number of samples predicted as the class.
    pub taken: f64,
    /// The number of samples predicted as the class that belong to it.
    pub right: f64,
}

impl ClassScores {
    /// Creates the scores of a class with `support` samples, `taken` predictions and `right`
    /// correct predictions.
    pub fn of(right: f64, taken: f64, support: f64) -> Self {
        let share = |of: f64| (of > 0.0).then(|| right / of);
        ClassScores {
            precision: share(taken),
            recall: share(support),
            support,
            taken,
            right,
        }
    }

    /// Returns the weighted harmonic mean of precision and recall, `(1 + b^2) P R / (b^2 P + R)`,
    /// with recall weighted `beta` times as much; `None` if the class neither occurs nor is
    /// predicted.
    pub fn f_beta(&self, beta: f64) -> Option<f64> {
        let b2 = beta * beta;
        let of = b2 * self.support + self.taken;
        (of > 0.0).then(|| (1.0 + b2) * self.right / of)
    }
}

impl Confusion {
    /// Counts pairs of the actual and the predicted class.
    pub fn of(pairs: impl IntoIterator<Item = (usize, usize)>) -> Self {
        let mut confusion = Confusion::default();
        for (actual, predicted) in pairs {
            confusion.count(actual, predicted);
        }
        confusion
    }

    /// Creates a matrix from rows of counts, `counts[actual][predicted]`.
    pub fn from_rows(rows: &[Vec<u64>]) -> Self {
        let mut confusion = Confusion::default();
        confusion.grow(rows.len());
        let classes = confusion.classes();
        for (row, counts) in rows.iter().zip(confusion.counts.chunks_mut(classes.max(1))) {
            for (count, given) in counts.iter_mut().zip(row) {
                *count = *given as f64;
            }
        }
        confusion
    }

    /// Creates a matrix from the output of [`Confusion::numbers`].
    pub(super) fn from_numbers(counts: Vec<f64>) -> Self {
        Confusion { counts }
    }

    /// Returns the counts, row by row.
    pub(super) fn numbers(self) -> Vec<f64> {
        self.counts
    }

    /// Returns the number of classes: one more than the largest class seen.
    pub fn classes(&self) -> usize {
        self.counts.len().isqrt()
    }

    /// Returns the number of samples of class `actual` that are predicted as `predicted`.
    pub fn at(&self, actual: usize, predicted: usize) -> f64 {
        let n = self.classes();
        let inside = actual < n && predicted < n;
        let at = inside.then(|| actual * n + predicted);
        at.and_then(|at| self.counts.get(at))
            .copied()
            .unwrap_or(0.0)
    }

    /// Adds a sample.
    pub fn count(&mut self, actual: usize, predicted: usize) {
        self.add(actual, predicted, 1.0);
    }

    /// Counts one sample of this weight.
    pub(super) fn add(&mut self, actual: usize, predicted: usize, weight: f64) {
        self.grow(actual.max(predicted) + 1);
        let n = self.classes();
        if let Some(count) = self.counts.get_mut(actual * n + predicted) {
            *count += weight;
        }
    }

    fn grow(&mut self, classes: usize) {
        let n = self.classes();
        if classes > n {
            let old = std::mem::replace(&mut self.counts, vec![0.0; classes * classes]);
            let rows = self.counts.chunks_mut(classes).zip(old.chunks(n.max(1)));
            for (row, old) in rows {
                row.iter_mut().zip(old).for_each(|(new, old)| *new = *old);
            }
        }
    }

    /// Returns the number of samples.
    pub fn samples(&self) -> f64 {
        self.counts.iter().sum()
    }

    /// Returns the number of correct predictions.
    pub fn right(&self) -> f64 {
        (0..self.classes()).map(|i| self.at(i, i)).sum()
    }

    /// Returns the scores of a class.
    pub fn scores(&self, class: usize) -> ClassScores {
        let n = self.classes();
        let support = (0..n).map(|i| self.at(class, i)).sum();
        let taken = (0..n).map(|i| self.at(i, class)).sum();
        ClassScores::of(self.at(class, class), taken, support)
    }

    /// Returns the scores of the classes that occur or are predicted.
    fn present(&self) -> impl Iterator<Item = ClassScores> + '_ {
        let all = (0..self.classes()).map(|i| self.scores(i));
        all.filter(|s| s.support > 0.0 || s.taken > 0.0)
    }

    /// Returns the average of a score over the classes. An undefined score (a division by 0) counts
    /// as 0.
    pub fn average(&self, average: Average, score: impl Fn(&ClassScores) -> Option<f64>) -> f64 {
        let score = |s: &ClassScores| score(s).unwrap_or(0.0);
        let weighted = |weight: fn(&ClassScores) -> f64| {
            let (mut sum, mut weights) = (0.0, 0.0);
            for s in self.present() {
                sum += weight(&s) * score(&s);
                weights += weight(&s);
            }
            if weights > 0.0 { sum / weights } else { 0.0 }
        };
        match average {
            Average::Macro => weighted(|_| 1.0),
            Average::Weighted => weighted(|s| s.support),
            Average::Micro => {
                let all = self.samples();
                score(&ClassScores::of(self.right(), all, all))
            }
            Average::Class(class) => score(&self.scores(class)),
        }
    }

    /// Returns the mean recall of the classes that occur; NaN without samples.
    pub fn balanced_accuracy(&self) -> f64 {
        let recalls: Vec<f64> = self.present().filter_map(|s| s.recall).collect();
        recalls.iter().sum::<f64>() / recalls.len() as f64
    }

    /// Returns the Matthews correlation coefficient of actual and predicted classes, for any number
    /// of classes (Gorodkin, 2004). It is 1 for perfect predictions and 0 for no correlation. It is
    /// also 0 if all samples have the same class or the same prediction.
    pub fn matthews_correlation(&self) -> f64 {
        let all = self.samples();
        let (mut both, mut support, mut taken) = (0.0, 0.0, 0.0);
        for s in self.present() {
            both += s.support * s.taken;
            support += s.support * s.support;
            taken += s.taken * s.taken;
        }
        let spread = (all * all - taken) * (all * all - support);
        match spread > 0.0 {
            true => (self.right() * all - both) / spread.sqrt(),
            false => 0.0,
        }
    }
}
