//! Argsort: the positions of each row's elements in sorted order.
//!
//! The input is `x [.., n]` of any element type; the result is the `u32` positions `[.., keep]` of
//! the first `keep` elements. The sort is stable, ascending and descending, so there is one correct
//! result. NaN is the largest float, as in PyTorch. The sorted elements are then selected by
//! position, so that gradients flow (see [`pick`]); the positions have none.
//!
//! On a GPU, each element's rank in its run of [`RANK_RUN`] is counted. Then runs are merged in
//! pairs: each element finds its position by a binary search in the other run. No invocation waits
//! for another, and a row may have any length. A dispatch merges all runs of one length, and there
//! are `log2(n / RANK_RUN)` lengths. A bitonic network is not used: it is not stable, requires a
//! power of two, and needs a dispatch for each stage beyond a workgroup's memory.

mod key;
mod pick;

use rayon::prelude::*;

use crate::graph::{ArgSort, Backward, Grads, Meta, Op};
use crate::kernel::{Binding, Kernel, Operand, Variant, wgsl};
use crate::ops::{
    Array, Fusion, HostRef, KernelOp, LowerContext, OpDef, OpDoc, OpKind, Precision, Tolerance,
    grid, threads,
};
use crate::{DType, Source, Tensor};

pub(super) use key::{compare, key, kind};

/// The length of the runs in which each element is compared with each other one.
const RANK_RUN: usize = 32;
/// The number of elements of a row from which the CPU sorts it with several threads.
const PARALLEL_FROM: usize = 1 << 16;

impl OpDef for ArgSort {
    fn name(&self) -> &'static str {
        "argsort"
    }
    fn doc(&self) -> OpDoc {
        OpDoc {
            formula: "the first `k` positions of each row's elements in sorted order; equal elements keep their order",
            shapes: "`x [.., n]`; `y [.., k]`",
            dtypes: "`x` any, `y` `u32`",
            gradient: "none",
        }
    }
    fn infer(&self, x: &[Meta]) -> Result<Meta, String> {
        match x {
            [x] if x.shape.rank() == 0 => {
                Err("expected a tensor with at least one axis".to_string())
            }
            [x] if self.keep > x.shape.last() => Err(format!(
                "there are {} elements along the axis, fewer than {}",
                x.shape.last(),
                self.keep
            )),
            [x] => {
                let axis = x.shape.rank() - 1;
                Ok(Meta::new(x.shape.with_axis(axis, self.keep), DType::U32))
            }
            _ => Err(format!("expected 1 input, found {}", x.len())),
        }
    }
    fn grad(&self, _: &Backward) -> Grads {
        Ok(vec![None])
    }
    fn reference(&self, x: &[&Array], y: &mut Array) {
        let keep = self.keep.max(1);
        for (x, y) in x[0].rows().zip(y.data.chunks_exact_mut(keep)) {
            let mut order: Vec<usize> = (0..x.len()).collect();
            order.sort_by(|&a, &b| match self.descending {
                false => compare(x[a], x[b]),
                true => compare(x[b], x[a]),
            });
            for (y, place) in y.iter_mut().zip(order) {
                *y = place as f64;
            }
        }
    }
    fn tolerance(&self, _: &[&Array], _: &Array) -> Tolerance {
        Tolerance::EXACT
    }
    fn flops(&self, x: &[Meta], _: &Meta) -> f64 {
        let n = x[0].shape.last().max(2) as f64;
        x[0].shape.len() as f64 * n.log2()
    }
    fn precision(&self) -> Precision {
        Precision::Full
    }
    fn kind(&self) -> OpKind<'_> {
        OpKind::Kernel(self)
    }
}

impl KernelOp for ArgSort {
    fn fusion(&self, _: &[Meta]) -> Fusion {
        Fusion::NONE
    }
    fn kernels(&self, cx: &LowerContext) -> Vec<Variant> {
        let (rows, n) = (cx.x[0].shape.rows(), cx.x[0].shape.last());
        let parts = |shader| vec![wgsl!("lib/index"), wgsl!("lib/order"), shader];
        let uniform = |width: usize, last: bool| {
            let pitch = if last { self.keep } else { n };
            let mut words = [rows, n, width, self.keep, pitch]
                .map(|d| d as u32)
                .to_vec();
            words.extend([kind(cx.x[0].dtype), u32::from(self.descending)]);
            Binding::Uniform(words)
        };
        let kernel = |label, shader, bindings| Kernel {
            label,
            parts: parts(shader),
            overrides: vec![("WG", grid::LINEAR_WORKGROUP)],
            bindings,
            workgroups: grid::linear(cx.limits, rows * n),
        };
        // The lengths of the runs that are merged.
        let widths: Vec<usize> = std::iter::successors(Some(RANK_RUN), |w| w.checked_mul(2))
            .take_while(|w| *w < n)
            .collect();
        // The positions alternate between two workspaces; the last pass writes the result.
        let place = |pass: usize| match pass == widths.len() {
            true => cx.output,
            false => Operand::Scratch(pass % 2),
        };
        let bindings = vec![
            Binding::Read(cx.inputs[0]),
            Binding::Write(place(0)),
            uniform(RANK_RUN, widths.is_empty()),
        ];
        let mut kernels = vec![kernel("sort_runs", wgsl!("sort_runs"), bindings)];
        for (pass, &width) in widths.iter().enumerate() {
            let bindings = vec![
                Binding::Read(cx.inputs[0]),
                Binding::Read(place(pass)),
                Binding::Write(place(pass + 1)),
                uniform(width, pass + 1 == widths.len()),
            ];
            kernels.push(kernel("sort_merge", wgsl!("sort_merge"), bindings));
        }
        let bytes = 4 * (rows * n).max(1) as u64;
        vec![Variant {
            kernels,
            scratch: vec![bytes; widths.len().min(2)],
        }]
    }
    fn cpu(&self, x: &[HostRef], _: &Meta, y: &mut [u32]) {
        let (n, dtype) = (x[0].meta.shape.last().max(1), x[0].meta.dtype);
        let one = |x: &[u32], y: &mut [u32]| {
            // Key and position in one number, so that equal elements keep the order of their
            // positions.
            let pair = |(place, word): (usize, &u32)| {
                let key = key(*word, dtype);
                let key = if self.descending { !key } else { key };
                u64::from(key) << 32 | place as u64
            };
            let mut pairs: Vec<u64> = x.iter().enumerate().map(pair).collect();
            if self.keep < pairs.len() {
                pairs.select_nth_unstable(self.keep);
                pairs.truncate(self.keep);
            }
            match threads::pays(pairs.len(), PARALLEL_FROM) {
                true => pairs.par_sort_unstable(),
                false => pairs.sort_unstable(),
            }
            for (y, pair) in y.iter_mut().zip(pairs) {
                *y = pair as u32;
            }
        };
        let rows = (1 << 12) / n + 1;
        let keep = self.keep.max(1);
        let pays = threads::pays(y.len(), rows * keep + 1);
        threads::for_pieces(y, rows * keep, pays, |(piece, y)| {
            let x = x[0].words.chunks(n).skip(piece * rows);
            y.chunks_mut(keep).zip(x).for_each(|(y, x)| one(x, y));
        });
    }
}

impl Tensor {
    /// Returns the positions of the elements along `axis` in sorted order, as `u32`. A negative
    /// axis counts from the last one. The sort is stable. NaN is the largest number, as in PyTorch.
    /// The elements may have any type.
    #[track_caller]
    pub fn argsort(&self, axis: isize, descending: bool) -> Tensor {
        let caller = Source::caller();
        let op = ("argsort", usize::MAX, descending);
        self.sorted(axis, op, caller).1
    }

    /// Returns the elements along `axis` in sorted order, and their positions; see
    /// [`Tensor::argsort`]. The gradient flows back to these positions.
    #[track_caller]
    pub fn sort(&self, axis: isize, descending: bool) -> (Tensor, Tensor) {
        let caller = Source::caller();
        self.sorted(axis, ("sort", usize::MAX, descending), caller)
    }

    /// Returns the `k` largest elements along `axis` in sorted order, and their positions, or the
    /// smallest ones if `largest` is false. Of equal elements, the first ones are taken. The
    /// gradient flows back to these positions.
    #[track_caller]
    pub fn topk(&self, k: usize, axis: isize, largest: bool) -> (Tensor, Tensor) {
        let caller = Source::caller();
        self.sorted(axis, ("topk", k, largest), caller)
    }

    /// Returns the first `keep` sorted elements along an axis (`usize::MAX`: all), and their
    /// positions.
    fn sorted(
        &self,
        axis: isize,
        (name, keep, descending): (&'static str, usize, bool),
        caller: Source,
    ) -> (Tensor, Tensor) {
        let shape = self.shape();
        let Some(axis) = shape.axis(axis) else {
            let axes = shape.rank();
            let reason = format!("the tensor has {axes} axes; there is no axis {axis}");
            let broken = self.record_error(name, reason, caller);
            return (broken.clone(), broken);
        };
        let n = shape[axis];
        let keep = if keep == usize::MAX { n } else { keep };
        let (axis, last) = (axis as isize, shape.rank() as isize - 1);
        let x = self.swapped(axis, last);
        let op = Op::ArgSort(ArgSort { descending, keep });
        let at = Tensor::apply(op, &[&x], caller);
        let values = x.pick(&at, caller);
        if values.id().is_none() {
            return (values, at);
        }
        (values.swapped(axis, last), at.swapped(axis, last))
    }
}
