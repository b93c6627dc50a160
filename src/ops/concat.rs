//! Concatenation of tensors along an axis.
//!
//! The inputs are any number of `x_i [.., n_i, ..]` of the same element type, the result is
//! `y [.., sum of n_i, ..]`. One dispatch per input copies its bits.

use std::cell::RefCell;
use std::rc::Rc;

use crate::graph::{Backward, Concat, Grads, Graph, Meta, Mode, Op};
use crate::kernel::{Binding, Kernel, KernelLimits, Operand, Variant, prelude, wgsl};
use crate::ops::{
    Array, Fusion, HostRef, KernelOp, LowerContext, OpDef, OpDoc, OpKind, Precision, Tolerance,
    grid,
};
use crate::{Error, Shape, Source, Tensor};

/// The largest number of inputs of one op, because the CPU opens no more for a step.
const MAX_INPUTS: usize = 32;

impl Concat {
    /// Returns the number of runs of adjacent elements of a tensor, and their length.
    fn runs(&self, x: &Shape) -> (usize, usize) {
        let (outer, rest) = x.split_at(self.axis.min(x.rank()));
        (outer.iter().product(), rest.iter().product())
    }

    fn copy<T: Copy>(&self, x: &[(&Shape, &[T])], to: &Shape, y: &mut [T]) {
        let (_, pitch) = self.runs(to);
        let mut before = 0;
        for (shape, x) in x {
            let (outer, run) = self.runs(shape);
            for o in 0..outer {
                let at = o * pitch + before;
                y[at..at + run].copy_from_slice(&x[o * run..(o + 1) * run]);
            }
            before += run;
        }
    }
}

impl OpDef for Concat {
    fn name(&self) -> &'static str {
        "concat"
    }
    fn doc(&self) -> OpDoc {
        OpDoc {
            formula: "the inputs, concatenated along an axis",
            shapes: "`x_i [.., n_i, ..]`; `y [.., sum of n_i, ..]`",
            dtypes: "any, the same for all",
            gradient: "each input's part of `dy`",
        }
    }
    fn infer(&self, x: &[Meta]) -> Result<Meta, String> {
        let Some(first) = x.first() else {
            return Err("expected at least 1 input, found none".to_string());
        };
        if self.axis >= first.shape.rank() {
            return Err(format!("there is no axis {}", self.axis));
        }
        let mut total = 0usize;
        for x in x {
            let size = x.shape.get(self.axis).copied().unwrap_or(0);
            if x.dtype != first.dtype
                || x.shape.with_axis(self.axis, 0) != first.shape.with_axis(self.axis, 0)
            {
                let axis = self.axis;
                return Err(format!(
                    "the inputs must agree in their element type and in all axes except {axis}"
                ));
            }
            total = total.saturating_add(size);
        }
        Ok(Meta::new(
            first.shape.with_axis(self.axis, total),
            first.dtype,
        ))
    }
    fn grad(&self, b: &Backward) -> Grads {
        let mut before = 0;
        let part = |x: &Tensor| {
            let size = x.dim(self.axis as isize);
            before += size;
            Some(b.dy.narrow(self.axis as isize, before - size, size))
        };
        Ok(b.x.iter().map(part).collect())
    }
    fn reference(&self, x: &[&Array], y: &mut Array) {
        let x: Vec<(&Shape, &[f64])> = x.iter().map(|x| (&x.shape, &x.data[..])).collect();
        self.copy(&x, &y.shape, &mut y.data);
    }
    fn tolerance(&self, _: &[&Array], _: &Array) -> Tolerance {
        Tolerance::EXACT
    }
    fn flops(&self, _: &[Meta], _: &Meta) -> f64 {
        0.0
    }
    fn precision(&self) -> Precision {
        Precision::Half
    }
    fn kind(&self) -> OpKind<'_> {
        OpKind::Kernel(self)
    }
}

impl KernelOp for Concat {
    fn fusion(&self, _: &[Meta]) -> Fusion {
        Fusion::NONE
    }
    fn kernels(&self, cx: &LowerContext) -> Vec<Variant> {
        let (_, pitch) = self.runs(&cx.y.shape);
        let mut before = 0;
        let mut kernels = Vec::with_capacity(cx.x.len());
        for (x, &operand) in cx.x.iter().zip(&cx.inputs) {
            let (outer, run) = self.runs(&x.shape);
            let place = (outer, run, pitch, before);
            kernels.push(place_rows((operand, cx.output), place, cx.limits));
            before += run;
        }
        vec![Variant {
            kernels,
            scratch: Vec::new(),
        }]
    }
    fn cpu(&self, x: &[HostRef], meta: &Meta, y: &mut [u32]) {
        let x: Vec<(&Shape, &[u32])> = x.iter().map(|x| (&x.meta.shape, x.words)).collect();
        self.copy(&x, &meta.shape, y);
    }
}

/// Returns a dispatch that copies `outer` rows of `run` elements to positions that are `pitch`
/// apart, starting at `before`.
pub(super) fn place_rows(
    (from, to): (Operand, Operand),
    (outer, run, pitch, before): (usize, usize, usize, usize),
    limits: &KernelLimits,
) -> Kernel {
    let wide = [run, pitch, before].iter().all(|n| n % 4 == 0);
    let width = if wide { 4 } else { 1 };
    let params = [outer, run / width, pitch / width, before / width];
    Kernel {
        label: "concat",
        parts: vec![prelude(width as u32), wgsl!("lib/index"), wgsl!("concat")],
        overrides: vec![("WG", grid::LINEAR_WORKGROUP)],
        bindings: vec![
            Binding::Read(from),
            Binding::Write(to),
            Binding::Uniform(params.map(|n| n as u32).to_vec()),
        ],
        workgroups: grid::linear(limits, outer * run / width),
    }
}

impl Tensor {
    /// Concatenates the tensors along `axis`, e.g. `[2, 3]` and `[5, 3]` along axis 0 to `[7, 3]`.
    /// A negative axis counts from the last one.
    ///
    /// # Example
    /// ```
    /// use wgrad::{Device, Tensor};
    ///
    /// let y = wgrad::eval(&Device::cpu(), |g| {
    ///     let (a, b) = (g.tensor([1, 2], [1.0, 2.0]), g.tensor([2, 2], [3.0; 4]));
    ///     Tensor::concat(&[&a, &b], 0)
    /// })?;
    /// assert_eq!(y.shape, [3, 2].into());
    /// # Ok::<(), wgrad::Error>(())
    /// ```
    #[track_caller]
    pub fn concat(tensors: &[&Tensor], axis: isize) -> Tensor {
        let caller = Source::caller();
        let Some(first) = tensors.first() else {
            return none_given("concat", caller);
        };
        let shape = first.shape();
        let Some(axis) = shape.axis(axis) else {
            let reason = format!(
                "the first tensor has {} axes; there is no axis {axis}",
                shape.rank()
            );
            return first.record_error("concat", reason, caller);
        };
        // Concatenates groups of tensors, and then the results, until there is one.
        let mut parts: Vec<Tensor> = tensors.iter().map(|x| (*x).clone()).collect();
        while parts.len() > 1 {
            let join = |group: &[Tensor]| match group {
                [x] => x.clone(),
                _ => {
                    let group: Vec<&Tensor> = group.iter().collect();
                    Tensor::apply(Op::Concat(Concat { axis }), &group, caller)
                }
            };
            parts = parts.chunks(MAX_INPUTS).map(join).collect();
        }
        parts.swap_remove(0)
    }

    /// Stacks tensors of the same shape along a new axis `axis`, e.g. three of `[4]` to `[3, 4]`
    /// along axis 0 and to `[4, 3]` along axis 1. A negative axis counts from the last one of the
    /// result.
    #[track_caller]
    pub fn stack(tensors: &[&Tensor], axis: isize) -> Tensor {
        if tensors.is_empty() {
            return none_given("stack", Source::caller());
        }
        let with_axis: Vec<Tensor> = tensors.iter().map(|t| t.unsqueeze(axis)).collect();
        Tensor::concat(&with_axis.iter().collect::<Vec<_>>(), axis)
    }

    /// Splits the tensor into parts of these sizes along `axis`. The sizes must add up to the axis.
    /// A negative axis counts from the last one.
    #[track_caller]
    pub fn split(&self, sizes: &[usize], axis: isize) -> Vec<Tensor> {
        let total = sizes.iter().fold(0usize, |n, &s| n.saturating_add(s));
        let have = self.shape().axis(axis).map(|_| self.dim(axis));
        if have != Some(total) {
            let reason = format!("the parts {sizes:?} do not add up to axis {axis}");
            let broken = self.record_error("split", reason, Source::caller());
            return vec![broken; sizes.len()];
        }
        let mut start = 0;
        let mut parts = Vec::with_capacity(sizes.len());
        for &size in sizes {
            parts.push(self.narrow(axis, start, size));
            start += size;
        }
        parts
    }
}

/// Returns an error without any tensor or graph. The first op that uses the result moves the error
/// to its own graph.
pub(super) fn none_given(op: &'static str, at: Source) -> Tensor {
    let mut graph = Graph::new(Mode::Eval);
    graph.record(Error::Op {
        op,
        inputs: Vec::new(),
        reason: "expected at least 1 tensor, found none".to_string(),
        at,
        scope: String::new(),
    });
    Tensor::broken(Rc::new(RefCell::new(graph)))
}
