//! Softmax over the last axis: `y = e^(x - max) / sum(e^(x - max))`.
//!
//! The input is `x [.., n]`, the result is `y [.., n]`, f32. The backward pass uses the output, not
//! the input, so the planner may free `x`. It is not composed of max, exp and sum, which would read
//! memory three times.

use crate::graph::{Backward, Grads, Meta, Op, Softmax, SoftmaxGrad};
use crate::kernel::{Part, wgsl};
use crate::ops::row_op::{self, HostRow, RowOp, row_op};
use crate::ops::{Array, OpDoc, Precision, Tolerance, rows};
use crate::{Source, Tensor};

row_op!(Softmax, SoftmaxGrad);

impl RowOp for Softmax {
    const FLOPS: f64 = 5.0;
    const COST: usize = 8;
    const PRECISION: Precision = Precision::Full;

    fn name(&self) -> &'static str {
        "softmax"
    }
    fn doc(&self) -> OpDoc {
        OpDoc {
            formula: "`y = e^(x - max) / sum of e^(x - max)` of each row",
            shapes: "`x [.., n]`; `y [.., n]`",
            dtypes: "`f32`",
            gradient: "`dx = y (dy - sum(y dy))`",
        }
    }
    fn infer(&self, x: &[Meta]) -> Result<Meta, String> {
        row_op::like_one(x)
    }
    fn grad(&self, b: &Backward) -> Grads {
        row_op::by(Op::SoftmaxGrad(SoftmaxGrad), b)
    }
    fn reference(&self, x: &[&[f64]], y: &mut [f64]) {
        let max = x[0].iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let total: f64 = x[0].iter().map(|v| (v - max).exp()).sum();
        for (y, x) in y.iter_mut().zip(x[0]) {
            *y = (x - max).exp() / total;
        }
    }
    fn tolerance(&self, x: &[&Array], _: &Array) -> Tolerance {
        // exp has an error of up to 3 + 2 |x| units. x - max reaches twice the largest magnitude,
        // as far as the result is significant (below e^-20 it is not).
        let reach = (2.0 * x[0].max_abs()).min(20.0);
        Tolerance {
            abs: 1e-9,
            rel: 1.2e-7 * (16.0 + 4.0 * reach),
        }
    }
    #[inline(always)]
    fn cpu(&self, x: &[HostRow], y: &mut [f32]) {
        let x = x[0].f32();
        let total = rows::exp_of(x, rows::max(x), y);
        y.iter_mut().for_each(|y| *y /= total);
    }
    fn shader(&self) -> (&'static str, Vec<Part>) {
        ("softmax", vec![wgsl!("softmax")])
    }
    fn params(&self) -> Vec<u32> {
        row_op::largest_start()
    }
}

impl RowOp for SoftmaxGrad {
    const FLOPS: f64 = 4.0;
    const COST: usize = 2;
    const PRECISION: Precision = Precision::Full;

    fn name(&self) -> &'static str {
        "softmax_grad"
    }
    fn doc(&self) -> OpDoc {
        OpDoc {
            formula: "`dx = y (dy - sum(y dy))` of each row",
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
        let dot: f64 = x[0].iter().zip(x[1]).map(|(y, dy)| y * dy).sum();
        for (dx, (y, dy)) in dx.iter_mut().zip(x[0].iter().zip(x[1])) {
            *dx = y * (dy - dot);
        }
    }
    fn tolerance(&self, x: &[&Array], _: &Array) -> Tolerance {
        let n = x[0].shape.last() as f64;
        let size = x[0].max_abs() * x[1].max_abs() * (1.0 + x[0].max_abs() * n.sqrt());
        Tolerance {
            abs: 1e-6 * size,
            rel: 2e-6,
        }
    }
    #[inline(always)]
    fn cpu(&self, x: &[HostRow], dx: &mut [f32]) {
        let (y, dy) = (x[0].f32(), x[1].f32());
        let dot = rows::dot(y, dy);
        for (dx, (y, dy)) in dx.iter_mut().zip(y.iter().zip(dy)) {
            *dx = y * (dy - dot);
        }
    }
    fn shader(&self) -> (&'static str, Vec<Part>) {
        ("softmax_grad", vec![wgsl!("softmax_grad")])
    }
}

impl Tensor {
    /// Computes softmax over `axis`. A negative axis counts from the last one.
    ///
    /// # Example
    /// ```
    /// use wgrad::Device;
    ///
    /// let y = wgrad::eval(&Device::cpu(), |g| g.tensor([2, 2], [3.0, 3.0, 0.0, 0.0]).softmax(-1))?;
    /// assert_eq!(y.data, [0.5; 4]);
    /// # Ok::<(), wgrad::Error>(())
    /// ```
    #[track_caller]
    pub fn softmax(&self, axis: isize) -> Tensor {
        self.along(axis, ("softmax", Op::Softmax(Softmax)), Source::caller())
    }
}
