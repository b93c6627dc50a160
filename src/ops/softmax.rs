//! Softmax over the last axis: `y = e^(x - max) / sum(e^(x - max))`.
//!
//! Takes `x [.., n]`, gives `y [.., n]`, f32. Backward needs the output, not the input, so the
//! planner may drop `x`. Why not compose it from max, exp and sum: that reads memory three times.

use crate::graph::{Backward, Grads, Meta, Op, Softmax, SoftmaxGrad};
use crate::kernel::{Binding, Kernel, Part, Variant, wgsl};
use crate::ops::{Array, HostRef, KernelOp, LowerContext, OpDef, Tolerance, Work, grid, rows};
use crate::{DType, Source, Tensor};

impl OpDef for Softmax {
    fn name(&self) -> &'static str {
        "softmax"
    }
    fn infer(&self, x: &[Meta]) -> Result<Meta, String> {
        match x {
            [x] if x.dtype == DType::F32 && x.shape.rank() > 0 => Ok(x.clone()),
            _ => Err("takes one f32 tensor with at least one axis".to_string()),
        }
    }
    fn grad(&self, b: &Backward) -> Grads {
        Ok(vec![Some(Tensor::apply(
            Op::SoftmaxGrad(SoftmaxGrad),
            &[b.y, b.dy],
            Source::caller(),
        ))])
    }
    fn reference(&self, x: &[&Array], y: &mut Array) {
        for (x, y) in x[0].rows().zip(y.rows_mut()) {
            let max = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let total: f64 = x.iter().map(|v| (v - max).exp()).sum();
            for (y, x) in y.iter_mut().zip(x) {
                *y = (x - max).exp() / total;
            }
        }
    }
    fn tolerance(&self, x: &[&Array], _: &Array) -> Tolerance {
        // exp may be off by 3 + 2 |x| units, and x - max reaches twice the largest magnitude where
        // the result still counts (below e^-20 it no longer does).
        let reach = (2.0 * x[0].max_abs()).min(20.0);
        Tolerance {
            abs: 1e-9,
            rel: 1.2e-7 * (16.0 + 4.0 * reach),
        }
    }
    fn flops(&self, x: &[Meta], _: &Meta) -> f64 {
        5.0 * x[0].shape.len() as f64
    }
    fn work(&self) -> Work<'_> {
        Work::Kernel(self)
    }
}

impl KernelOp for Softmax {
    fn takes_head(&self, _: &[Meta]) -> bool {
        false
    }
    fn takes_tail(&self) -> bool {
        false
    }
    fn kernels(&self, cx: &LowerContext) -> Vec<Variant> {
        let bindings = vec![Binding::Read(cx.inputs[0]), Binding::Write(cx.output)];
        vec![row_kernel("softmax", wgsl!("softmax"), bindings, cx).into()]
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
                let total = rows::exp_of(x, rows::max(x), y);
                y.iter_mut().for_each(|y| *y /= total);
            },
        );
    }
}

impl OpDef for SoftmaxGrad {
    fn name(&self) -> &'static str {
        "softmax_grad"
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
            let dot: f64 = y.iter().zip(dy).map(|(y, dy)| y * dy).sum();
            for (dx, (y, dy)) in dx.iter_mut().zip(y.iter().zip(dy)) {
                *dx = y * (dy - dot);
            }
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
    fn flops(&self, x: &[Meta], _: &Meta) -> f64 {
        4.0 * x[0].shape.len() as f64
    }
    fn work(&self) -> Work<'_> {
        Work::Kernel(self)
    }
}

impl KernelOp for SoftmaxGrad {
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
        vec![row_kernel("softmax_grad", wgsl!("softmax_grad"), bindings, cx).into()]
    }
    fn cpu(&self, x: &[HostRef], _: &Meta, dx: &mut [u32]) {
        let n = x[0].meta.shape.last();
        let (y, dy) = (x[0].f32(), x[1].f32());
        rows::for_rows(
            bytemuck::cast_slice_mut(dx),
            n,
            2,
            #[inline(always)]
            |i, dx| {
                let (y, dy) = (rows::row(y, n, i), rows::row(dy, n, i));
                let dot = rows::dot(y, dy);
                for (dx, (y, dy)) in dx.iter_mut().zip(y.iter().zip(dy)) {
                    *dx = y * (dy - dot);
                }
            },
        );
    }
}

/// A kernel with one workgroup for each row of input 0; parameters are rows and columns.
pub(super) fn row_kernel(
    label: &'static str,
    shell: Part,
    mut bindings: Vec<Binding>,
    cx: &LowerContext,
) -> Kernel {
    let (rows, columns) = (cx.x[0].shape.rows(), cx.x[0].shape.last());
    bindings.push(Binding::Uniform(vec![rows as u32, columns as u32]));
    Kernel {
        label,
        parts: vec![wgsl!("lib/index"), wgsl!("lib/row"), shell],
        overrides: vec![("WG", grid::row_workgroup(cx.limits, columns))],
        bindings,
        workgroups: cx.limits.fold(rows as u64),
    }
}

impl Tensor {
    /// Softmax over `axis` (negative counts from the back).
    #[track_caller]
    pub fn softmax(&self, axis: isize) -> Tensor {
        let caller = Source::caller();
        let shape = self.shape();
        let Some(axis) = shape.axis(axis) else {
            let reason = format!(
                "the tensor has {} axes; there is no axis {axis}",
                shape.rank()
            );
            return self.mistake("softmax", reason, caller);
        };
        let (axis, last) = (axis as isize, shape.rank() as isize - 1);
        let y = Tensor::apply(Op::Softmax(Softmax), &[&self.swapped(axis, last)], caller);
        y.swapped(axis, last)
    }

    /// The two axes swapped, or the tensor itself where they are the same.
    pub(super) fn swapped(&self, a: isize, b: isize) -> Tensor {
        if a == b {
            self.clone()
        } else {
            self.transpose(a, b)
        }
    }
}
