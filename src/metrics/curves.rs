//! Curves of scores against labels: ROC, precision and recall, calibration. The definitions are
//! scikit-learn's.

/// A point of a receiver operating characteristic curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RocPoint {
    /// The fraction of the other samples whose score is at least the threshold.
    pub false_positive_rate: f64,
    /// The fraction of the samples of the class whose score is at least the threshold.
    pub true_positive_rate: f64,
    /// The threshold; infinite at the first point.
    pub threshold: f64,
}

/// A point of a precision-recall curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PrPoint {
    /// Precision: `tp / (tp + fp)`.
    pub precision: f64,
    /// Recall: `tp / (tp + fn)`.
    pub recall: f64,
    /// The threshold: samples with at least this score are predicted as the class. Infinite at the
    /// last point.
    pub threshold: f64,
}

/// A bin of a calibration curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CalibrationBin {
    /// The mean predicted probability.
    pub predicted: f64,
    /// The fraction of samples of the class.
    pub actual: f64,
    /// The number of samples.
    pub samples: usize,
}

/// Returns for each distinct score, from the highest, the score and the numbers of true and false
/// positives with at least this score.
fn cumulated(labels: &[bool], scores: &[f64]) -> Vec<(f64, f64, f64)> {
    let mut pairs: Vec<(f64, bool)> = scores.iter().copied().zip(labels.iter().copied()).collect();
    pairs.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut out: Vec<(f64, f64, f64)> = Vec::new();
    let (mut right, mut wrong) = (0.0, 0.0);
    for (score, label) in pairs {
        match label {
            true => right += 1.0,
            false => wrong += 1.0,
        }
        match out.last_mut().filter(|last| last.0 == score) {
            Some(last) => *last = (score, right, wrong),
            None => out.push((score, right, wrong)),
        }
    }
    out
}

/// Returns the receiver operating characteristic curve, one point for each distinct score, from
/// the highest threshold. `labels` says which samples belong to the class. A rate without samples
/// is NaN.
///
/// It is `sklearn.metrics.roc_curve` with `drop_intermediate=False`.
///
/// # Example
/// ```
/// use wgrad::metrics::roc_curve;
///
/// let curve = roc_curve(&[false, true, true], &[0.3, 0.2, 0.9]);
/// assert_eq!(curve.len(), 4);
/// assert_eq!((curve[1].true_positive_rate, curve[1].threshold), (0.5, 0.9));
/// ```
pub fn roc_curve(labels: &[bool], scores: &[f64]) -> Vec<RocPoint> {
    let counts = cumulated(labels, scores);
    let Some((_, positives, negatives)) = counts.last().copied() else {
        return Vec::new();
    };
    let start = (f64::INFINITY, 0.0, 0.0);
    let point = |(threshold, right, wrong): (f64, f64, f64)| RocPoint {
        false_positive_rate: wrong / negatives,
        true_positive_rate: right / positives,
        threshold,
    };
    [start].into_iter().chain(counts).map(point).collect()
}

/// Returns the precision-recall curve, one point for each distinct score, from the lowest
/// threshold, and last the point of precision 1 and recall 0. Recall is 1 without samples of the
/// class.
///
/// It is `sklearn.metrics.precision_recall_curve`.
///
/// # Example
/// ```
/// use wgrad::metrics::precision_recall_curve;
///
/// let curve = precision_recall_curve(&[false, true, true], &[0.3, 0.2, 0.9]);
/// assert_eq!((curve[0].precision, curve[0].recall), (2.0 / 3.0, 1.0));
/// assert_eq!((curve[3].precision, curve[3].recall), (1.0, 0.0));
/// ```
pub fn precision_recall_curve(labels: &[bool], scores: &[f64]) -> Vec<PrPoint> {
    let counts = cumulated(labels, scores);
    let positives = counts.last().map_or(0.0, |last| last.1);
    let point = |(threshold, right, wrong): (f64, f64, f64)| PrPoint {
        precision: right / (right + wrong),
        recall: if positives > 0.0 {
            right / positives
        } else {
            1.0
        },
        threshold,
    };
    let end = PrPoint {
        precision: 1.0,
        recall: 0.0,
        threshold: f64::INFINITY,
    };
    counts.into_iter().rev().map(point).chain([end]).collect()
}

/// Returns the calibration curve: the predicted probabilities in `bins` bins of equal width, each
/// with the fraction of samples of the class. Empty bins are left out.
///
/// It is `sklearn.calibration.calibration_curve` with `strategy="uniform"`.
///
/// # Example
/// ```
/// use wgrad::metrics::calibration_curve;
///
/// let curve = calibration_curve(&[false, true, true], &[0.1, 0.3, 0.9], 2);
/// assert_eq!((curve[0].predicted, curve[0].actual), (0.2, 0.5));
/// assert_eq!(curve[1].samples, 1);
/// ```
pub fn calibration_curve(
    labels: &[bool],
    probabilities: &[f64],
    bins: usize,
) -> Vec<CalibrationBin> {
    let bins = bins.max(1);
    let mut sums = vec![(0.0, 0usize, 0usize); bins];
    for (label, probability) in labels.iter().zip(probabilities) {
        // An edge belongs to the bin below it.
        let edges = 1..bins;
        let below = |edge: &usize| (*edge as f64 / bins as f64) < *probability;
        let bin = edges.filter(below).count();
        if let Some((sum, positive, samples)) = sums.get_mut(bin) {
            *sum += probability;
            *positive += usize::from(*label);
            *samples += 1;
        }
    }
    let filled = sums.into_iter().filter(|(_, _, samples)| *samples > 0);
    filled
        .map(|(sum, positive, samples)| CalibrationBin {
            predicted: sum / samples as f64,
            actual: positive as f64 / samples as f64,
            samples,
        })
        .collect()
}

/// Returns the expected calibration error of a [calibration curve](calibration_curve): the mean
/// difference of predicted probability and actual fraction, weighted by the samples of the bins
/// (Guo et al., 2017). NaN without samples.
pub fn expected_calibration_error(curve: &[CalibrationBin]) -> f64 {
    let all: usize = curve.iter().map(|bin| bin.samples).sum();
    let each = curve.iter();
    let sum: f64 = each
        .map(|bin| bin.samples as f64 * (bin.predicted - bin.actual).abs())
        .sum();
    sum / all as f64
}

/// Returns the Brier score: the mean squared difference of the predicted probability and the label
/// as 0 or 1. NaN without samples.
///
/// It is `sklearn.metrics.brier_score_loss`.
///
/// # Example
/// ```
/// use wgrad::metrics::brier_score;
///
/// assert_eq!(brier_score(&[true, false], &[0.5, 0.0]), 0.125);
/// ```
pub fn brier_score(labels: &[bool], probabilities: &[f64]) -> f64 {
    let pairs = labels.iter().zip(probabilities);
    let errors = pairs.map(|(label, p)| (p - f64::from(u8::from(*label))).powi(2));
    errors.sum::<f64>() / labels.len() as f64
}
