//! Normalization of rows: `y = (x - mean) / sqrt(mean of (x - mean)^2 + eps) w + b`.
//!
//! The inputs are `x [.., n]`, a weight `[n]` and a bias `[n]`; the result is `[.., n]`, f32. This
//! is layer normalization (Ba, Kiros and Hinton, 2016). RMS normalization (Zhang and Sennrich,
//! 2019) has no mean and no bias. The variance is the population variance. The backward pass uses
//! the input and computes the mean and deviation again, which costs less than reading them.
//!
//! The gradient of the weight is the sum over rows of `dy (x - mean) rstd`. The normalized rows are
//! computed again, and a reduction adds them in a fixed order.
//! once more, and a reduction adds them up in a fixed order.

use crate::graph::{Backward, Grads, Meta, Norm, NormGrad, Op, Scalar};
use crate::kernel::{Part, wgsl};
use crate::ops::row_op::{self, HostRow, RowOp, row_op};
use crate::ops::{Array, OpDoc, Precision, Tolerance, rows};
use crate::{DType, Shape, Source, Tensor};

row_op!(Norm, NormGrad);

/// Returns the mean and the reciprocal standard deviation of a row.
fn spread(x: &[f64], centred: bool, eps: f64) -> (f64, f64) {
    let n = x.len() as f64;
    let mean = if centred {
        x.iter().sum::<f64>() / n
    } else {
        0.0
    };
    let squares: f64 = x.iter().map(|x| (x - mean).powi(2)).sum();
    (mean, 1.0 / (squares / n + eps).sqrt())
}

/// Returns the mean and the reciprocal standard deviation in f32.
#[inline(always)]
fn fast_spread(x: &[f32], centred: bool, eps: f64) -> (f32, f32) {
    let n = x.len() as f32;
    let mean = if centred { rows::sum(x) / n } else { 0.0 };
    let variance = rows::squares_around(x, mean) / n;
    (mean, 1.0 / (variance + eps as f32).sqrt())
}

/// Returns the largest error of a normalized element, and the largest reciprocal deviation. The
/// difference of two elements has an error of a rounding of the largest one; all other errors are
/// relative.
fn error(x: &Array, centred: bool, eps: f64) -> (f64, f64) {
    let each = x.rows().map(|row| spread(row, centred, eps).1);
    let rstd = each.fold(0.0, f64::max);
    let steps = (x.shape.last() as f64).sqrt();
    (6e-8 * (4.0 + steps) * (1.0 + x.max_abs() * rstd), rstd)
}

fn check(x: &Meta, others: &[Meta]) -> Result<(), String> {
    let n = x.shape.last();
    if x.dtype != DType::F32 || x.shape.rank() == 0 {
        return Err("expected an f32 tensor with at least one axis".to_string());
    }
    let fits = |m: &Meta| m.shape.dims() == [n] && m.dtype == DType::F32;
    match others.iter().all(fits) {
        true => Ok(()),
        false => Err(format!("rows of {n} require f32 weights of shape [{n}]")),
    }
}

fn words(centred: bool, eps: Scalar) -> Vec<u32> {
    vec![u32::from(centred), (eps.0 as f32).to_bits()]
}

impl RowOp for Norm {
    const FLOPS: f64 = 7.0;
    const COST: usize = 6;
    const PRECISION: Precision = Precision::Half;

    fn name(&self) -> &'static str {
        if self.centred {
            "layer_norm"
        } else {
            "rms_norm"
        }
    }
    fn doc(&self) -> OpDoc {
        OpDoc {
            formula: match self.centred {
                true => {
                    "`y = h w + b`, `h = (x - mean) / sqrt(mean of (x - mean)^2 + eps)` of each row"
                }
                false => "`y = h w`, `h = x / sqrt(mean of x^2 + eps)` of each row",
            },
            shapes: match self.centred {
                true => "`x [.., n]`, `w [n]`, `b [n]`; `y [.., n]`",
                false => "`x [.., n]`, `w [n]`; `y [.., n]`",
            },
            dtypes: "`f32`",
            gradient: match self.centred {
                true => {
                    "`layer_norm_grad` for `x`; `dw` is the sum of `h dy` over rows, `db` of `dy`"
                }
                false => "`rms_norm_grad` for `x`; `dw` is the sum of `h dy` over rows",
            },
        }
    }
    fn infer(&self, x: &[Meta]) -> Result<Meta, String> {
        let wanted = if self.centred { 3 } else { 2 };
        match x.split_first() {
            Some((x, rest)) if rest.len() + 1 == wanted => check(x, rest).map(|()| x.clone()),
            _ => Err(format!("expected {wanted} inputs, found {}", x.len())),
        }
    }
    fn grad(&self, b: &Backward) -> Grads {
        let caller = Source::caller();
        let (x, w) = (&b.x[0], &b.x[1]);
        let Norm { centred, eps } = *self;
        let op = Op::NormGrad(NormGrad { centred, eps });
        let dx = Tensor::apply(op, &[x, w, b.dy], caller);
        let plain = match centred {
            true => x.layer_norm(None, None, eps.0),
            false => x.rms_norm(None, eps.0),
        };
        let mut grads = vec![Some(dx), Some((plain * b.dy).sum_to(&w.shape()))];
        if centred {
            grads.push(Some(b.dy.sum_to(&w.shape())));
        }
        Ok(grads)
    }
    fn is_whole(&self, i: usize) -> bool {
        i > 0
    }
    fn reference(&self, x: &[&[f64]], y: &mut [f64]) {
        let (mean, rstd) = spread(x[0], self.centred, self.eps.0);
        for (j, y) in y.iter_mut().enumerate() {
            let bias = x.get(2).map_or(0.0, |b| b[j]);
            *y = (x[0][j] - mean) * rstd * x[1][j] + bias;
        }
    }
    fn tolerance(&self, x: &[&Array], _: &Array) -> Tolerance {
        let (error, _) = error(x[0], self.centred, self.eps.0);
        let bias = x.get(2).map_or(0.0, |b| b.max_abs());
        Tolerance {
            abs: 2.0 * error * x[1].max_abs() + 6e-8 * bias,
            rel: 2e-6,
        }
    }
    #[inline(always)]
    fn cpu(&self, x: &[HostRow], y: &mut [f32]) {
        let (row, w) = (x[0].f32(), x[1].f32());
        let (mean, rstd) = fast_spread(row, self.centred, self.eps.0);
        match x.get(2) {
            Some(b) => {
                let scaled = row.iter().zip(w).zip(b.f32());
                for (y, ((x, w), b)) in y.iter_mut().zip(scaled) {
                    *y = (x - mean) * rstd * w + b;
                }
            }
            None => {
                for (y, (x, w)) in y.iter_mut().zip(row.iter().zip(w)) {
                    *y = (x - mean) * rstd * w;
                }
            }
        }
    }
    fn shader(&self) -> (&'static str, Vec<Part>) {
        match self.centred {
            true => ("layer_norm", vec![wgsl!("lib/norm"), wgsl!("layer_norm")]),
            false => ("rms_norm", vec![wgsl!("lib/norm"), wgsl!("rms_norm")]),
        }
    }
    fn params(&self) -> Vec<u32> {
        words(self.centred, self.eps)
    }
}

impl RowOp for NormGrad {
    const FLOPS: f64 = 14.0;
    const COST: usize = 12;
    const PRECISION: Precision = Precision::Full;

    fn name(&self) -> &'static str {
        if self.centred {
            "layer_norm_grad"
        } else {
            "rms_norm_grad"
        }
    }
    fn doc(&self) -> OpDoc {
        OpDoc {
            formula: match self.centred {
                true => {
                    "`dx = (g - mean(g) - h mean(g h)) / sqrt(variance + eps)`, `g = dy w`, of each row"
                }
                false => {
                    "`dx = (g - h mean(g h)) / sqrt(mean of x^2 + eps)`, `g = dy w`, of each row"
                }
            },
            shapes: "`x [.., n]`, `w [n]`, `dy [.., n]`; `dx [.., n]`",
            dtypes: "`f32`",
            gradient: "refused",
        }
    }
    fn infer(&self, x: &[Meta]) -> Result<Meta, String> {
        match x {
            [x, w, dy] if x == dy => check(x, std::slice::from_ref(w)).map(|()| x.clone()),
            _ => Err("expected x, its weight, and dy of x's shape".to_string()),
        }
    }
    fn grad(&self, _: &Backward) -> Grads {
        row_op::once()
    }
    fn is_whole(&self, i: usize) -> bool {
        i == 1
    }
    fn reference(&self, x: &[&[f64]], dx: &mut [f64]) {
        let (row, w, dy) = (x[0], x[1], x[2]);
        let n = row.len() as f64;
        let (mean, rstd) = spread(row, self.centred, self.eps.0);
        let g: Vec<f64> = dy.iter().zip(w).map(|(dy, w)| dy * w).collect();
        let h: Vec<f64> = row.iter().map(|x| (x - mean) * rstd).collect();
        let along = g.iter().zip(&h).map(|(g, h)| g * h).sum::<f64>() / n;
        let centre = match self.centred {
            true => g.iter().sum::<f64>() / n,
            false => 0.0,
        };
        for ((dx, g), h) in dx.iter_mut().zip(g).zip(h) {
            *dx = rstd * (g - centre - h * along);
        }
    }
    fn tolerance(&self, x: &[&Array], _: &Array) -> Tolerance {
        let (error, rstd) = error(x[0], self.centred, self.eps.0);
        let largest = x[1].max_abs() * x[2].max_abs();
        // No normalized element exceeds sqrt(n), and it is multiplied by the error of another one
        // twice.
        let steps = 1.0 + (x[0].shape.last() as f64).sqrt();
        Tolerance {
            abs: rstd * largest * (4.0 * error * steps + 6e-7),
            rel: 4e-6,
        }
    }
    #[inline(always)]
    fn cpu(&self, x: &[HostRow], dx: &mut [f32]) {
        let (row, w, dy) = (x[0].f32(), x[1].f32(), x[2].f32());
        let n = row.len() as f32;
        let (mean, rstd) = fast_spread(row, self.centred, self.eps.0);
        for (g, (dy, w)) in dx.iter_mut().zip(dy.iter().zip(w)) {
            *g = dy * w;
        }
        let along = rows::dot_around(row, mean, dx) * rstd / n;
        let centre = if self.centred { rows::sum(dx) / n } else { 0.0 };
        for (dx, x) in dx.iter_mut().zip(row) {
            *dx = rstd * (*dx - centre - (x - mean) * rstd * along);
        }
    }
    fn shader(&self) -> (&'static str, Vec<Part>) {
        ("norm_grad", vec![wgsl!("lib/norm"), wgsl!("norm_grad")])
    }
    fn params(&self) -> Vec<u32> {
        words(self.centred, self.eps)
    }
}

impl Tensor {
    /// Applies layer normalization over the last axis `n`: normalizes to mean 0 and variance 1 (of
    /// the population, plus `eps`), multiplies by the weight `[n]` and adds the bias `[n]`.
    /// Default: a weight of 1 and a bias of 0.
    #[track_caller]
    pub fn layer_norm(&self, weight: Option<&Tensor>, bias: Option<&Tensor>, eps: f64) -> Tensor {
        let (caller, n) = (Source::caller(), [self.shape().last()]);
        let op = Op::Norm(Norm {
            centred: true,
            eps: Scalar(eps),
        });
        let one = || self.constant(1.0, n);
        let zero = || self.constant(0.0, n);
        let (w, b) = (
            weight.cloned().unwrap_or_else(one),
            bias.cloned().unwrap_or_else(zero),
        );
        Tensor::apply(op, &[self, &w, &b], caller)
    }

    /// Applies RMS normalization over the last axis `n`: divides by the root of the mean square
    /// (plus `eps`) and multiplies by the weight `[n]`. Default: a weight of 1.
    #[track_caller]
    pub fn rms_norm(&self, weight: Option<&Tensor>, eps: f64) -> Tensor {
        let (caller, n) = (Source::caller(), [self.shape().last()]);
        let op = Op::Norm(Norm {
            centred: false,
            eps: Scalar(eps),
        });
        let one = || self.constant(1.0, n);
        let w = weight.cloned().unwrap_or_else(one);
        Tensor::apply(op, &[self, &w], caller)
    }

    /// Applies group normalization (Wu and He, 2018). The channels of `[batch, channels, ..]` form
    /// `groups` groups of adjacent channels. Each group is normalized over its channels and all
    /// following axes. Then it is multiplied by the weight `[channels]`, and the bias `[channels]`
    /// is added, if they are given.
    #[track_caller]
    pub fn group_norm(
        &self,
        groups: usize,
        weight: Option<&Tensor>,
        bias: Option<&Tensor>,
        eps: f64,
    ) -> Tensor {
        let caller = Source::caller();
        let shape = self.shape();
        let [batch, channels, rest @ ..] = shape.dims() else {
            let reason = "expected shape [batch, channels, ..]".to_string();
            return self.record_error("group_norm", reason, caller);
        };
        if groups == 0 || channels % groups != 0 {
            let reason = format!("{channels} channels are not a multiple of {groups} groups");
            return self.record_error("group_norm", reason, caller);
        }
        let each = channels / groups * rest.iter().product::<usize>();
        let rows = self.reshape_at(Shape::from([*batch, groups, each]), caller);
        let y = rows
            .layer_norm(None, None, eps)
            .reshape_at(shape.clone(), caller);
        // [channels] as [channels, 1, ..], which broadcasts over batch and positions.
        let mut column = vec![*channels];
        column.resize(1 + rest.len(), 1);
        let spread = |t: &Tensor| t.reshape_at(column.clone().into(), caller);
        let y = weight.map_or_else(|| y.clone(), |w| &y * spread(w));
        bias.map_or_else(|| y.clone(), |b| &y + spread(b))
    }
}
