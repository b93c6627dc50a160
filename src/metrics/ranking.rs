//! Metrics of ranked scores, which are gathered and sorted on the host.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ClassSpec, Facts, Metric, Settings, counted, mean, weights_of};
use crate::loss::{Loss, Outputs};
use crate::schema::range;
use crate::task::Task;
use crate::{DType, Tensor};

/// Returns the labels, the scores of all classes or the single score of a binary target, and
/// whether they are logits.
fn collect(output: &Tensor, target: &Tensor, loss: &dyn Loss) -> Vec<Tensor> {
    let logits = target.dtype() == DType::U32 && loss.takes_logits();
    let logits = output.constant_like(f64::from(u8::from(logits)));
    let mut tensors = vec![target.clone(), output.clone(), logits];
    tensors.extend(counted(target, loss));
    tensors
}

/// A sample's score, whether the sample belongs to the class, and its weight.
type Scored = (f64, bool, f64);

/// Stores the number of scores, then each label with its scores. With sample weights the number is
/// negative, and each row ends with its weight.
fn add(total: &mut Vec<f64>, batch: &[Vec<f64>]) {
    let [labels, scores, logits, weights @ ..] = batch else {
        return;
    };
    let logits = logits.first().is_some_and(|l| *l > 0.5);
    let width = scores.len() / labels.len().max(1);
    if total.is_empty() {
        let sign = if weights.is_empty() { 1.0 } else { -1.0 };
        total.push(sign * width as f64);
    }
    let weighted = total.first().is_some_and(|width| *width < 0.0);
    let each = weights_of(weights, labels.len());
    let rows = labels.iter().zip(scores.chunks(width.max(1))).zip(each);
    for ((label, scores), weight) in rows.filter(|(_, weight)| *weight > 0.0) {
        total.push(*label);
        // Scores of different samples are compared, so they must be probabilities. They are
        // computed in f64, which keeps equal scores equal.
        let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let powers = scores.iter().map(|s| (s - largest).exp());
        let sum: f64 = powers.clone().sum();
        match logits {
            true => total.extend(powers.map(|p| p / sum)),
            false => total.extend_from_slice(scores),
        }
        total.extend(weighted.then_some(weight));
    }
}

/// Returns the scores of a class, whether each sample belongs to it, and the weights; empty if
/// there is no such class.
fn of_class(total: &[f64], class: usize) -> Vec<Scored> {
    let Some((width, rows)) = total.split_first() else {
        return Vec::new();
    };
    let weighted = *width < 0.0;
    let width = width.abs() as usize;
    if width == 0 || class >= width.max(2) {
        return Vec::new();
    }
    let rows = rows.chunks_exact(1 + width + usize::from(weighted));
    let pairs = rows.filter_map(|row| {
        let (label, scores) = row.split_first()?;
        let weight = scores.get(width).copied().unwrap_or(1.0);
        // A binary target is a number, with one score for the second class.
        let (score, is) = match (width, class) {
            (1, 0) => (-*scores.first()?, *label <= 0.5),
            (1, _) => (*scores.first()?, *label > 0.5),
            _ => (*scores.get(class)?, *label == class as f64),
        };
        Some((score, is, weight))
    });
    pairs.collect()
}

/// Returns the classes of the mean over classes: the second one of two.
fn averaged_classes(total: &[f64]) -> std::ops::Range<usize> {
    match total.first().map_or(0, |width| width.abs() as usize) {
        0 => 0..0,
        1 | 2 => 1..2,
        width => 0..width,
    }
}

/// Returns for each score, from the highest, the weights of the samples of the class and of the
/// other samples with that score.
fn groups(mut pairs: Vec<Scored>) -> Vec<(f64, f64)> {
    pairs.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut groups: Vec<(f64, f64)> = Vec::new();
    let mut last = f64::NAN;
    for (score, is, weight) in pairs {
        if score != last {
            groups.push((0.0, 0.0));
            last = score;
        }
        if let Some((of, others)) = groups.last_mut() {
            match is {
                true => *of += weight,
                false => *others += weight,
            }
        }
    }
    groups
}

/// The probability that a sample of the class has a higher score than another sample; equal scores
/// count half. NaN if all samples belong to the class, or none.
fn roc_auc(pairs: Vec<Scored>) -> f64 {
    let (mut above, mut all_others, mut area) = (0.0, 0.0, 0.0);
    for (of, others) in groups(pairs) {
        area += others * (above + of / 2.0);
        above += of;
        all_others += others;
    }
    area / (above * all_others)
}

/// The average precision: `sum (R_n - R_(n-1)) P_n`, without interpolation. 0 if no sample belongs
/// to the class.
fn average_precision(pairs: Vec<Scored>) -> f64 {
    let (mut of_class, mut taken, mut area) = (0.0, 0.0, 0.0);
    for (of, others) in groups(pairs) {
        of_class += of;
        taken += of + others;
        area += of * of_class / taken;
    }
    if of_class > 0.0 { area / of_class } else { 0.0 }
}

fn mean_over_classes(total: &[f64], one: fn(Vec<Scored>) -> f64) -> f64 {
    let classes = averaged_classes(total);
    let count = classes.len() as f64;
    classes
        .map(|class| one(of_class(total, class)))
        .sum::<f64>()
        / count
}

/// The area under the ROC or the precision-recall curve of one class against the rest; see
/// [`RocAuc::of_class`] and [`PrAuc::of_class`].
#[derive(Clone, Debug, PartialEq)]
pub struct RankedClass {
    area: Area,
    class: usize,
    name: String,
}

/// The curve under which an area is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Area {
    Roc,
    Pr,
}

impl Area {
    fn name(self) -> &'static str {
        match self {
            Area::Roc => "roc_auc",
            Area::Pr => "pr_auc",
        }
    }

    fn of_class(self, class: usize) -> RankedClass {
        RankedClass {
            area: self,
            class,
            name: ClassSpec::Index(class).suffixed(self.name()),
        }
    }
}

impl Metric for RankedClass {
    fn name(&self) -> &str {
        &self.name
    }
    fn collect(&self, output: &Tensor, target: &Tensor, loss: &dyn Loss) -> Vec<Tensor> {
        collect(output, target, loss)
    }
    fn add(&self, total: &mut Vec<f64>, batch: &[Vec<f64>], _: usize) {
        add(total, batch);
    }
    fn finish(&self, total: &[f64]) -> f64 {
        let scored = of_class(total, self.class);
        match self.area {
            Area::Roc => roc_auc(scored),
            Area::Pr => average_precision(scored),
        }
    }
}

macro_rules! ranked {
    ($(#[$doc:meta])* $metric:ident $spec:ident $area:ident) => {
        impl $metric {
            /// Returns the metric of one class against the rest, by the index of the class.
            pub fn of_class(self, class: usize) -> RankedClass {
                Area::$area.of_class(class)
            }
        }

        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(default, deny_unknown_fields)]
        pub struct $spec {
            /// A single class to score instead: its name, or its index counted from 0.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub class: Option<ClassSpec>,
        }

        impl Settings for $spec {
            fn build(&self, facts: Facts) -> Box<dyn Metric> {
                let (Some(class), Some(index)) = (&self.class, facts.class) else {
                    return Box::new($metric);
                };
                let name = class.suffixed(Area::$area.name());
                Box::new(RankedClass {
                    name,
                    ..Area::$area.of_class(index)
                })
            }

            fn class(&self) -> Option<&ClassSpec> {
                self.class.as_ref()
            }

            fn tasks(&self) -> &'static [Task] {
                &[Task::Classification]
            }
        }
    };
}

ranked!(
    /// The settings of [`RocAuc`], the area under the receiver operating characteristic curve. For
    /// more than two classes, the mean over classes of one against the rest; or of one class.
    RocAuc RocAucSpec Roc
);
ranked!(
    /// The settings of [`PrAuc`], the area under the precision-recall curve, as the average
    /// precision. For more than two classes, the mean over classes of one against the rest; or of
    /// one class.
    PrAuc PrAucSpec Pr
);

/// The area under the receiver operating characteristic curve. For more than two classes, the mean
/// over classes of one against the rest. All scores are kept on the host.
///
/// # Example
/// ```
/// use wgrad::prelude::*;
///
/// let logits = vec![2.0, 1.0, 0.0, 3.0, 5.0, 1.0]; // predictions 0, 1 and 0
/// let set = Dataset::from_arrays(logits, [2], Targets::classes(vec![0, 1, 1], 2))?;
/// let mut trainer = Trainer::new(nn::Linear::new(2, 2).init(nn::init::identity()))
///     .metric(metrics::RocAuc)
///     .compile(&Device::cpu(), &set)?;
/// let value = trainer.evaluate(&set)?.metric("roc_auc").unwrap();
/// assert!((value - 0.5).abs() < 1e-6);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RocAuc;

impl Metric for RocAuc {
    fn name(&self) -> &str {
        "roc_auc"
    }
    fn collect(&self, output: &Tensor, target: &Tensor, loss: &dyn Loss) -> Vec<Tensor> {
        collect(output, target, loss)
    }
    fn add(&self, total: &mut Vec<f64>, batch: &[Vec<f64>], _: usize) {
        add(total, batch);
    }
    fn finish(&self, total: &[f64]) -> f64 {
        mean_over_classes(total, roc_auc)
    }
}

/// The area under the precision-recall curve, as the average precision. For more than two classes,
/// the mean over classes of one against the rest. All scores are kept on the host.
///
/// # Example
/// ```
/// use wgrad::prelude::*;
///
/// let logits = vec![2.0, 1.0, 0.0, 3.0, 5.0, 1.0]; // predictions 0, 1 and 0
/// let set = Dataset::from_arrays(logits, [2], Targets::classes(vec![0, 1, 1], 2))?;
/// let mut trainer = Trainer::new(nn::Linear::new(2, 2).init(nn::init::identity()))
///     .metric(metrics::PrAuc)
///     .compile(&Device::cpu(), &set)?;
/// let value = trainer.evaluate(&set)?.metric("pr_auc").unwrap();
/// assert!((value - 5.0 / 6.0).abs() < 1e-6);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PrAuc;

impl Metric for PrAuc {
    fn name(&self) -> &str {
        "pr_auc"
    }
    fn collect(&self, output: &Tensor, target: &Tensor, loss: &dyn Loss) -> Vec<Tensor> {
        collect(output, target, loss)
    }
    fn add(&self, total: &mut Vec<f64>, batch: &[Vec<f64>], _: usize) {
        add(total, batch);
    }
    fn finish(&self, total: &[f64]) -> f64 {
        mean_over_classes(total, average_precision)
    }
}

/// Top-k accuracy: the fraction of samples whose class is among the `k` highest scores. Of equal
/// scores, those of later classes rank first, as in scikit-learn. A batch returns the scores of all
/// classes.
///
/// # Example
/// ```
/// use wgrad::prelude::*;
///
/// let logits = vec![2.0, 1.0, 0.0, 3.0, 5.0, 1.0]; // predictions 0, 1 and 0
/// let set = Dataset::from_arrays(logits, [2], Targets::classes(vec![0, 1, 1], 2))?;
/// let mut trainer = Trainer::new(nn::Linear::new(2, 2).init(nn::init::identity()))
///     .metric(metrics::TopK::new(2))
///     .compile(&Device::cpu(), &set)?;
/// let value = trainer.evaluate(&set)?.metric("top_2").unwrap();
/// assert!((value - 1.0).abs() < 1e-6);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct TopK {
    k: usize,
    name: String,
}

/// The settings of [`TopK`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TopKSpec {
    /// The number of highest scores among which the label must be.
    #[schemars(with = "range::Count<1>")]
    pub k: usize,
}

impl Default for TopKSpec {
    fn default() -> Self {
        TopKSpec { k: 5 }
    }
}

impl Settings for TopKSpec {
    fn build(&self, _: Facts) -> Box<dyn Metric> {
        Box::new(TopK::new(self.k))
    }

    fn tasks(&self) -> &'static [Task] {
        &[Task::Classification]
    }

    fn takes(&self, outputs: Outputs) -> bool {
        // A single number for each sample has no ranking.
        outputs.by_class()
    }
}

impl TopK {
    /// Creates the metric for this `k`. Its name is, for example, `top_5`.
    pub fn new(k: usize) -> Self {
        let name = format!("top_{k}");
        TopK { k, name }
    }
}

impl Metric for TopK {
    fn name(&self) -> &str {
        &self.name
    }
    fn collect(&self, output: &Tensor, target: &Tensor, loss: &dyn Loss) -> Vec<Tensor> {
        let mut tensors = vec![target.clone(), output.clone()];
        tensors.extend(counted(target, loss));
        tensors
    }
    fn add(&self, total: &mut Vec<f64>, batch: &[Vec<f64>], _: usize) {
        let [labels, scores, weights @ ..] = batch else {
            return;
        };
        total.resize(2, 0.0);
        let width = scores.len() / labels.len().max(1);
        let each = weights_of(weights, labels.len());
        let rows = labels.iter().zip(scores.chunks(width.max(1))).zip(each);
        for ((label, scores), weight) in rows.filter(|(_, weight)| *weight > 0.0) {
            // A binary target has one score.
            let label = *label as usize;
            let Some(own) = scores.get(label) else {
                continue;
            };
            let before = |(j, s): (usize, &f64)| s > own || (s == own && j > label);
            let above = scores
                .iter()
                .enumerate()
                .filter(|(j, s)| before((*j, *s)))
                .count();
            if let [hits, all] = total.as_mut_slice() {
                *hits += if above < self.k { weight } else { 0.0 };
                *all += weight;
            }
        }
    }
    fn finish(&self, total: &[f64]) -> f64 {
        mean(total)
    }
}
