//! Losses as functions of tensors. What is called `x` or `output` gets a gradient, and so do targets that are
//! numbers.

use super::Loss;
pub use crate::graph::Ctc;
use crate::{DType, Source, Tensor};

/// What becomes of the losses of all elements or samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reduction {
    /// Their mean, a scalar.
    #[default]
    Mean,
    /// Their sum, a scalar.
    Sum,
    /// Their sum by the size of the first axis, a scalar: PyTorch's `batchmean`.
    BatchMean,
    /// They stay as they are.
    None,
}

impl Reduction {
    /// Reduces them.
    #[track_caller]
    pub fn of(self, each: &Tensor) -> Tensor {
        match self {
            Reduction::Mean => each.mean(&[]),
            Reduction::Sum => each.sum(&[]),
            Reduction::BatchMean => each.sum(&[]) / each.dim(0) as f64,
            Reduction::None => each.clone(),
        }
    }

    /// Reduces those whose mean is one by weights, which they hold already. Weights whose sum is 0 give a mean of
    /// NaN and a gradient of 0.
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

/// The mean of losses `[batch, ..]` by weights `[batch, ..]` of their first axes: `sum(w l) / sum(w)`. Where the losses
/// hold weights by label already, `by_label` are these, and `sum(w l) / sum(w by_label)` is returned.
///
/// Weights whose sum is 0 give NaN and a gradient of 0.
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

/// Weights `[batch, ..]` in the shape of `like`, whose first axes they have.
pub(crate) fn spread_weights(weights: &Tensor, like: &Tensor) -> Option<Tensor> {
    let (shape, wanted) = (weights.shape(), like.shape());
    if !wanted.dims().starts_with(shape.dims()) {
        return None;
    }
    let mut dims = shape.to_vec();
    dims.resize(wanted.rank(), 1);
    Some(weights.reshape(dims).broadcast_to(wanted))
}

/// The mean of a loss over a batch: by the weights of the batch's samples, where the data has such.
#[track_caller]
pub(crate) fn mean_of(loss: &dyn Loss, output: &Tensor, target: &Tensor) -> Tensor {
    match output.batch_weights() {
        Some(weights) => loss.weighted_mean(output, target, &weights),
        None => loss.mean(output, target),
    }
}

/// How the losses of classes are made; see [`cross_entropy`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Classes<'a> {
    /// The share of the target that is spread over all classes, at least 0 and at most 1.
    pub smoothing: f64,
    /// How much each class counts, `[classes]`; a mean is one by these weights.
    pub weight: Option<&'a Tensor>,
    /// The label of samples that do not count.
    pub ignore: Option<u32>,
}

impl Classes<'_> {
    /// How much each label counts, where not all count alike.
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

/// Softmax cross-entropy of logits `[.., classes]` with labels `[..]`, u32, in nats: `-ln softmax(x)[label]`.
/// With smoothing `e`, `1 - e` of that and `e` of the mean over all classes (Szegedy et al., 2016).
///
/// Where no label counts the mean is NaN, as in PyTorch, and the gradient 0.
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

/// `-x[label]` of log-probabilities `[.., classes]` with labels `[..]`, u32; options as for
/// [`cross_entropy`], but without smoothing.
#[track_caller]
pub fn nll(x: &Tensor, labels: &Tensor, options: &Classes, reduction: Reduction) -> Tensor {
    // The label's element is what cross-entropy leaves of the logarithm of the sum.
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

/// The CTC loss of log-probabilities `[batch, time, classes]` for labels `[batch, s]` that stand in order, but
/// nobody knows where; `lengths` are the frames of each sample and its labels, `[batch]`, and all three are u32.
/// See [`Tensor::ctc_loss`].
///
/// As in PyTorch, a mean is one over samples, each of whose losses is divided by its labels.
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

/// The same for labels `[batch, s]` that are padded with the blank, which no sample spells: a sample's labels end
/// with the last that is none. Without `frames`, `[batch]` u32, all count.
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
    // Behind each label, how many there are up to it.
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

/// `(1 - p)^gamma` times the cross-entropy of logits, where `p` is the probability of the label: samples that
/// are right already count less (Lin et al., 2017).
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

/// `(x - t)^2`.
#[track_caller]
pub fn mse(x: &Tensor, t: &Tensor, reduction: Reduction) -> Tensor {
    reduction.of(&(x - t).square())
}

/// `|x - t|`.
#[track_caller]
pub fn mae(x: &Tensor, t: &Tensor, reduction: Reduction) -> Tensor {
    reduction.of(&(x - t).abs())
}

/// Half the square of `|x - t|` up to `delta`, and a straight line beyond: `delta (|x - t| - delta / 2)`
/// (Huber, 1964).
#[track_caller]
pub fn huber(x: &Tensor, t: &Tensor, delta: f64, reduction: Reduction) -> Tensor {
    let off = (x - t).abs();
    let near = off.minimum(&off.constant_like(delta));
    reduction.of(&(&near * (off - &near * 0.5)))
}

/// [`huber`] by `beta`, so that the line has a slope of 1; the magnitude alone for a `beta` of 0.
#[track_caller]
pub fn smooth_l1(x: &Tensor, t: &Tensor, beta: f64, reduction: Reduction) -> Tensor {
    match beta > 0.0 {
        true => huber(x, t, beta, reduction) / beta,
        false => mae(x, t, reduction),
    }
}

/// Binary cross-entropy of probabilities with targets from 0 to 1; at most 100, as in PyTorch.
#[track_caller]
pub fn binary_cross_entropy(p: &Tensor, t: &Tensor, reduction: Reduction) -> Tensor {
    reduction.of(&p.binary_cross_entropy(t))
}

/// Binary cross-entropy of logits, finite for all of them: `softplus(z) - z t`. With `pos_weight`, a number or
/// one for each column, `t ln p` counts so many times.
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

/// Binary cross-entropy of logits times `(1 - p_t)^gamma`, where `p_t` is the probability of the target; and
/// times `alpha` for targets of 1 and `1 - alpha` for 0, if it is given (Lin et al., 2017).
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

/// The divergence of log-probabilities `x` from probabilities `t`, `t (ln t - x)`; 0 where `t` is 0.
///
/// As in PyTorch, [`Reduction::BatchMean`] is the divergence by its definition; the mean is over all elements.
#[track_caller]
pub fn kl_divergence(x: &Tensor, t: &Tensor, reduction: Reduction) -> Tensor {
    let zero = t.constant_like(0.0);
    let some = t.gt(&zero);
    let log = some.select(t, &t.constant_like(1.0)).log();
    reduction.of(&some.select(&(t * (log - x)), &zero))
}

/// The same for targets that are log-probabilities too: `e^t (t - x)`.
#[track_caller]
pub fn kl_divergence_of_logs(x: &Tensor, t: &Tensor, reduction: Reduction) -> Tensor {
    reduction.of(&(t.exp() * (t - x)))
}

/// `max(0, margin - x t)` for targets of 1 and -1.
#[track_caller]
pub fn hinge(x: &Tensor, t: &Tensor, margin: f64, reduction: Reduction) -> Tensor {
    reduction.of(&(margin - x * t).relu())
}

/// `x` where the target is 1, `max(0, margin - x)` where it is -1: PyTorch's `hinge_embedding_loss`.
#[track_caller]
pub fn hinge_embedding(x: &Tensor, t: &Tensor, margin: f64, reduction: Reduction) -> Tensor {
    let same = t.gt(&t.constant_like(0.0));
    reduction.of(&same.select(x, &(margin - x).relu()))
}

/// For rows of `a` and `b`, `[batch, features]`, with targets `[batch]`: `1 - cos(a, b)` where the target is 1,
/// `max(0, cos(a, b) - margin)` where it is -1.
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

/// `max(0, |a - p| - |a - n| + margin)` for rows of anchors, positives and negatives `[batch, features]`, with
/// Euclidean distances, to each of whose differences 1e-6 is added as in PyTorch. With `swap`, the negative's
/// distance is the smaller one of those to anchor and positive (Balntas et al., 2016).
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

/// Minus the logarithm of a normal density, `(ln v + (mean - t)^2 / v) / 2`, where the variance `v` is at least
/// `eps`; with the constant `ln(2 pi) / 2`, if it is asked for.
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

/// Minus the logarithm of Poisson's probability of counts `t`, for the logarithm `x` of the rate: `e^x - t x`.
/// With `full`, and Stirling's approximation of `ln t!` for counts above 1.
#[track_caller]
pub fn poisson_nll(x: &Tensor, t: &Tensor, full: bool, reduction: Reduction) -> Tensor {
    let mut each = x.exp() - t * x;
    if full {
        each = each + stirling(t);
    }
    reduction.of(&each)
}

/// The same for the rate itself: `x - t ln(x + 1e-8)`.
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
