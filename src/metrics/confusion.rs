//! The confusion matrix, and the scores that follow from it.

use super::Average;

/// The confusion matrix: the number of samples of each class that are predicted as each class.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Confusion {
    /// `counts[actual * classes + predicted]`; whole numbers, exact up to 2^53.
    counts: Vec<f64>,
}

/// The scores of a class; `None` where it is never predicted, or does not occur.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClassScores {
    /// Precision: `tp / (tp + fp)`.
    pub precision: Option<f64>,
    /// Recall: `tp / (tp + fn)`.
    pub recall: Option<f64>,
    /// How many samples the class has.
    pub support: f64,
    /// The number of samples predicted as it.
    pub taken: f64,
    /// How many of these are of it.
    pub right: f64,
}

impl ClassScores {
    /// Of a class with `support` samples, for which `taken` were taken, `right` of them rightly.
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

    /// The weighted harmonic mean of precision and recall, `(1 + b^2) P R / (b^2 P + R)`, where recall counts
    /// `beta` times as much; `None` where the class neither occurs nor was told.
    pub fn f_beta(&self, beta: f64) -> Option<f64> {
        let b2 = beta * beta;
        let of = b2 * self.support + self.taken;
        (of > 0.0).then(|| (1.0 + b2) * self.right / of)
    }
}

impl Confusion {
    /// Counts pairs of the actual class and the predicted one.
    pub fn of(pairs: impl IntoIterator<Item = (usize, usize)>) -> Self {
        let mut confusion = Confusion::default();
        for (actual, predicted) in pairs {
            confusion.count(actual, predicted);
        }
        confusion
    }

    /// From rows of counts, `counts[actual][predicted]`.
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

    /// From its numbers, as [`Confusion::numbers`] gives them.
    pub(super) fn from_numbers(counts: Vec<f64>) -> Self {
        Confusion { counts }
    }

    /// Its counts row by row.
    pub(super) fn numbers(self) -> Vec<f64> {
        self.counts
    }

    /// How many classes it knows: one more than the largest number seen.
    pub fn classes(&self) -> usize {
        self.counts.len().isqrt()
    }

    /// The number of samples of `actual` predicted as `predicted`.
    pub fn at(&self, actual: usize, predicted: usize) -> f64 {
        let n = self.classes();
        let inside = actual < n && predicted < n;
        let at = inside.then(|| actual * n + predicted);
        at.and_then(|at| self.counts.get(at))
            .copied()
            .unwrap_or(0.0)
    }

    /// One more sample.
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

    /// All samples.
    pub fn samples(&self) -> f64 {
        self.counts.iter().sum()
    }

    /// The samples whose class was told.
    pub fn right(&self) -> f64 {
        (0..self.classes()).map(|i| self.at(i, i)).sum()
    }

    /// The scores of a class.
    pub fn scores(&self, class: usize) -> ClassScores {
        let n = self.classes();
        let support = (0..n).map(|i| self.at(class, i)).sum();
        let taken = (0..n).map(|i| self.at(i, class)).sum();
        ClassScores::of(self.at(class, class), taken, support)
    }

    /// The classes that occur or were told.
    fn present(&self) -> impl Iterator<Item = ClassScores> + '_ {
        let all = (0..self.classes()).map(|i| self.scores(i));
        all.filter(|s| s.support > 0.0 || s.taken > 0.0)
    }

    /// A score of each class, averaged. Where a class has none (a division by 0) it counts as 0.
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

    /// The mean recall of the classes that occur; NaN for no samples.
    pub fn balanced_accuracy(&self) -> f64 {
        let recalls: Vec<f64> = self.present().filter_map(|s| s.recall).collect();
        recalls.iter().sum::<f64>() / recalls.len() as f64
    }

    /// Matthews' correlation coefficient of what is and what was told, for any number of classes (Gorodkin,
    /// 2004): 1 for all right, 0 for no connection, also where all are of one class or told to be.
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
