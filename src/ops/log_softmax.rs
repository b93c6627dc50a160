//! Log-softmax over the last axis: `y = x - max - ln(sum(e^(x - max)))`.
//!
//! The input is `x [.., n]`, the result is `y [.., n]`, f32. The backward pass uses the output, not
//! the input. It is not the logarithm of softmax, which is infinite where softmax underflows.

use crate::graph::{Backward, Grads, LogSoftmax, LogSoftmaxGrad, Meta, Op};
use crate::kernel::{Part, wgsl};
use crate::ops::elementwise::Fast;
use crate::ops::row_op::{self, HostRow, RowOp, row_op};
use crate::ops::{Array, OpDoc, Precision, Tolerance, rows};
use crate::{Source, Tensor};

row_op!(LogSoftmax, LogSoftmaxGrad);

impl RowOp for LogSoftmax {
    const FLOPS: f64 = 5.0;
    const COST: usize = 8;
    const PRECISION: Precision = Precision::Full;

    fn name(&self) -> &'static str {
        "log_softmax"
    }
    fn doc(&self) -> OpDoc {
        OpDoc {
            formula: "`y = x - max - ln(sum of e^(x - max))` of each row",
            shapes: "`x [.., n]`; `y [.., n]`",
            dtypes: "`f32`",
            gradient: "`dx = dy - e^y sum(dy)`",
        }
    }
    fn infer(&self, x: &[Meta]) -> Result<Meta, String> {
        row_op::like_one(x)
    }
    fn grad(&self, b: &Backward) -> Grads {
        row_op::by(Op::LogSoftmaxGrad(LogSoftmaxGrad), b)
    }
    fn reference(&self, x: &[&[f64]], y: &mut [f64]) {
        let max = x[0].iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let total: f64 = x[0].iter().map(|v| (v - max).exp()).sum();
        for (y, x) in y.iter_mut().zip(x[0]) {
            *y = x - max - total.ln();
        }
    }
    fn tolerance(&self, x: &[&Array], _: &Array) -> Tolerance {
        // The logarithm has an error of up to 2^-21 near 1. The sum has an error of 3 units for
        // exp, and the roundings of the additions. Each of the two differences adds half a unit of
        // its operands.
        let n = x[0].shape.last() as f64;
        Tolerance {
            abs: 9e-7 + 1.8e-7 * x[0].max_abs() + 6e-8 * n.sqrt(),
            rel: 4e-7,
        }
    }
    #[inline(always)]
    fn cpu(&self, x: &[HostRow], y: &mut [f32]) {
        let x = x[0].f32();
        let max = rows::max(x);
        let log_total = rows::exp_sum(x, max).ln();
        for (y, x) in y.iter_mut().zip(x) {
            *y = x - max - log_total;
        }
    }
    fn shader(&self) -> (&'static str, Vec<Part>) {
        ("log_softmax", vec![wgsl!("log_softmax")])
    }
    fn params(&self) -> Vec<u32> {
        row_op::largest_start()
    }
}

impl RowOp for LogSoftmaxGrad {
    const FLOPS: f64 = 4.0;
    const COST: usize = 8;
    const PRECISION: Precision = Precision::Full;

    fn name(&self) -> &'static str {
        "log_softmax_grad"
    }
    fn doc(&self) -> OpDoc {
        OpDoc {
            formula: "`dx = dy - e^y sum(dy)` of each row",
            shapes: "`y [.., n]`, `dy [.., n]`; `dx [.., n]`",
            dtypes: "`f32`",
            gradient: "refused",
        }
    }
    fn infer(&self, x: &[Meta]) -> Result<Meta, String> {
        row_op::like_two(x)
    }
    fn grad(&self, _: &Backward) -> Grads {
        row_op::once()
    }
    fn reference(&self, x: &[&[f64]], dx: &mut [f64]) {
        let total: f64 = x[1].iter().sum();
        for (dx, (y, dy)) in dx.iter_mut().zip(x[0].iter().zip(x[1])) {
            *dx = dy - y.exp() * total;
        }
    }
    fn tolerance(&self, x: &[&Array], _: &Array) -> Tolerance {
        // e^y has an error of at most 3 units of 1 (y <= 0). The sum of dy has one rounding for
        // each level of the tree and each step of a lane.
        let sum = |row: &[f64]| row.iter().map(|v| v.abs()).sum::<f64>();
        let largest = x[1].rows().map(sum).fold(0.0, f64::max);
        let steps = x[0].shape.last() as f64 / 64.0 + 8.0;
        Tolerance {
            abs: (3.6e-7 + 6e-8 * steps) * largest,
            rel: 4e-7,
        }
    }
    #[inline(always)]
    fn cpu(&self, x: &[HostRow], dx: &mut [f32]) {
        let (y, dy) = (x[0].f32(), x[1].f32());
        let total = rows::sum(dy);
        for (dx, (y, dy)) in dx.iter_mut().zip(y.iter().zip(dy)) {
            *dx = dy - y.fast_exp() * total;
        }
    }
    fn shader(&self) -> (&'static str, Vec<Part>) {
        ("log_softmax_grad", vec![wgsl!("log_softmax_grad")])
    }
}

impl Tensor {
    /// Computes the logarithm of softmax over `axis`. A negative axis counts from the last one.
    #[track_caller]
    pub fn log_softmax(&self, axis: isize) -> Tensor {
        let op = Op::LogSoftmax(LogSoftmax);
        self.along(axis, ("log_softmax", op), Source::caller())
    }
}
