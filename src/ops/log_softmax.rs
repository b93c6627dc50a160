//! The logarithm of softmax over the last axis: `y = x - max - ln(sum(e^(x - max)))`.
//!
//! Takes `x [.., n]`, gives `y [.., n]`, f32. Backward needs the output, not the input. Why not the
//! logarithm of softmax: where softmax is too small for f32, its logarithm would be infinite.

use crate::graph::{Backward, Grads, LogSoftmax, LogSoftmaxGrad, Meta, Op};
use crate::kernel::{Binding, Variant, wgsl};
use crate::ops::elementwise::Fast;
use crate::ops::softmax::row_kernel;
use crate::ops::{Array, HostRef, KernelOp, LowerContext, OpDef, Tolerance, Work, rows};
use crate::{DType, Source, Tensor};

impl OpDef for LogSoftmax {
    fn name(&self) -> &'static str {
        "log_softmax"
    }
    fn infer(&self, x: &[Meta]) -> Result<Meta, String> {
        match x {
            [x] if x.dtype == DType::F32 && x.shape.rank() > 0 => Ok(x.clone()),
            _ => Err("takes one f32 tensor with at least one axis".to_string()),
        }
    }
    fn grad(&self, b: &Backward) -> Grads {
        let op = Op::LogSoftmaxGrad(LogSoftmaxGrad);
        Ok(vec![Some(Tensor::apply(
            op,
            &[b.y, b.dy],
            Source::caller(),
        ))])
    }
    fn reference(&self, x: &[&Array], y: &mut Array) {
        for (x, y) in x[0].rows().zip(y.rows_mut()) {
            let max = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let total: f64 = x.iter().map(|v| (v - max).exp()).sum();
            for (y, x) in y.iter_mut().zip(x) {
                *y = x - max - total.ln();
            }
        }
    }
    fn tolerance(&self, x: &[&Array], _: &Array) -> Tolerance {
        // The logarithm may be off by 2^-21 near 1; the sum by 3 units of exp and what the additions
        // round; the two differences by half a unit of what they subtract.
        let n = x[0].shape.last() as f64;
        Tolerance {
            abs: 9e-7 + 1.8e-7 * x[0].max_abs() + 6e-8 * n.sqrt(),
            rel: 4e-7,
        }
    }
    fn flops(&self, x: &[Meta], _: &Meta) -> f64 {
        5.0 * x[0].shape.len() as f64
    }
    fn work(&self) -> Work<'_> {
        Work::Kernel(self)
    }
}

impl KernelOp for LogSoftmax {
    fn takes_head(&self, _: &[Meta]) -> bool {
        false
    }
    fn takes_tail(&self) -> bool {
        false
    }
    fn kernels(&self, cx: &LowerContext) -> Vec<Variant> {
        let bindings = vec![Binding::Read(cx.inputs[0]), Binding::Write(cx.output)];
        vec![row_kernel("log_softmax", wgsl!("log_softmax"), bindings, cx).into()]
    }
    fn cpu(&self, x: &[HostRef], _: &Meta, y: &mut [u32]) {
        let (n, x) = (x[0].meta.shape.last(), x[0].f32());
        rows::for_rows(
            bytemuck::cast_slice_mut(y),
            n,
            8,
            #[inline(always)]
            |i, y| {
                let x = rows::row(x, n, i);
                let max = rows::max(x);
                let log_total = rows::exp_sum(x, max).ln();
                for (y, x) in y.iter_mut().zip(x) {
                    *y = x - max - log_total;
                }
            },
        );
    }
}

impl OpDef for LogSoftmaxGrad {
    fn name(&self) -> &'static str {
        "log_softmax_grad"
    }
    fn infer(&self, x: &[Meta]) -> Result<Meta, String> {
        match x {
            [y, dy] if y == dy && y.dtype == DType::F32 && y.shape.rank() > 0 => Ok(y.clone()),
            _ => Err("takes y and dy, f32 of one shape with at least one axis".to_string()),
        }
    }
    fn grad(&self, _: &Backward) -> Grads {
        Err("has no second derivative here: differentiate the loss once".to_string())
    }
    fn reference(&self, x: &[&Array], dx: &mut Array) {
        for ((y, dy), dx) in x[0].rows().zip(x[1].rows()).zip(dx.rows_mut()) {
            let total: f64 = dy.iter().sum();
            for (dx, (y, dy)) in dx.iter_mut().zip(y.iter().zip(dy)) {
                *dx = dy - y.exp() * total;
            }
        }
    }
    fn tolerance(&self, x: &[&Array], _: &Array) -> Tolerance {
        // e^y is off by at most 3 units of 1 (y <= 0), and the sum of dy by a rounding a level of
        // the tree and a step of a lane.
        let sum = |row: &[f64]| row.iter().map(|v| v.abs()).sum::<f64>();
        let largest = x[1].rows().map(sum).fold(0.0, f64::max);
        let steps = x[0].shape.last() as f64 / 64.0 + 8.0;
        Tolerance {
            abs: (3.6e-7 + 6e-8 * steps) * largest,
            rel: 4e-7,
        }
    }
    fn flops(&self, x: &[Meta], _: &Meta) -> f64 {
        4.0 * x[0].shape.len() as f64
    }
    fn work(&self) -> Work<'_> {
        Work::Kernel(self)
    }
}

impl KernelOp for LogSoftmaxGrad {
    fn takes_head(&self, _: &[Meta]) -> bool {
        false
    }
    fn takes_tail(&self) -> bool {
        false
    }
    fn kernels(&self, cx: &LowerContext) -> Vec<Variant> {
        let bindings = vec![
            Binding::Read(cx.inputs[0]),
            Binding::Read(cx.inputs[1]),
            Binding::Write(cx.output),
        ];
        vec![row_kernel("log_softmax_grad", wgsl!("log_softmax_grad"), bindings, cx).into()]
    }
    fn cpu(&self, x: &[HostRef], _: &Meta, dx: &mut [u32]) {
        let n = x[0].meta.shape.last();
        let (y, dy) = (x[0].f32(), x[1].f32());
        rows::for_rows(
            bytemuck::cast_slice_mut(dx),
            n,
            8,
            #[inline(always)]
            |i, dx| {
                let (y, dy) = (rows::row(y, n, i), rows::row(dy, n, i));
                let total = rows::sum(dy);
                for (dx, (y, dy)) in dx.iter_mut().zip(y.iter().zip(dy)) {
                    *dx = dy - y.fast_exp() * total;
                }
            },
        );
    }
}

impl Tensor {
    /// The natural logarithm of softmax over `axis` (negative counts from the back).
    #[track_caller]
    pub fn log_softmax(&self, axis: isize) -> Tensor {
        let caller = Source::caller();
        let shape = self.shape();
        let Some(axis) = shape.axis(axis) else {
            let reason = format!(
                "the tensor has {} axes; there is no axis {axis}",
                shape.rank()
            );
            return self.mistake("log_softmax", reason, caller);
        };
        let (axis, last) = (axis as isize, shape.rank() as isize - 1);
        let x = self.swapped(axis, last);
        Tensor::apply(Op::LogSoftmax(LogSoftmax), &[&x], caller).swapped(axis, last)
    }
}
