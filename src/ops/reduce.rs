//! Reductions over adjacent axes: `y[o, j] = sum, product, max or min over i of x[o, i, j]`.
//!
//! The input is `x [outer.., n.., inner..]`, the result is `y [outer.., inner..]`, f32. Axes that
//! are not adjacent are reduced one run after the other. A long reduction is divided into chunks
//! whose number depends only on the shape, so its bits do not depend on tuning.

mod composed;
mod methods;

use crate::graph::{Backward, Grads, Graph, Meta, Node, Op, Reduce, ReduceKind};
use crate::kernel::{
    Binding, Expr, Kernel, Operand, Part, Variant, add_parts, emit_epilogue, emit_prologue,
    prelude, wgsl,
};
use crate::ops::{
    Array, Fusion, HostRef, KernelOp, LowerContext, OpDef, OpDoc, OpKind, Precision, Simplified,
    Tolerance, grid, rows,
};
use crate::{DType, Shape, Source, Tensor};

use super::view::simplify::as_reshape;

/// The length above which a reduction is computed in chunks.
const CHUNK: usize = 256;
/// The number of columns that one CPU thread reduces at a time.
const COLUMNS: usize = 256;
/// The length from which each row has a workgroup.
const MIN_WORKGROUP_ROW: usize = 128;

impl ReduceKind {
    fn name(self) -> &'static str {
        match self {
            ReduceKind::Sum => "sum",
            ReduceKind::Product => "prod",
            ReduceKind::Max => "max",
            ReduceKind::Min => "min",
        }
    }
}

impl Reduce {
    /// Returns the neutral element, which the kernels start from. They read it from their
    /// parameters, because WGSL has no infinite constants.
    fn start(&self) -> f32 {
        match self.kind {
            ReduceKind::Sum => 0.0,
            ReduceKind::Product => 1.0,
            ReduceKind::Max => f32::NEG_INFINITY,
            ReduceKind::Min => f32::INFINITY,
        }
    }

    /// Returns the numbers of elements before the reduced axes, along them, and after them.
    fn split(&self, x: &Shape) -> (usize, usize, usize) {
        let product = |d: &[usize]| d.iter().product();
        (
            product(&x[..self.from]),
            product(&x[self.from..self.to]),
            product(&x[self.to..]),
        )
    }
}

impl OpDef for Reduce {
    fn name(&self) -> &'static str {
        self.kind.name()
    }

    fn doc(&self) -> OpDoc {
        let (formula, gradient) = match self.kind {
            ReduceKind::Sum => (
                "`y[o, j] = sum over i of x[o, i, j]`",
                "`dx[o, i, j] = dy[o, j]`",
            ),
            ReduceKind::Product => (
                "`y[o, j] = product over i of x[o, i, j]`",
                "`dy` times the product of the other elements",
            ),
            ReduceKind::Max => (
                "`y[o, j] = max over i of x[o, i, j]`",
                "`dy`, shared evenly by equal elements",
            ),
            ReduceKind::Min => (
                "`y[o, j] = min over i of x[o, i, j]`",
                "`dy`, shared evenly by equal elements",
            ),
        };
        OpDoc {
            formula,
            shapes: "`x [outer.., n.., inner..]`; `y [outer.., inner..]`",
            dtypes: "`f32`",
            gradient,
        }
    }

    fn infer(&self, x: &[Meta]) -> Result<Meta, String> {
        let [x] = x else {
            return Err(format!("expected 1 input, found {}", x.len()));
        };
        if x.dtype != DType::F32 {
            return Err("the input must be f32; see `Tensor::cast`".to_string());
        }
        if self.from > self.to || self.to > x.shape.rank() {
            return Err(format!("there are no axes {}..{}", self.from, self.to));
        }
        let extreme = matches!(self.kind, ReduceKind::Max | ReduceKind::Min);
        if extreme && self.split(&x.shape).1 == 0 {
            return Err(format!("the {} of no elements does not exist", self.name()));
        }
        Ok(Meta::new(
            [&x.shape[..self.from], &x.shape[self.to..]].concat(),
            DType::F32,
        ))
    }

    fn grad(&self, b: &Backward) -> Grads {
        let x = &b.x[0];
        let shape = x.shape();
        let mut kept = shape.to_vec();
        kept[self.from..self.to].fill(1);
        let spread = |t: &Tensor| t.reshape(kept.clone()).broadcast_to(&shape);
        Ok(vec![Some(match self.kind {
            ReduceKind::Sum => spread(b.dy),
            ReduceKind::Product => self.product_grad(b, spread),
            ReduceKind::Max | ReduceKind::Min => {
                // Equal elements share the gradient evenly, as in PyTorch's amax and amin.
                let hit = x.eq(&spread(b.y)).cast(DType::F32);
                let hits = self.over_the_same(ReduceKind::Sum, &hit);
                spread(&(b.dy / hits)) * hit
            }
        })])
    }

    fn reference(&self, x: &[&Array], y: &mut Array) {
        let (outer, n, inner) = self.split(&x[0].shape);
        for o in 0..outer {
            for j in 0..inner {
                let along = (0..n).map(|i| x[0].data[(o * n + i) * inner + j]);
                y.data[o * inner + j] = match self.kind {
                    ReduceKind::Sum => along.sum(),
                    ReduceKind::Product => along.product(),
                    ReduceKind::Max => along.fold(f64::NEG_INFINITY, f64::max),
                    ReduceKind::Min => along.fold(f64::INFINITY, f64::min),
                };
            }
        }
    }

    fn tolerance(&self, x: &[&Array], _: &Array) -> Tolerance {
        match self.kind {
            ReduceKind::Max | ReduceKind::Min => Tolerance::EXACT,
            ReduceKind::Product => Tolerance::ulp(self.split(&x[0].shape).1 as f64),
            ReduceKind::Sum => {
                let n = self.split(&x[0].shape).1 as f64;
                Tolerance {
                    abs: 6e-8 * (n + 2.0) * x[0].max_abs(),
                    rel: 1e-6,
                }
            }
        }
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

    /// Replaces a reduction of axes of size 1 by a reshape.
    fn simplify(&self, graph: &Graph, node: &Node) -> Option<Simplified> {
        let x = graph.node(*node.inputs.first()?);
        let one = x
            .meta
            .shape
            .get(self.from..self.to)?
            .iter()
            .all(|&d| d == 1);
        one.then(|| as_reshape(node))
    }
}

impl KernelOp for Reduce {
    fn fusion(&self, _: &[Meta]) -> Fusion {
        Fusion::BOTH
    }

    fn kernels(&self, cx: &LowerContext) -> Vec<Variant> {
        let (outer, n, inner) = self.split(&cx.x[0].shape);
        let Some(epilogue) = cx.epilogue else {
            return Vec::new();
        };
        let plain = Expr::load(&cx.x[0], cx.inputs[0]);
        let prologue = cx.prologue.unwrap_or(&plain);
        // On a software adapter, the barriers of a workgroup are slow, and few rows keep it busy.
        let few = n <= CHUNK || outer >= 64 && n < CHUNK * 16;
        let serial = cx.limits.software && inner == 1 && few;
        // A single chunk needs no second dispatch.
        let one_chunk = inner > 1 && n <= CHUNK;
        if n < MIN_WORKGROUP_ROW || serial || one_chunk {
            return vec![
                self.columns((outer, n, inner), n.max(1), prologue, epilogue, cx)
                    .into(),
            ];
        }
        if inner == 1 && n < CHUNK * MIN_WORKGROUP_ROW {
            return vec![self.rows(outer, n, prologue, epilogue, cx).into()];
        }
        // First each chunk, then the results of the chunks.
        let chunks = n.div_ceil(CHUNK);
        let partial = Meta::new([outer, chunks, inner], DType::F32);
        let store = Expr::store_acc(partial.shape.clone(), Operand::Scratch(0), DType::F32);
        let load = Expr::load(&partial, Operand::Scratch(0));
        let second = match inner {
            1 => self.rows(outer, chunks, &load, epilogue, cx),
            _ => self.columns((outer, chunks, inner), chunks, &load, epilogue, cx),
        };
        let first = self.columns((outer, n, inner), CHUNK, prologue, &store, cx);
        vec![Variant {
            kernels: vec![first, second],
            scratch: vec![partial.bytes()],
        }]
    }

    fn cpu(&self, x: &[HostRef], _: &Meta, y: &mut [u32]) {
        let (outer, n, inner) = self.split(&x[0].meta.shape);
        let (x, y): (&[f32], &mut [f32]) = (x[0].f32(), bytemuck::cast_slice_mut(y));
        if inner == 1 {
            let row = |i, y: &mut [f32]| {
                let x = rows::row(x, n, i);
                y.fill(match self.kind {
                    ReduceKind::Sum => rows::long_sum(x),
                    ReduceKind::Max => rows::widest(
                        #[inline(always)]
                        || rows::max(x),
                    ),
                    ReduceKind::Min => rows::widest(
                        #[inline(always)]
                        || rows::min(x),
                    ),
                    ReduceKind::Product => rows::widest(
                        #[inline(always)]
                        || rows::product(x),
                    ),
                });
            };
            return rows::for_rows(y, 1, n, row);
        }
        if outer > 1 && inner <= COLUMNS {
            let column = |o, y: &mut [f32]| self.add_up(&x[o * n * inner..], (n, inner), y);
            return rows::for_rows(y, inner, n, column);
        }
        for (o, y) in y.chunks_exact_mut(inner.max(1)).enumerate() {
            let x = &x[o * n * inner..(o + 1) * n * inner];
            let columns = |i, y: &mut [f32]| {
                if let Some(x) = x.get(i * COLUMNS..) {
                    self.add_up(x, (n, inner), y);
                }
            };
            rows::for_rows(y, COLUMNS, n, columns);
        }
    }
}

impl Reduce {
    /// Reduces columns of `n` rows that are `stride` elements apart.
    fn add_up(&self, x: &[f32], (n, stride): (usize, usize), y: &mut [f32]) {
        let start = self.start();
        let sum = |x: f32, y: f32| y + x;
        let product = |x: f32, y: f32| y * x;
        let max = |x: f32, y: f32| if x > y { x } else { y };
        let min = |x: f32, y: f32| if x < y { x } else { y };
        match self.kind {
            ReduceKind::Sum => fold(x, (n, stride), start, sum, y),
            ReduceKind::Product => fold(x, (n, stride), start, product, y),
            ReduceKind::Max => fold(x, (n, stride), start, max, y),
            ReduceKind::Min => fold(x, (n, stride), start, min, y),
        }
    }

    /// Returns another reduction of `x` over the same axes.
    fn over_the_same(&self, kind: ReduceKind, x: &Tensor) -> Tensor {
        let op = Op::Reduce(Reduce { kind, ..*self });
        Tensor::apply(op, &[x], Source::caller())
    }

    /// Computes `dx[i]` as `dy` times the product of the other elements: the product of all
    /// elements that are not 0, divided by `x[i]`, or 0 if another element is 0.
    fn product_grad(&self, b: &Backward, spread: impl Fn(&Tensor) -> Tensor) -> Tensor {
        let x = &b.x[0];
        let zero = x.eq_scalar(0.0);
        let others = zero.select(&x.full_like(1.0), x);
        let product = self.over_the_same(ReduceKind::Product, &others);
        let zeros = zero.cast(DType::F32);
        let other_zeros = spread(&self.over_the_same(ReduceKind::Sum, &zeros)) - &zeros;
        let dx = spread(&(b.dy * product)) / others;
        other_zeros.eq_scalar(0.0).select(&dx, &x.zeros_like())
    }
}

/// Reduces row by row: each row is read once, in order, and `y` stays in the L1 cache.
fn fold(
    x: &[f32],
    (n, stride): (usize, usize),
    start: f32,
    f: impl Fn(f32, f32) -> f32,
    y: &mut [f32],
) {
    rows::widest(
        #[inline(always)]
        || {
            y.fill(start);
            for row in x.chunks(stride).take(n) {
                for (y, x) in y.iter_mut().zip(row) {
                    *y = f(*x, *y);
                }
            }
        },
    );
}

impl Reduce {
    fn combine(&self) -> Part {
        match self.kind {
            ReduceKind::Sum => wgsl!("lib/reduce_sum"),
            ReduceKind::Product => wgsl!("lib/reduce_product"),
            ReduceKind::Max => wgsl!("lib/reduce_max"),
            ReduceKind::Min => wgsl!("lib/reduce_min"),
        }
    }

    /// Returns a kernel with one invocation for each chunk of each column. Its result is
    /// `[outer, ceil(n / chunk), inner]`.
    fn columns(
        &self,
        (outer, n, inner): (usize, usize, usize),
        chunk: usize,
        prologue: &Expr,
        epilogue: &Expr,
        cx: &LowerContext,
    ) -> Kernel {
        // A software adapter loads vectors faster; other adapters are faster with more invocations.
        let vectors = cx.limits.software && inner.is_multiple_of(4);
        let width = if vectors { 4 } else { 1 };
        let inner = inner / width;
        let mut params = [outer, n, inner, chunk].map(|d| d as u32).to_vec();
        params.push(self.start().to_bits());
        let count = outer * n.div_ceil(chunk).max(1) * inner;
        let workgroup = grid::long_workgroup(cx.limits);
        let grid = cx
            .limits
            .fold((count as u64).div_ceil(u64::from(workgroup)));
        self.kernel(
            "reduce_columns",
            params,
            grid,
            workgroup,
            (prologue, epilogue, width as u32),
        )
    }

    /// Returns a kernel with one workgroup for each row. Its result is `[outer]`.
    fn rows(
        &self,
        outer: usize,
        n: usize,
        prologue: &Expr,
        epilogue: &Expr,
        cx: &LowerContext,
    ) -> Kernel {
        let params = vec![outer as u32, n as u32, self.start().to_bits()];
        let grid = cx.limits.fold(outer as u64);
        self.kernel(
            "reduce_rows",
            params,
            grid,
            grid::row_workgroup(cx.limits, n),
            (prologue, epilogue, 1),
        )
    }

    fn kernel(
        &self,
        label: &'static str,
        params: Vec<u32>,
        workgroups: [u32; 3],
        workgroup: u32,
        (prologue, epilogue, width): (&Expr, &Expr, u32),
    ) -> Kernel {
        let prologue = emit_prologue(prologue, width, 1);
        let epilogue = emit_epilogue(epilogue, width, 1 + prologue.bindings.len() as u32);
        let shell = match label {
            "reduce_rows" => wgsl!("reduce_rows"),
            _ => wgsl!("reduce_columns"),
        };
        let mut parts = vec![prelude(width), wgsl!("lib/index"), self.combine(), shell];
        // Prologue and epilogue may use the same libraries.
        add_parts(&mut parts, prologue.parts);
        add_parts(&mut parts, epilogue.parts);
        let mut bindings = vec![Binding::Uniform(params)];
        bindings.extend(prologue.bindings);
        bindings.extend(epilogue.bindings);
        Kernel {
            label,
            parts,
            overrides: vec![("WG", workgroup)],
            bindings,
            workgroups,
        }
    }
}
