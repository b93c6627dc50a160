//! Reductions that are composed of others, some with a gradient rule of their own.
//!
//! They have no kernels of their own. Ops before a sum are fused into its loads, and ops after it
//! into its stores, so a composition makes as many passes through memory as a kernel would.

use crate::graph::{Backward, ReduceKind};
use crate::{DType, Shape, Source, Tensor};

/// The largest number of `f32`. Infinities are clamped to it, so that their difference is not NaN.
const LARGEST: f64 = f32::MAX as f64;

/// Returns the shape with size 1 along `axes`, or along all axes if there are none. Axes that do
/// not exist are ignored, because the reduction over them reports the error.
fn kept(shape: &Shape, axes: &[isize]) -> Shape {
    let mut kept = shape.to_vec();
    match axes {
        [] => kept.fill(1),
        _ => {
            for axis in axes.iter().filter_map(|&a| shape.axis(a)) {
                kept[axis] = 1;
            }
        }
    }
    kept.into()
}

impl Tensor {
    /// Broadcasts the result of a reduction of `x` over `axes` to the shape of `x`.
    fn spread_over(&self, x: &Shape, axes: &[isize], caller: Source) -> Tensor {
        if self.id().is_none() {
            return self.clone();
        }
        self.reshape_at(kept(x, axes), caller)
            .broadcast_at(x, caller)
    }

    /// Returns whether any element of a `bool` tensor along `axes` is true; `false` for no
    /// elements. An empty list means all axes; see [`Tensor::sum`].
    #[track_caller]
    pub fn any(&self, axes: &[isize]) -> Tensor {
        self.truth("any");
        self.cast(DType::F32).sum(axes).ne_scalar(0.0)
    }

    /// Returns whether all elements of a `bool` tensor along `axes` are true; `true` for no
    /// elements. An empty list means all axes; see [`Tensor::sum`].
    #[track_caller]
    pub fn all(&self, axes: &[isize]) -> Tensor {
        self.truth("all");
        let not = self.logical_not().cast(DType::F32);
        not.sum(axes).eq_scalar(0.0)
    }

    /// Returns the maximum or minimum over any axes. If these are not adjacent, and so reduced one
    /// run after the other, the equal elements of all runs share the gradient.
    pub(super) fn extreme(&self, kind: ReduceKind, axes: &[isize], caller: Source) -> Tensor {
        let y = self.reduce(kind, axes, caller);
        let shape = self.shape();
        let kept = kept(&shape, axes);
        let reduced = |i: usize| kept[i] != shape[i] || axes.is_empty();
        let starts = (0..shape.rank()).filter(|&i| reduced(i) && (i == 0 || !reduced(i - 1)));
        if starts.count() < 2 || y.id().is_none() {
            return y;
        }
        let axes = axes.to_vec();
        y.with_gradient(&[self], move |b: &Backward| {
            let (x, shape) = (&b.x[0], b.x[0].shape());
            let spread = |t: &Tensor| t.spread_over(&shape, &axes, Source::caller());
            let hit = x.eq(&spread(b.y)).cast(DType::F32);
            let share = b.dy / hit.sum(&axes);
            Ok(vec![Some(spread(&share) * hit)])
        })
    }

    /// Records an error if this is not a boolean tensor.
    #[track_caller]
    fn truth(&self, op: &'static str) {
        if self.id().is_some() && self.dtype() != DType::Bool {
            let reason = "the input must be bool; see `Tensor::cast`".to_string();
            self.record_error(op, reason, Source::caller());
        }
    }

    /// Computes `ln(sum of e^x)` over `axes`, without overflow; see [`Tensor::sum`]. If all
    /// elements are negative infinity, the result is negative infinity.
    #[track_caller]
    pub fn logsumexp(&self, axes: &[isize]) -> Tensor {
        let (shape, caller) = (self.shape(), Source::caller());
        if shape.is_empty() {
            // The maximum of no elements does not exist; their sum is 0.
            return self.exp().sum(axes).log();
        }
        let max = self.max(axes);
        let largest = max.clamp(-LARGEST, LARGEST);
        let rest = (self - largest.spread_over(&shape, axes, caller)).exp();
        let total = rest.sum(axes);
        // Without the clamp, because on some GPUs the logarithm of 0 is finite.
        let y = total.log() + &max;
        if y.id().is_none() {
            return y;
        }
        let axes = axes.to_vec();
        // Relative to the maximum and not to the result, whose rounding is coarse if it is large.
        y.with_gradient(&[self, &largest, &total], move |b: &Backward| {
            let (x, shape) = (&b.x[0], b.x[0].shape());
            let spread = |t: &Tensor| t.spread_over(&shape, &axes, Source::caller());
            let dx = (x - spread(&b.x[1])).exp() * spread(&(b.dy / &b.x[2]));
            Ok(vec![Some(dx), None, None])
        })
    }

    /// Computes the variance over `axes`: the sum of `(x - mean)^2` divided by `n - correction`,
    /// where `n` is the number of elements along `axes`. A correction of 1 gives the unbiased
    /// estimate, PyTorch's default; 0 gives the population variance. An empty list means all axes;
    /// see [`Tensor::sum`].
    ///
    /// It is computed in two passes, with a correction for the rounding of the mean. It is an error if
    /// `n` does not exceed the correction (PyTorch returns NaN or infinity).
    #[track_caller]
    pub fn var(&self, axes: &[isize], correction: f64) -> Tensor {
        self.spread_of(axes, correction, "var").0
    }

    /// Computes the standard deviation over `axes`: the root of [`Tensor::var`]. Where it is 0, its
    /// gradient is 0, as in PyTorch.
    #[track_caller]
    pub fn std(&self, axes: &[isize], correction: f64) -> Tensor {
        let (variance, mean, scale) = self.spread_of(axes, correction, "std");
        if variance.id().is_none() {
            return variance;
        }
        let axes = axes.to_vec();
        variance
            .sqrt()
            .with_gradient(&[self, &mean], move |b: &Backward| {
                let (x, shape) = (&b.x[0], b.x[0].shape());
                let spread = |t: &Tensor| t.spread_over(&shape, &axes, Source::caller());
                let zero = b.y.eq_scalar(0.0);
                let slope = zero.select(&b.y.zeros_like(), &(b.dy / b.y * scale));
                Ok(vec![Some((x - &b.x[1]) * spread(&slope)), None])
            })
    }

    /// Returns the variance, the mean in the shape of the input, and `1 / (n - correction)`.
    #[track_caller]
    fn spread_of(
        &self,
        axes: &[isize],
        correction: f64,
        op: &'static str,
    ) -> (Tensor, Tensor, f64) {
        let (shape, caller) = (self.shape(), Source::caller());
        let mean = self.mean(axes);
        if mean.id().is_none() {
            return (mean.clone(), mean, 0.0);
        }
        let n = shape.len() as f64 / mean.shape().len().max(1) as f64;
        if n <= correction && !mean.shape().is_empty() {
            let reason = format!("{n} elements minus a correction of {correction} must be above 0");
            let broken = self.record_error(op, reason, caller);
            return (broken.clone(), broken, 0.0);
        }
        let scale = 1.0 / (n - correction);
        let mean = mean.spread_over(&shape, axes, caller);
        // Subtracts the error from the rounding of the mean, which follows from the sum of the
        // differences: the "corrected two-pass algorithm" of Chan, Golub and LeVeque (1983).
        let rest = (self - &mean).sum(axes);
        let y = (self.squared_difference(&mean).sum(axes) - rest.square() * (1.0 / n)) * scale;
        let axes = axes.to_vec();
        let y = y.with_gradient(&[self, &mean], move |b: &Backward| {
            let (x, shape) = (&b.x[0], b.x[0].shape());
            let dy = (b.dy * (2.0 * scale)).spread_over(&shape, &axes, Source::caller());
            // The mean depends on x, but the sum of all differences from it is 0.
            Ok(vec![Some((x - &b.x[1]) * dy), None])
        });
        (y, mean, scale)
    }

    /// Computes the norm of order `p > 0` over `axes`: `(sum of |x|^p)^(1/p)`. An order of 1 gives
    /// the sum of magnitudes, 2 the Euclidean norm, infinity the largest magnitude. An empty list
    /// means all axes; see [`Tensor::sum`].
    ///
    /// As in PyTorch, the gradient is 0 where the norm is 0, and equal largest magnitudes share it
    /// evenly.
    #[track_caller]
    pub fn norm(&self, axes: &[isize], p: f64) -> Tensor {
        let caller = Source::caller();
        if p.is_nan() || p <= 0.0 {
            let reason = format!("expected an order above 0, found {p}");
            return self.record_error("norm", reason, caller);
        }
        if p == f64::INFINITY {
            return self.abs().max(axes);
        }
        if p == 1.0 {
            return self.abs().sum(axes);
        }
        let shape = self.shape();
        if self.id().is_none() || shape.is_empty() {
            return self.abs().powf(p).sum(axes).powf(1.0 / p);
        }
        // Powers of large elements overflow and powers of small ones underflow, so the elements are
        // scaled.
        let (scale, back) = self.abs().max(axes).norm_scale(p);
        let spread = scale.spread_over(&shape, axes, caller);
        let scaled = self * &spread;
        let length = match p {
            2.0 => scaled.square().sum(axes).sqrt(),
            _ => scaled.abs().powf(p).sum(axes).powf(1.0 / p),
        };
        let y = &length * &back;
        if y.id().is_none() {
            return y;
        }
        let axes = axes.to_vec();
        y.with_gradient(&[self, &spread, &length], move |b: &Backward| {
            let (x, shape, length) = (&b.x[0], b.x[0].shape(), &b.x[2]);
            let zero = b.y.eq_scalar(0.0);
            // Scaled elements and their norm have the same gradient.
            let slope = b.dy / length.powf(p - 1.0);
            let slope = zero.select(&b.y.zeros_like(), &slope);
            let slope = slope.spread_over(&shape, &axes, Source::caller());
            let x = &(x * &b.x[1]);
            let dx = match p {
                2.0 => x * slope,
                // At 0 the power may be infinite, but the sign is 0.
                _ => {
                    let power = x.abs().powf(p - 1.0) * x.sign() * slope;
                    x.eq_scalar(0.0).select(&x.zeros_like(), &power)
                }
            };
            Ok(vec![Some(dx), None, None])
        })
    }

    /// Returns the factor by which elements with this largest magnitude are scaled before their
    /// powers are summed, and the factor for the norm of order `p` after that. Both are 1 unless a
    /// power or the sum could overflow or underflow. For `p = 2` they are powers of 2, so that they
    /// change no bit of a norm that needs no scaling.
    fn norm_scale(&self, p: f64) -> (Tensor, Tensor) {
        /// Squares up to 2^90 have sums of up to 2^29 terms far below the `f32` limit of 2^128.
        const SAFE: f64 = 45.0;
        let bound = (2.0 * SAFE / p).min(126.0).exp2();
        let (large, small) = (self.gt_scalar(bound), self.lt_scalar(1.0 / bound));
        let one = self.full_like(1.0);
        let pick = |of_large: &Tensor, of_small: &Tensor| {
            large.select(of_large, &small.select(of_small, &one))
        };
        if p == 2.0 {
            let (down, up) = ((-2.0 * SAFE).exp2(), (2.0 * SAFE).exp2());
            let (down, up) = (self.full_like(down), self.full_like(up));
            return (pick(&down, &up), pick(&up, &down));
        }
        // Scaled by the largest magnitude, which becomes 1. If it is 0 or infinite, no scaling
        // helps.
        let finite = self.gt_scalar(0.0).select(self, &one);
        let finite = finite.clamp_max(LARGEST);
        let inverse = 1.0 / &finite;
        (pick(&inverse, &inverse), pick(&finite, &finite))
    }
}
