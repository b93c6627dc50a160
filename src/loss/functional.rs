//! Losses as functions of tensors.
//!
//! Gradients flow to the predictions, and to targets that are values.
//!
//! # Example
//! ```
//! use wgrad::{Device, loss::functional::{Reduction, mse}};
//!
//! let (mean, each) = wgrad::eval(&Device::cpu(), |g| {
//!     let (x, t) = (g.tensor([2], [1.0, 5.0]), g.tensor([2], [0.0, 2.0]));
//!     (mse(&x, &t, Reduction::Mean), mse(&x, &t, Reduction::None))
//! })?;
//! assert_eq!((mean.data, each.data), (vec![5.0], vec![1.0, 9.0]));
//! # Ok::<(), wgrad::Error>(())
//! ```

use super::Loss;
pub use crate::graph::Ctc;
use crate::{DType, Source, Tensor};

/// How the losses of all elements or samples are reduced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reduction {
    /// The mean, a scalar.
    #[default]
    Mean,
    /// The sum, a scalar.
    Sum,
    /// The sum divided by the size of the first axis, a scalar: PyTorch's `batchmean`.
    BatchMean,
    /// No reduction.
    None,
}

impl Reduction {
    /// Reduces the losses.
    #[track_caller]
    pub fn of(self, each: &Tensor) -> Tensor {
        match self {
            Reduction::Mean => each.mean(&[]),
            Reduction::Sum => each.sum(&[]),
            Reduction::BatchMean => each.sum(&[]) / each.dim(0) as f64,
            Reduction::None => each.clone(),
        }
    }

    /// Reduces losses that are already multiplied by `weights`: the mean is their sum divided by
    /// the sum of the weights. If that is 0, the mean is NaN and the gradient 0.
    #[track_caller]
    pub fn weighted(self, each: &Tensor, weights: &Tensor) -> Tensor {
        match self {
            Reduction::Mean => {
                let (sum, total) = (each.sum(&[]), weights.sum(&[]));
                (&sum / &total).with_gradient(&[&sum, &total], |b| {
                    let none = b.x[1].eq_scalar(0.0);
                    let zero = b.x[1].zeros_like();
                    let by = none.select(&b.x[1].full_like(1.0), &b.x[1]);
                    let sum = none.select(&zero, &(b.dy / &by));
                    let total = none.select(&zero, &-(b.dy * b.y / &by));
                    Ok(vec![Some(sum), Some(total)])
                })
            }
            other => other.of(each),
        }
    }
}

/// Returns the mean of losses `[batch, ..]` with weights `[batch, ..]` of their first axes:
/// `sum(w l) / sum(w)`. If the losses are already multiplied by class weights, pass these as
/// `by_label`; the result is then `sum(w l) / sum(w by_label)`.
///
/// Weights with a sum of 0 give NaN and a gradient of 0.
#[track_caller]
pub fn weighted_mean(each: &Tensor, by_label: Option<&Tensor>, weights: &Tensor) -> Tensor {
    let Some(weights) = spread_weights(weights, each) else {
        let reason = format!(
            "expected weights of the first axes of the losses {}, found {}",
            each.shape(),
            weights.shape()
        );
        return each.record_error("weighted_mean", reason, Source::caller());
    };
    let counts = match by_label {
        Some(by_label) => by_label * &weights,
        None => weights.clone(),
    };
    Reduction::Mean.weighted(&(each * &weights), &counts)
}

/// Returns weights `[batch, ..]` in the shape of `like`, whose first axes they have.
pub(crate) fn spread_weights(weights: &Tensor, like: &Tensor) -> Option<Tensor> {
    let (shape, wanted) = (weights.shape(), like.shape());
    if !wanted.dims().starts_with(shape.dims()) {
        return None;
    }
    let mut dims = shape.to_vec();
    dims.resize(wanted.rank(), 1);
    Some(weights.reshape(dims).broadcast_to(wanted))
}

/// Returns the mean of a loss over a batch, weighted where the data set has sample weights.
#[track_caller]
pub(crate) fn mean_of(loss: &dyn Loss, output: &Tensor, target: &Tensor) -> Tensor {
    match output.batch_weights() {
        Some(weights) => loss.weighted_mean(output, target, &weights),
        None => loss.mean(output, target),
    }
}

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
    pub(super) fn weights(&self, labels: &Tensor) -> Option<Tensor> {
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

/// Squared error: `(x - t)^2`.
#[track_caller]
pub fn mse(x: &Tensor, t: &Tensor, reduction: Reduction) -> Tensor {
    reduction.of(&(x - t).square())
}

/// Absolute error: `|x - t|`.
///
/// # Example
/// ```
/// use wgrad::{Device, loss::functional::{Reduction, mae}};
///
/// let loss = wgrad::eval(&Device::cpu(), |g| {
///     mae(&g.tensor([2], [1.0, 5.0]), &g.tensor([2], [0.0, 2.0]), Reduction::Sum)
/// })?;
/// assert_eq!(loss.data, [4.0]);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[track_caller]
pub fn mae(x: &Tensor, t: &Tensor, reduction: Reduction) -> Tensor {
    reduction.of(&(x - t).abs())
}

/// Huber loss (Huber, 1964): half the square of the error `e = |x - t|` up to `delta`, and the line
/// `delta (e - delta / 2)` beyond.
///
/// # Example
/// ```
/// use wgrad::{Device, loss::functional::{Reduction, huber}};
///
/// let loss = wgrad::eval(&Device::cpu(), |g| {
///     huber(&g.tensor([2], [0.5, 3.0]), &g.tensor([2], [0.0; 2]), 1.0, Reduction::None)
/// })?;
/// assert_eq!(loss.data, [0.125, 2.5]);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[track_caller]
pub fn huber(x: &Tensor, t: &Tensor, delta: f64, reduction: Reduction) -> Tensor {
    let off = (x - t).abs();
    let near = off.minimum(&off.constant_like(delta));
    reduction.of(&(&near * (off - &near * 0.5)))
}

/// Smooth L1 loss: [`huber`] divided by `beta`, which gives its line a slope of 1. A `beta` of 0 is
/// the absolute error.
///
/// # Example
/// ```
/// use wgrad::{Device, loss::functional::{Reduction, smooth_l1}};
///
/// let loss = wgrad::eval(&Device::cpu(), |g| {
///     smooth_l1(&g.tensor([2], [0.25, 1.0]), &g.tensor([2], [0.0; 2]), 0.5, Reduction::None)
/// })?;
/// assert_eq!(loss.data, [0.0625, 0.75]);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[track_caller]
pub fn smooth_l1(x: &Tensor, t: &Tensor, beta: f64, reduction: Reduction) -> Tensor {
    match beta > 0.0 {
        true => huber(x, t, beta, reduction) / beta,
        false => mae(x, t, reduction),
    }
}

/// Binary cross-entropy of probabilities with targets from 0 to 1. A term is at most 100, as in
/// PyTorch.
///
/// # Example
/// ```
/// use wgrad::{Device, loss::functional::{Reduction, binary_cross_entropy}};
///
/// let loss = wgrad::eval(&Device::cpu(), |g| {
///     binary_cross_entropy(&g.tensor([1], [0.5]), &g.tensor([1], [1.0]), Reduction::Mean)
/// })?;
/// assert!((loss.data[0] - 2f64.ln()).abs() < 1e-6);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[track_caller]
pub fn binary_cross_entropy(p: &Tensor, t: &Tensor, reduction: Reduction) -> Tensor {
    reduction.of(&p.binary_cross_entropy(t))
}

/// Binary cross-entropy of logits: `softplus(z) - z t`, finite for all logits. With `pos_weight`, a
/// number or one for each column, the term of the positive class, `t ln p`, is multiplied by it.
///
/// # Example
/// ```
/// use wgrad::{Device, loss::functional::{Reduction, binary_cross_entropy_with_logits}};
///
/// let loss = wgrad::eval(&Device::cpu(), |g| {
///     let (z, t) = (g.tensor([1], [0.0]), g.tensor([1], [1.0]));
///     binary_cross_entropy_with_logits(&z, &t, Some(&g.tensor([1], [3.0])), Reduction::Mean)
/// })?;
/// assert!((loss.data[0] - 3.0 * 2f64.ln()).abs() < 1e-6);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[track_caller]
pub fn binary_cross_entropy_with_logits(
    z: &Tensor,
    t: &Tensor,
    pos_weight: Option<&Tensor>,
    reduction: Reduction,
) -> Tensor {
    let each = match pos_weight {
        None => z.softplus() - z * t,
        Some(w) => (1.0 - t) * z + ((w - 1.0) * t + 1.0) * (-z).softplus(),
    };
    reduction.of(&each)
}

/// Focal loss of two classes (Lin et al., 2017): binary cross-entropy of logits times `(1 -
/// p_t)^gamma`, where `p_t` is the probability of the target. With `alpha`, it is also multiplied
/// by `alpha` for targets of 1 and by `1 - alpha` for 0.
///
/// # Example
/// ```
/// use wgrad::{Device, loss::functional::{Reduction, focal}};
///
/// let loss = wgrad::eval(&Device::cpu(), |g| {
///     let (z, t) = (g.tensor([1], [0.0]), g.tensor([1], [1.0]));
///     focal(&z, &t, 2.0, Some(0.25), Reduction::Mean)
/// })?;
/// assert!((loss.data[0] - 0.0625 * 2f64.ln()).abs() < 1e-6);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[track_caller]
pub fn focal(
    z: &Tensor,
    t: &Tensor,
    gamma: f64,
    alpha: Option<f64>,
    reduction: Reduction,
) -> Tensor {
    let p = z.sigmoid();
    let wrong = &p + t - (&p * t) * 2.0;
    let mut each = (z.softplus() - z * t) * wrong.relu().powf(gamma);
    if let Some(alpha) = alpha {
        each = each * (t * (2.0 * alpha - 1.0) + (1.0 - alpha));
    }
    reduction.of(&each)
}

/// The Kullback-Leibler divergence of log-probabilities `x` from probabilities `t`: `t (ln t - x)`,
/// which is 0 where `t` is 0.
///
/// As in PyTorch, [`Reduction::BatchMean`] is the mathematical definition, and [`Reduction::Mean`]
/// the mean over all elements.
///
/// # Example
/// ```
/// use wgrad::{Device, loss::functional::{Reduction, kl_divergence}};
///
/// let loss = wgrad::eval(&Device::cpu(), |g| {
///     let x = g.tensor([1, 2], [0.0, 0.0]).log_softmax(-1);
///     kl_divergence(&x, &g.tensor([1, 2], [1.0, 0.0]), Reduction::BatchMean)
/// })?;
/// assert!((loss.data[0] - 2f64.ln()).abs() < 1e-6);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[track_caller]
pub fn kl_divergence(x: &Tensor, t: &Tensor, reduction: Reduction) -> Tensor {
    let zero = t.constant_like(0.0);
    let some = t.gt(&zero);
    let log = some.select(t, &t.constant_like(1.0)).log();
    reduction.of(&some.select(&(t * (log - x)), &zero))
}

/// The Kullback-Leibler divergence for targets that are log-probabilities: `e^t (t - x)`.
///
/// # Example
/// ```
/// use wgrad::{Device, loss::functional::{Reduction, kl_divergence_of_logs}};
///
/// let loss = wgrad::eval(&Device::cpu(), |g| {
///     let x = g.tensor([1, 1], [-1.0]);
///     kl_divergence_of_logs(&x, &g.tensor([1, 1], [0.0]), Reduction::BatchMean)
/// })?;
/// assert_eq!(loss.data, [1.0]);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[track_caller]
pub fn kl_divergence_of_logs(x: &Tensor, t: &Tensor, reduction: Reduction) -> Tensor {
    reduction.of(&(t.exp() * (t - x)))
}

/// Hinge loss: `max(0, margin - x t)`, for targets of 1 and -1.
///
/// # Example
/// ```
/// use wgrad::{Device, loss::functional::{Reduction, hinge}};
///
/// let loss = wgrad::eval(&Device::cpu(), |g| {
///     hinge(&g.tensor([2], [0.25, 0.25]), &g.tensor([2], [1.0, -1.0]), 1.0, Reduction::None)
/// })?;
/// assert_eq!(loss.data, [0.75, 1.25]);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[track_caller]
pub fn hinge(x: &Tensor, t: &Tensor, margin: f64, reduction: Reduction) -> Tensor {
    reduction.of(&(margin - x * t).relu())
}

/// Hinge embedding loss, PyTorch's `hinge_embedding_loss`: `x` where the target is 1, and `max(0,
/// margin - x)` where it is -1.
///
/// # Example
/// ```
/// use wgrad::{Device, loss::functional::{Reduction, hinge_embedding}};
///
/// let loss = wgrad::eval(&Device::cpu(), |g| {
///     let (x, t) = (g.tensor([2], [0.25, 0.25]), g.tensor([2], [1.0, -1.0]));
///     hinge_embedding(&x, &t, 1.0, Reduction::None)
/// })?;
/// assert_eq!(loss.data, [0.25, 0.75]);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[track_caller]
pub fn hinge_embedding(x: &Tensor, t: &Tensor, margin: f64, reduction: Reduction) -> Tensor {
    let same = t.gt(&t.constant_like(0.0));
    reduction.of(&same.select(x, &(margin - x).relu()))
}

/// Cosine embedding loss of the rows of `a` and `b`, `[batch, features]`, with targets `[batch]`:
/// `1 - cos(a, b)` where the target is 1, and `max(0, cos(a, b) - margin)` where it is -1.
///
/// # Example
/// ```
/// use wgrad::{Device, loss::functional::{Reduction, cosine_embedding}};
///
/// let loss = wgrad::eval(&Device::cpu(), |g| {
///     let (a, b) = (g.tensor([1, 2], [1.0, 0.0]), g.tensor([1, 2], [0.0, 3.0]));
///     cosine_embedding(&a, &b, &g.tensor([1], [1.0]), 0.0, Reduction::Mean)
/// })?;
/// assert!((loss.data[0] - 1.0).abs() < 1e-6);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[track_caller]
pub fn cosine_embedding(
    a: &Tensor,
    b: &Tensor,
    t: &Tensor,
    margin: f64,
    reduction: Reduction,
) -> Tensor {
    const EPS: f64 = 1e-12;
    let norm = |x: &Tensor| x.square().sum(&[-1]) + EPS;
    let cos = (a * b).sum(&[-1]) / (norm(a) * norm(b)).sqrt();
    let same = t.gt(&t.constant_like(0.0));
    reduction.of(&same.select(&(1.0 - &cos), &(&cos - margin).relu()))
}

/// Triplet margin loss of rows of anchors, positives and negatives, `[batch, features]` each:
/// `max(0, |a - p| - |a - n| + margin)`, with Euclidean distances. As in PyTorch, 1e-6 is added to
/// each difference.
///
/// With `swap`, the distance of the negative is the smaller of those to the anchor and to the
/// positive (Balntas et al., 2016).
///
/// # Example
/// ```
/// use wgrad::{Device, loss::functional::{Reduction, triplet}};
///
/// let loss = wgrad::eval(&Device::cpu(), |g| {
///     let rows = [[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]];
///     let [a, p, n] = rows.map(|row| g.tensor([1, 2], row));
///     triplet([&a, &p, &n], 1.0, false, Reduction::Mean)
/// })?;
/// assert!((loss.data[0] - 5.0).abs() < 1e-4); // 5 - 1 + 1
/// # Ok::<(), wgrad::Error>(())
/// ```
#[track_caller]
pub fn triplet(
    [anchor, positive, negative]: [&Tensor; 3],
    margin: f64,
    swap: bool,
    reduction: Reduction,
) -> Tensor {
    const EPS: f64 = 1e-6;
    let distance = |a: &Tensor, b: &Tensor| (a - b + EPS).square().sum(&[-1]).sqrt();
    let mut far = distance(anchor, negative);
    if swap {
        far = far.minimum(&distance(positive, negative));
    }
    reduction.of(&(distance(anchor, positive) - far + margin).relu())
}

/// Gaussian negative log-likelihood: `(ln v + (mean - t)^2 / v) / 2`, where the variance `v` is at
/// least `eps`. With `full`, the constant `ln(2 pi) / 2` is added.
///
/// # Example
/// ```
/// use wgrad::{Device, loss::functional::{Reduction, gaussian_nll}};
///
/// let loss = wgrad::eval(&Device::cpu(), |g| {
///     let [mean, t, variance] = [0.0, 2.0, 4.0].map(|x| g.tensor([1], [x]));
///     gaussian_nll(&mean, &t, &variance, (false, 1e-6), Reduction::Mean)
/// })?;
/// assert!((loss.data[0] - (4f64.ln() + 1.0) / 2.0).abs() < 1e-6);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[track_caller]
pub fn gaussian_nll(
    mean: &Tensor,
    t: &Tensor,
    variance: &Tensor,
    (full, eps): (bool, f64),
    reduction: Reduction,
) -> Tensor {
    let v = variance.maximum(&variance.constant_like(eps));
    let mut each = (v.log() + (mean - t).square() / &v) * 0.5;
    if full {
        each = each + 0.5 * std::f64::consts::TAU.ln();
    }
    reduction.of(&each)
}

/// Poisson negative log-likelihood of counts `t`, for the logarithm `x` of the rate: `e^x - t x`.
/// With `full`, Stirling's approximation of `ln t!` is added for counts above 1.
///
/// # Example
/// ```
/// use wgrad::{Device, loss::functional::{Reduction, poisson_nll}};
///
/// let loss = wgrad::eval(&Device::cpu(), |g| {
///     poisson_nll(&g.tensor([1], [0.0]), &g.tensor([1], [3.0]), false, Reduction::Mean)
/// })?;
/// assert!((loss.data[0] - 1.0).abs() < 1e-6);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[track_caller]
pub fn poisson_nll(x: &Tensor, t: &Tensor, full: bool, reduction: Reduction) -> Tensor {
    let mut each = x.exp() - t * x;
    if full {
        each = each + stirling(t);
    }
    reduction.of(&each)
}

/// Poisson negative log-likelihood of counts `t`, for the rate `x` itself: `x - t ln(x + 1e-8)`.
///
/// # Example
/// ```
/// use wgrad::{Device, loss::functional::{Reduction, poisson_nll_of_rate}};
///
/// let loss = wgrad::eval(&Device::cpu(), |g| {
///     poisson_nll_of_rate(&g.tensor([1], [1.0]), &g.tensor([1], [5.0]), false, Reduction::Mean)
/// })?;
/// assert!((loss.data[0] - 1.0).abs() < 1e-6);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[track_caller]
pub fn poisson_nll_of_rate(x: &Tensor, t: &Tensor, full: bool, reduction: Reduction) -> Tensor {
    let mut each = x - t * (x + 1e-8).log();
    if full {
        each = each + stirling(t);
    }
    reduction.of(&each)
}

fn stirling(t: &Tensor) -> Tensor {
    let one = t.constant_like(1.0);
    let above = t.gt(&one);
    let t = above.select(t, &one);
    let log = t.log();
    let each = &t * &log - &t + (log + std::f64::consts::TAU.ln()) * 0.5;
    above.select(&each, &t.constant_like(0.0))
}
