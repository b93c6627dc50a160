//! Metrics of which class was taken for which.

use super::means::answers;
use super::{Confusion, Metric};
use crate::Tensor;
use crate::loss::Loss;

/// How the scores of several classes become one. Only classes that occur or were told count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Average {
    /// Each class counts alike.
    #[default]
    Macro,
    /// Each sample counts alike: all classes' counts in one.
    Micro,
    /// Each class counts by its samples.
    Weighted,
    /// This class alone: 1 is the positive one of a binary target.
    Class(usize),
}

impl Average {
    /// A metric's name with the average in it, which the usual one has not.
    fn name(self, of: &str) -> String {
        match self {
            Average::Macro => of.to_string(),
            Average::Micro => format!("{of}_micro"),
            Average::Weighted => format!("{of}_weighted"),
            Average::Class(class) => format!("{of}_class_{class}"),
        }
    }
}

/// The classes that are told and that should be.
fn collect(output: &Tensor, target: &Tensor, loss: &dyn Loss) -> Vec<Tensor> {
    let (told, right) = answers(output, target, loss);
    vec![right, told]
}

/// Counts pairs of classes.
fn add(total: &mut Vec<f64>, batch: &[Vec<f64>]) {
    let [right, told] = batch else { return };
    let mut confusion = Confusion::from_numbers(std::mem::take(total));
    for (right, told) in right.iter().zip(told) {
        confusion.count(*right as usize, *told as usize);
    }
    *total = confusion.numbers();
}

macro_rules! of_confusion {
    ($metric:ty, |$self:ident| $name:expr, |$confusion:ident| $finish:expr) => {
        impl Metric for $metric {
            fn name(&$self) -> &str {
                $name
            }
            fn collect(&self, output: &Tensor, target: &Tensor, loss: &dyn Loss) -> Vec<Tensor> {
                collect(output, target, loss)
            }
            fn add(&self, total: &mut Vec<f64>, batch: &[Vec<f64>], _: usize) {
                add(total, batch);
            }
            fn finish(&$self, total: &[f64]) -> f64 {
                let $confusion = Confusion::from_numbers(total.to_vec());
                $finish
            }
        }
    };
}

/// The share of what was taken for a class that is of it; 0 where nothing was.
#[derive(Clone, Debug, PartialEq)]
pub struct Precision {
    average: Average,
    name: String,
}

/// The share of a class that was taken for it; 0 where there is none of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Recall {
    average: Average,
    name: String,
}

/// The harmonic mean of precision and recall, in which recall counts `beta` times as much; 0 for a class that
/// neither occurs nor was told.
#[derive(Clone, Debug, PartialEq)]
pub struct FBeta {
    average: Average,
    beta: f64,
    name: String,
}

impl Precision {
    /// Averaged so.
    pub fn new(average: Average) -> Self {
        let name = average.name("precision");
        Precision { average, name }
    }
}

impl Recall {
    /// Averaged so.
    pub fn new(average: Average) -> Self {
        let name = average.name("recall");
        Recall { average, name }
    }
}

impl FBeta {
    /// For a beta above 0, averaged so. Its name is `f1`, `f2` or `f0.5`, say.
    pub fn new(beta: f64, average: Average) -> Self {
        FBeta {
            average,
            beta,
            name: average.name(&format!("f{beta}")),
        }
    }

    /// F1, in which both count alike.
    pub fn f1(average: Average) -> Self {
        FBeta::new(1.0, average)
    }
}

of_confusion!(Precision, |self| &self.name, |c| c
    .average(self.average, |s| s.precision));
of_confusion!(Recall, |self| &self.name, |c| c
    .average(self.average, |s| s.recall));
of_confusion!(FBeta, |self| &self.name, |c| c
    .average(self.average, |s| s.f_beta(self.beta)));

/// The mean recall of the classes that occur.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BalancedAccuracy;

of_confusion!(BalancedAccuracy, |self| "balanced_accuracy", |c| c
    .balanced_accuracy());

/// Matthews' correlation coefficient; see [`Confusion::matthews_correlation`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MatthewsCorrelation;

of_confusion!(MatthewsCorrelation, |self| "mcc", |c| c
    .matthews_correlation());
