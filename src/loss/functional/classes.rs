//! Losses of class labels and label sequences.

use super::{Ctc, Reduction};
use crate::{DType, Tensor};

/// The options of the classification losses; see [`cross_entropy`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Classes<'a> {
    /// The fraction of the target that is distributed over all classes, from 0 to 1.
    pub smoothing: f64,
    /// The weight of each class, `[classes]`. Means are then weighted means.
    pub weight: Option<&'a Tensor>,
    /// The label of samples to ignore.
    pub ignore: Option<u32>,
}

impl Classes<'_> {
    /// Returns the weight of each label, `None` where all are equal.
    pub(in crate::loss) fn weights(&self, labels: &Tensor) -> Option<Tensor> {
        let by_class = self.weight.map(|w| w.gather(labels));
        let counts = self.ignore.map(|ignored| {
            let other = labels.eq(&labels.constant_like(f64::from(ignored)));
            other.logical_not().cast(DType::F32)
        });
        match (by_class, counts) {
            (Some(by_class), Some(counts)) => Some(by_class * counts),
            (one, other) => one.or(other),
        }
    }
}

/// Softmax cross-entropy of logits `[.., classes]` with labels `[..]`, u32, in nats: `-ln
/// softmax(x)[label]`.
///
/// With smoothing `e`, it is `1 - e` times that, plus `e` times the mean over all classes (Szegedy
/// et al., 2016). If all labels are ignored, the mean is NaN, as in PyTorch, and the gradient 0.
///
/// # Example
/// ```
/// use wgrad::{Device, loss::functional::{Classes, Reduction, cross_entropy}};
///
/// let options = Classes { ignore: Some(9), ..Classes::default() };
/// let loss = wgrad::eval(&Device::cpu(), |g| {
///     let logits = g.tensor([2, 2], [0.0, 0.0, 7.0, -7.0]);
///     cross_entropy(&logits, &g.indices([2], [1, 9]), &options, Reduction::Sum)
/// })?;
/// assert!((loss.data[0] - 2f64.ln()).abs() < 1e-6);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[track_caller]
pub fn cross_entropy(
    logits: &Tensor,
    labels: &Tensor,
    options: &Classes,
    reduction: Reduction,
) -> Tensor {
    let own = logits.cross_entropy(labels);
    let Some(weights) = options.weights(labels) else {
        let each = match options.smoothing > 0.0 {
            true => {
                let spread = -logits.log_softmax(-1).mean(&[-1]);
                own * (1.0 - options.smoothing) + spread * options.smoothing
            }
            false => own,
        };
        return reduction.of(&each);
    };
    let mut each = own * &weights;
    if options.smoothing > 0.0 {
        let log = logits.log_softmax(-1);
        let log = match options.weight {
            Some(weight) => log * weight,
            None => log,
        };
        let mut spread = -log.mean(&[-1]);
        if let Some(ignored) = options.ignore {
            let other = labels.eq(&labels.constant_like(f64::from(ignored)));
            spread = spread * other.logical_not().cast(DType::F32);
        }
        each = each * (1.0 - options.smoothing) + spread * options.smoothing;
    }
    reduction.weighted(&each, &weights)
}

/// The negative log-likelihood `-x[label]` of log-probabilities `[.., classes]` with labels `[..]`,
/// u32. The options are those of [`cross_entropy`], without smoothing.
///
/// # Example
/// ```
/// use wgrad::{Device, loss::functional::{Classes, Reduction, nll}};
///
/// let loss = wgrad::eval(&Device::cpu(), |g| {
///     let x = g.tensor([1, 2], [-0.5, -1.0]);
///     nll(&x, &g.indices([1], [1]), &Classes::default(), Reduction::Mean)
/// })?;
/// assert_eq!(loss.data, [1.0]);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[track_caller]
pub fn nll(x: &Tensor, labels: &Tensor, options: &Classes, reduction: Reduction) -> Tensor {
    // The cross-entropy op without its log-sum-exp term is the element of the label.
    let largest = x.max(&[-1]);
    let mut column = x.shape().to_vec();
    column.last_mut().into_iter().for_each(|n| *n = 1);
    let shifted = x - largest.reshape(column);
    let total = shifted.exp().sum(&[-1]).log() + &largest;
    let each = x.cross_entropy(labels) - total;
    match options.weights(labels) {
        Some(weights) => reduction.weighted(&(each * &weights), &weights),
        None => reduction.of(&each),
    }
}

/// The CTC loss of log-probabilities `[batch, time, classes]` for labels `[batch, s]`, which are in
/// order but not aligned with the frames. `lengths` are the numbers of frames and of labels of each
/// sample, `[batch]` each. Labels and lengths are u32. See [`Tensor::ctc_loss`].
///
/// As in PyTorch, [`Reduction::Mean`] is the mean over samples of each loss divided by its number
/// of labels.
///
/// # Example
/// ```
/// use wgrad::{Device, loss::functional::{Ctc, Reduction, ctc}};
///
/// let loss = wgrad::eval(&Device::cpu(), |g| {
///     let log_p = g.tensor([1, 2, 2], [0.0; 4]).log_softmax(-1);
///     let lengths = [&g.indices([1], [2]), &g.indices([1], [1])];
///     ctc(&log_p, &g.indices([1, 1], [1]), lengths, Ctc::default(), Reduction::Mean)
/// })?;
/// assert!((loss.data[0] + 0.75f64.ln()).abs() < 1e-6); // 3 of 4 paths spell the label
/// # Ok::<(), wgrad::Error>(())
/// ```
#[track_caller]
pub fn ctc(
    log_p: &Tensor,
    labels: &Tensor,
    lengths: [&Tensor; 2],
    options: Ctc,
    reduction: Reduction,
) -> Tensor {
    let each = log_p.ctc_loss(labels, lengths, options);
    if reduction != Reduction::Mean {
        return reduction.of(&each);
    }
    let [_, count] = lengths.map(|n| n.cast(DType::F32));
    let most = labels.shape().last().max(1) as f64;
    let count = count.clamp(1.0, most);
    reduction.of(&(each / count))
}

/// The CTC loss like [`ctc`], for labels `[batch, s]` that are padded with the blank: a sample's
/// labels end with the last one that is not the blank. `frames`, `[batch]` u32, are the numbers of
/// frames. Default: all frames.
#[track_caller]
pub fn ctc_padded(
    log_p: &Tensor,
    labels: &Tensor,
    frames: Option<&Tensor>,
    options: Ctc,
    reduction: Reduction,
) -> Tensor {
    let (shape, s) = (log_p.shape(), labels.shape().last());
    let (batch, time) = (log_p.dim(0), shape.get(1).copied().unwrap_or(0));
    let blank = labels.constant_like(f64::from(options.blank));
    // For each label, its position from 1.
    let place = labels.numbers(s).cast(DType::F32) + 1.0;
    let ends = labels.ne(&blank).cast(DType::F32) * place;
    let counts = match s {
        0 => ends.sum(&[1]),
        _ => ends.max(&[1]),
    };
    let all = || log_p.full([batch], time as f64).cast(DType::U32);
    let frames = frames.cloned().unwrap_or_else(all);
    let lengths = [&frames, &counts.cast(DType::U32)];
    ctc(log_p, labels, lengths, options, reduction)
}

/// Focal loss of several classes: `(1 - p)^gamma` times the cross-entropy of logits, where `p` is
/// the probability of the label (Lin et al., 2017). Samples whose label has a high probability have
/// a smaller weight.
///
/// # Example
/// ```
/// use wgrad::{Device, loss::functional::{Reduction, focal_cross_entropy}};
///
/// let loss = wgrad::eval(&Device::cpu(), |g| {
///     focal_cross_entropy(&g.tensor([1, 2], [0.0; 2]), &g.indices([1], [1]), 2.0, Reduction::Mean)
/// })?;
/// assert!((loss.data[0] - 0.25 * 2f64.ln()).abs() < 1e-6);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[track_caller]
pub fn focal_cross_entropy(
    logits: &Tensor,
    labels: &Tensor,
    gamma: f64,
    reduction: Reduction,
) -> Tensor {
    let loss = logits.cross_entropy(labels);
    let wrong = (1.0 - (-&loss).exp()).relu();
    reduction.of(&(wrong.powf(gamma) * loss))
}
