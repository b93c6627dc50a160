//! The shared part of row ops. A new row op needs only its formula, its reference, its WGSL and its
//! cases.
//!
//! A row op computes each row of its first input (a slice along the last axis) independently, such
//! as softmax or a normalization. Of each other input, a row reads its own part (a label, a row of
//! `dy`) or the whole (a weight); see [`RowOp::is_whole`]. The result has as many rows, of any
//! length.
//!
//! On a GPU, each row has a workgroup, or on a software adapter an invocation. On the CPU, threads
//! share the rows.

use crate::graph::{Backward, Grads, Meta, Op};
use crate::kernel::{Binding, Kernel, Part, Variant, wgsl};
use crate::ops::{Array, HostRef, LowerContext, OpDoc, Precision, Tolerance, grid, rows};
use crate::{DType, Source, Tensor};

/// The largest number of inputs of a row op.
pub(super) const MAX_INPUTS: usize = 4;

/// The number of rows from which each has one invocation on a device that is a CPU.
const MIN_OWN_ROWS: usize = 64;
/// The largest length of such a row.
const MAX_OWN_COLUMNS: usize = 1 << 13;
/// The largest number of passes through a row.
const MAX_PASSES: usize = 4;
/// The workgroup size of such kernels: a SIMD vector of the CPU.
const OWN_WORKGROUP: u32 = 8;

/// A row op. [`row_op`] implements an op for it.
pub(super) trait RowOp: Sync {
    /// The floating-point operations per element of input 0.
    const FLOPS: f64;
    /// The cost per element of input 0 on the CPU, in additions.
    const COST: usize;
    /// See [`crate::ops::OpDef::precision`].
    const PRECISION: Precision;

    /// See [`crate::ops::OpDef::name`].
    fn name(&self) -> &'static str;
    /// See [`crate::ops::OpDef::doc`].
    fn doc(&self) -> OpDoc;
    /// See [`crate::ops::OpDef::infer`].
    fn infer(&self, x: &[Meta]) -> Result<Meta, String>;
    /// See [`crate::ops::OpDef::grad`].
    fn grad(&self, b: &Backward) -> Grads;
    /// Returns whether every row reads the whole of input `i` instead of its own part.
    fn is_whole(&self, i: usize) -> bool {
        let _ = i;
        false
    }
    /// Computes a row from the definition, in f64; `y` is all zeros.
    fn reference(&self, x: &[&[f64]], y: &mut [f64]);
    /// See [`crate::ops::OpDef::tolerance`].
    fn tolerance(&self, x: &[&Array], y: &Array) -> Tolerance;
    /// Computes a row on the CPU.
    fn cpu(&self, x: &[HostRow], y: &mut [f32]);
    /// Returns the shader. Its bindings are the inputs, the result, and a uniform with rows,
    /// columns and [`RowOp::params`].
    fn shader(&self) -> (&'static str, Vec<Part>);
    /// Returns the words of the shader's parameters after rows and columns.
    fn params(&self) -> Vec<u32> {
        Vec::new()
    }
}

/// The part of an input that a row reads on the CPU device.
#[derive(Clone, Copy)]
pub(super) struct HostRow<'a>(pub &'a [u32]);

impl<'a> HostRow<'a> {
    /// Returns the elements of an `f32` input.
    #[inline(always)]
    pub fn f32(self) -> &'a [f32] {
        bytemuck::cast_slice(self.0)
    }

    /// Returns the only element of a `u32` input.
    #[inline(always)]
    pub fn number(self) -> usize {
        self.0.first().map_or(usize::MAX, |n| *n as usize)
    }
}

/// Returns the parameter from which a shader's search for the largest element of a row starts.
/// WGSL has no infinite constants.
pub(super) fn largest_start() -> Vec<u32> {
    vec![f32::NEG_INFINITY.to_bits()]
}

/// Implements ops for types that are [`RowOp`]s.
macro_rules! row_op {
    ($($op:ty),* $(,)?) => {$(
        impl $crate::ops::OpDef for $op {
            fn name(&self) -> &'static str {
                $crate::ops::row_op::RowOp::name(self)
            }
            fn doc(&self) -> $crate::ops::OpDoc {
                $crate::ops::row_op::RowOp::doc(self)
            }
            fn infer(&self, x: &[$crate::graph::Meta]) -> Result<$crate::graph::Meta, String> {
                $crate::ops::row_op::RowOp::infer(self, x)
            }
            fn grad(&self, b: &$crate::graph::Backward) -> $crate::graph::Grads {
                $crate::ops::row_op::RowOp::grad(self, b)
            }
            fn reference(&self, x: &[&$crate::ops::Array], y: &mut $crate::ops::Array) {
                $crate::ops::row_op::reference(self, x, y);
            }
            fn tolerance(
                &self,
                x: &[&$crate::ops::Array],
                y: &$crate::ops::Array,
            ) -> $crate::ops::Tolerance {
                $crate::ops::row_op::RowOp::tolerance(self, x, y)
            }
            fn flops(&self, x: &[$crate::graph::Meta], _: &$crate::graph::Meta) -> f64 {
                <Self as $crate::ops::row_op::RowOp>::FLOPS * x[0].shape.len() as f64
            }
            fn precision(&self) -> $crate::ops::Precision {
                <Self as $crate::ops::row_op::RowOp>::PRECISION
            }
            fn kind(&self) -> $crate::ops::OpKind<'_> {
                $crate::ops::OpKind::Kernel(self)
            }
        }

        impl $crate::ops::KernelOp for $op {
            fn fusion(&self, _: &[$crate::graph::Meta]) -> $crate::ops::Fusion {
                $crate::ops::Fusion::NONE
            }
            fn kernels(&self, cx: &$crate::ops::LowerContext) -> Vec<$crate::kernel::Variant> {
                $crate::ops::row_op::kernels(self, cx)
            }
            fn cpu(
                &self,
                x: &[$crate::ops::HostRef],
                _: &$crate::graph::Meta,
                y: &mut [u32],
            ) {
                $crate::ops::row_op::cpu(self, x, bytemuck::cast_slice_mut(y));
            }
        }
    )*};
}
pub(super) use row_op;

/// Returns the part of `x` that row `i` of `rows` reads.
#[inline(always)]
fn part<T>(x: &[T], i: usize, rows: usize, whole: bool) -> &[T] {
    let n = x.len() / rows.max(1);
    match whole {
        true => x,
        false => x.get(i * n..(i + 1) * n).unwrap_or(&[]),
    }
}

/// Computes a row op with the reference.
pub(super) fn reference(op: &impl RowOp, x: &[&Array], y: &mut Array) {
    let rows = x[0].shape.rows();
    let n = y.data.len() / rows.max(1);
    for (i, y) in y.data.chunks_exact_mut(n.max(1)).enumerate() {
        let mut parts: [&[f64]; MAX_INPUTS] = [&[]; MAX_INPUTS];
        for (k, (to, x)) in parts.iter_mut().zip(x).enumerate() {
            *to = part(&x.data, i, rows, op.is_whole(k));
        }
        op.reference(&parts[..x.len().min(MAX_INPUTS)], y);
    }
}

/// Computes a row op on the CPU.
pub(super) fn cpu(op: &impl RowOp, x: &[HostRef], y: &mut [f32]) {
    let Some(first) = x.first() else { return };
    let (rows, columns) = (first.meta.shape.rows(), first.meta.shape.last());
    let n = (y.len() / rows.max(1)).max(1);
    let whole: [bool; MAX_INPUTS] = std::array::from_fn(|k| op.is_whole(k));
    let cost = cost_of(op) * columns / n;
    rows::for_rows(
        y,
        n,
        cost,
        #[inline(always)]
        |i, y| {
            let mut parts = [HostRow(&[]); MAX_INPUTS];
            for ((to, x), whole) in parts.iter_mut().zip(x).zip(whole) {
                *to = HostRow(part(x.words, i, rows, whole));
            }
            op.cpu(&parts[..x.len().min(MAX_INPUTS)], y);
        },
    );
}

fn cost_of<R: RowOp>(_: &R) -> usize {
    R::COST
}

/// Returns the kernel of a row op: one workgroup for each row, or one invocation.
pub(super) fn kernels(op: &impl RowOp, cx: &LowerContext) -> Vec<Variant> {
    let (rows, columns) = (cx.x[0].shape.rows(), cx.x[0].shape.last());
    let (label, shader) = op.shader();
    let mut bindings: Vec<Binding> = cx.inputs.iter().map(|&x| Binding::Read(x)).collect();
    bindings.push(Binding::Write(cx.output));
    let mut params = vec![rows as u32, columns as u32];
    params.extend(op.params());
    bindings.push(Binding::Uniform(params));
    // On a device that is a CPU, the barriers of a workgroup are slow.
    let own = cx.limits.software && rows >= MIN_OWN_ROWS && columns <= MAX_OWN_COLUMNS;
    let (workgroup, groups, library) = match own {
        true => (
            OWN_WORKGROUP,
            rows.div_ceil(OWN_WORKGROUP as usize),
            wgsl!("lib/row_own"),
        ),
        false => (
            grid::row_workgroup(cx.limits, columns),
            rows,
            wgsl!("lib/row"),
        ),
    };
    if !cx.allows(MAX_PASSES * columns.div_ceil(if own { 1 } else { workgroup as usize })) {
        return Vec::new();
    }
    let mut parts = vec![wgsl!("lib/index"), library];
    parts.extend(shader);
    let kernel = Kernel {
        label,
        parts,
        overrides: vec![("WG", workgroup)],
        bindings,
        workgroups: cx.limits.fold(groups as u64),
    };
    vec![kernel.into()]
}

/// The shape rule of an op with one f32 input and a result of the same type.
pub(super) fn like_one(x: &[Meta]) -> Result<Meta, String> {
    match x {
        [x] if x.dtype == DType::F32 && x.shape.rank() > 0 => Ok(x.clone()),
        _ => Err("expected one f32 tensor with at least one axis".to_string()),
    }
}

/// The shape rule of a gradient op with the inputs `y` and `dy`.
pub(super) fn like_two(x: &[Meta]) -> Result<Meta, String> {
    match x {
        [y, dy] if y == dy && y.dtype == DType::F32 && y.shape.rank() > 0 => Ok(y.clone()),
        _ => Err("expected y and dy, f32 of the same shape with at least one axis".to_string()),
    }
}

/// The gradient rule of an op with one input, by an op with the inputs `y` and `dy`.
pub(super) fn by(op: Op, b: &Backward) -> Grads {
    let dx = Tensor::apply(op, &[b.y, b.dy], Source::caller());
    Ok(vec![Some(dx)])
}

/// The gradient rule of a gradient op.
pub(super) fn once() -> Grads {
    Err("has no second derivative; differentiate the loss only once".to_string())
}

impl Tensor {
    /// Applies a row op along `axis`, which is moved to the end and back.
    pub(super) fn along(
        &self,
        axis: isize,
        (name, op): (&'static str, Op),
        caller: Source,
    ) -> Tensor {
        let shape = self.shape();
        let Some(axis) = shape.axis(axis) else {
            let axes = shape.rank();
            let reason = format!("the tensor has {axes} axes; there is no axis {axis}");
            return self.record_error(name, reason, caller);
        };
        let (axis, last) = (axis as isize, shape.rank() as isize - 1);
        Tensor::apply(op, &[&self.swapped(axis, last)], caller).swapped(axis, last)
    }

    /// Returns the tensor with two axes swapped, or the tensor itself if they are the same.
    pub(super) fn swapped(&self, a: isize, b: isize) -> Tensor {
        match a == b {
            true => self.clone(),
            false => self.transpose(a, b),
        }
    }
}
