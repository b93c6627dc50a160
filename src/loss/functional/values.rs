//! Losses of values, probabilities and distances.

use super::Reduction;
use crate::Tensor;

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
