//! Argmax and argmin over the last axis: the index of the largest or smallest element of each row.
//!
//! The input is `x [.., n]` of any element type with `n > 0`, the result is `y [..]` u32. Of equal
//! elements, the first one is taken. NaN counts as the largest and as the smallest element, as in
//! PyTorch. Argmax has no gradient.

use crate::graph::{ArgMax, Backward, Grads, Meta, Op};
use crate::kernel::{Binding, Kernel, Operand, Variant, wgsl};
use crate::ops::sort::{compare, key, kind};
use crate::ops::{
    Array, Fusion, HostRef, KernelOp, LowerContext, OpDef, OpDoc, OpKind, Precision, Tolerance,
    grid,
};
use crate::{DType, Source, Tensor};

/// Rows of at least this length are divided into chunks, each of which is searched first.
const MIN_CHUNKED_ROW: usize = 512;

/// Returns the elements per chunk and the chunks per row, which are about equal.
fn chunks(columns: usize) -> (usize, usize) {
    if columns < MIN_CHUNKED_ROW {
        return (columns.max(1), 1);
    }
    let chunk = columns.isqrt();
    (chunk, columns.div_ceil(chunk))
}

impl OpDef for ArgMax {
    fn name(&self) -> &'static str {
        match self.smallest {
            false => "argmax",
            true => "argmin",
        }
    }
    fn doc(&self) -> OpDoc {
        OpDoc {
            formula: match self.smallest {
                false => "the index of each row's largest element, the first of equal ones",
                true => "the index of each row's smallest element, the first of equal ones",
            },
            shapes: "`x [.., n]`; `y [..]`",
            dtypes: "`x` any, `y` `u32`",
            gradient: "none",
        }
    }
    fn infer(&self, x: &[Meta]) -> Result<Meta, String> {
        match x {
            [x] if x.shape.rank() > 0 && x.shape.last() > 0 => {
                Ok(Meta::new(&x.shape[..x.shape.rank() - 1], DType::U32))
            }
            _ => Err("expected one tensor with a non-empty last axis".to_string()),
        }
    }
    fn grad(&self, _: &Backward) -> Grads {
        Ok(vec![None])
    }
    fn reference(&self, x: &[&Array], y: &mut Array) {
        for (x, y) in x[0].rows().zip(&mut y.data) {
            let wins = |a: f64, b: f64| match self.smallest && !a.is_nan() && !b.is_nan() {
                true => a < b,
                false => compare(a, b).is_gt(),
            };
            let mut best = 0;
            for (i, x_i) in x.iter().enumerate() {
                if wins(*x_i, x[best]) {
                    best = i;
                }
            }
            *y = best as f64;
        }
    }
    fn tolerance(&self, _: &[&Array], _: &Array) -> Tolerance {
        Tolerance::EXACT
    }
    fn flops(&self, x: &[Meta], _: &Meta) -> f64 {
        x[0].shape.len() as f64
    }
    fn precision(&self) -> Precision {
        Precision::Full
    }
    fn kind(&self) -> OpKind<'_> {
        OpKind::Kernel(self)
    }
}

impl KernelOp for ArgMax {
    fn fusion(&self, _: &[Meta]) -> Fusion {
        Fusion::NONE
    }
    fn kernels(&self, cx: &LowerContext) -> Vec<Variant> {
        let (rows, columns) = (cx.x[0].shape.rows(), cx.x[0].shape.last());
        let (chunk, chunks) = chunks(columns);
        let mut words = [rows, columns, chunk, chunks].map(|d| d as u32).to_vec();
        words.extend([kind(cx.x[0].dtype), u32::from(self.smallest)]);
        let kernel = |label, shader, mut bindings: Vec<Binding>, count| {
            bindings.push(Binding::Uniform(words.clone()));
            Kernel {
                label,
                parts: vec![
                    wgsl!("lib/index"),
                    wgsl!("lib/order"),
                    wgsl!("lib/argmax"),
                    shader,
                ],
                overrides: vec![("WG", grid::LINEAR_WORKGROUP)],
                bindings,
                workgroups: grid::linear(cx.limits, count),
            }
        };
        let x = Binding::Read(cx.inputs[0]);
        if chunks == 1 {
            let bindings = vec![x, Binding::Write(cx.output)];
            return vec![kernel("argmax", wgsl!("argmax"), bindings, rows).into()];
        }
        let places = Operand::Scratch(0);
        let bindings = vec![x.clone(), Binding::Write(places)];
        let first = kernel("argmax", wgsl!("argmax"), bindings, rows * chunks);
        let bindings = vec![x, Binding::Read(places), Binding::Write(cx.output)];
        vec![Variant {
            kernels: vec![
                first,
                kernel("argmax_of", wgsl!("argmax_of"), bindings, rows),
            ],
            scratch: vec![4 * (rows * chunks).max(1) as u64],
        }]
    }
    fn cpu(&self, x: &[HostRef], _: &Meta, y: &mut [u32]) {
        let (n, dtype) = (x[0].meta.shape.last().max(1), x[0].meta.dtype);
        // Must agree with `extreme_rank` in shaders/lib/argmax.wgsl.
        let rank = |word: u32| match (key(word, dtype), self.smallest) {
            (u32::MAX, true) if dtype == DType::F32 => u32::MAX,
            (key, true) => !key,
            (key, false) => key,
        };
        for (x, y) in x[0].words.chunks_exact(n).zip(y) {
            let (mut best, mut most) = (0, x.first().map_or(0, |x| rank(*x)));
            for (i, x) in x.iter().enumerate() {
                let rank = rank(*x);
                if rank > most {
                    (best, most) = (i, rank);
                }
            }
            *y = best as u32;
        }
    }
}

impl Tensor {
    /// Returns the index of the largest element along the last axis, as `u32`. Of equal elements or
    /// NaNs, the first one is taken.
    #[track_caller]
    pub fn argmax(&self) -> Tensor {
        self.extreme_along(-1, false, Source::caller())
    }

    /// Returns the index of the smallest element along the last axis, as `u32`. Of equal elements
    /// or NaNs, the first one is taken.
    #[track_caller]
    pub fn argmin(&self) -> Tensor {
        self.extreme_along(-1, true, Source::caller())
    }

    /// Returns [`Tensor::argmax`] along `axis`, which is removed from the shape. A negative axis
    /// counts from the last one.
    #[track_caller]
    pub fn argmax_along(&self, axis: isize) -> Tensor {
        self.extreme_along(axis, false, Source::caller())
    }

    /// Returns [`Tensor::argmin`] along `axis`, which is removed from the shape. A negative axis
    /// counts from the last one.
    #[track_caller]
    pub fn argmin_along(&self, axis: isize) -> Tensor {
        self.extreme_along(axis, true, Source::caller())
    }

    #[track_caller]
    fn extreme_along(&self, axis: isize, smallest: bool, caller: Source) -> Tensor {
        let (op, shape) = (ArgMax { smallest }, self.shape());
        let Some(axis) = shape.axis(axis) else {
            let axes = shape.rank();
            let reason = format!("the tensor has {axes} axes; there is no axis {axis}");
            return self.record_error(op.name(), reason, caller);
        };
        // The axis becomes the last one; the others keep their order.
        let mut axes: Vec<usize> = (0..shape.rank()).filter(|&a| a != axis).collect();
        axes.push(axis);
        Tensor::apply(Op::ArgMax(op), &[&self.permute(&axes)], caller)
    }
}
