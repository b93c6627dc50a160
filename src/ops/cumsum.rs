//! Cumulative sum: `y[o, i, j] = sum of x[o, k, j] over k up to i`, or from `i` on.
//!
//! The input is `x [outer.., n, inner..]` f32; the result has the same shape. Its gradient is the
//! cumulative sum from the other end.
//!
//! On a GPU, an axis longer than [`CHUNK`] is divided into chunks. Their totals are summed first,
//! in the same way, and each chunk then starts from the total before it. So any length works, and
//! the order of additions depends only on the length. The CPU adds in f64.

use crate::graph::{Backward, CumSum, Grads, Meta, Op};
use crate::kernel::{Binding, Kernel, KernelLimits, Operand, Variant, wgsl};
use crate::ops::{
    Array, Fusion, HostRef, KernelOp, LowerContext, OpDef, OpDoc, OpKind, Precision, Tolerance,
    grid, rows,
};
use crate::{DType, Shape, Source, Tensor};

/// The number of elements that an invocation adds.
const CHUNK: usize = 256;

impl CumSum {
    /// Returns the numbers of elements before the axis, along it, and after it.
    fn split(&self, x: &Shape) -> (usize, usize, usize) {
        let (outer, rest) = x.split_at(self.axis.min(x.rank()));
        let (n, inner) = rest
            .split_first()
            .map_or((1, &[][..]), |(n, inner)| (*n, inner));
        (outer.iter().product(), n, inner.iter().product())
    }

    /// Sums a block `[n, inner]` in f64.
    fn block<T: Copy>(
        &self,
        (n, inner): (usize, usize),
        x: &[T],
        y: &mut [T],
        (wide, narrow): (impl Fn(T) -> f64, impl Fn(f64) -> T),
    ) {
        let mut sums = vec![0.0; inner];
        for i in 0..n {
            let i = if self.reverse { n - 1 - i } else { i };
            let row = i * inner..(i + 1) * inner;
            let (Some(x), Some(y)) = (x.get(row.clone()), y.get_mut(row)) else {
                return;
            };
            for ((sum, x), y) in sums.iter_mut().zip(x).zip(y) {
                *sum += wide(*x);
                *y = narrow(*sum);
            }
        }
    }
}

impl OpDef for CumSum {
    fn name(&self) -> &'static str {
        "cumsum"
    }
    fn doc(&self) -> OpDoc {
        OpDoc {
            formula: "`y[o, i, j] = sum over k <= i of x[o, k, j]`, or over `k >= i`",
            shapes: "`x [outer.., n, inner..]`; `y` as `x`",
            dtypes: "`f32`",
            gradient: "`dx` is the cumulative sum of `dy` from the other end",
        }
    }
    fn infer(&self, x: &[Meta]) -> Result<Meta, String> {
        match x {
            [x] if x.dtype != DType::F32 => {
                Err("the input must be f32; see `Tensor::cast`".to_string())
            }
            [x] if self.axis >= x.shape.rank() => Err(format!("there is no axis {}", self.axis)),
            [x] => Ok(x.clone()),
            _ => Err(format!("expected 1 input, found {}", x.len())),
        }
    }
    fn grad(&self, b: &Backward) -> Grads {
        let op = Op::CumSum(CumSum {
            reverse: !self.reverse,
            ..*self
        });
        Ok(vec![Some(Tensor::apply(op, &[b.dy], Source::caller()))])
    }
    fn reference(&self, x: &[&Array], y: &mut Array) {
        let (outer, n, inner) = self.split(&x[0].shape);
        let size = n * inner;
        for o in 0..outer {
            let at = o * size..(o + 1) * size;
            let (x, y) = (&x[0].data[at.clone()], &mut y.data[at]);
            self.block((n, inner), x, y, (|x| x, |y| y));
        }
    }
    fn tolerance(&self, x: &[&Array], _: &Array) -> Tolerance {
        let n = self.split(&x[0].shape).1 as f64;
        Tolerance {
            abs: 6e-8 * (n + 2.0) * x[0].max_abs(),
            rel: 1e-6,
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
}

/// The kernels of cumulative sums, and their workspaces.
struct Scan<'a> {
    limits: &'a KernelLimits,
    kernels: Vec<Kernel>,
    scratch: Vec<u64>,
}

impl Scan<'_> {
    fn workspace(&mut self, elements: usize) -> Operand {
        self.scratch.push(4 * elements.max(1) as u64);
        Operand::Scratch(self.scratch.len() - 1)
    }

    /// Adds the kernels that sum `x [outer, n, inner]` into `y`.
    fn scan(&mut self, x: Operand, y: Operand, size: (usize, usize, usize), reverse: bool) {
        let (outer, n, inner) = size;
        let chunks = n.div_ceil(CHUNK).max(1);
        let count = outer * chunks * inner;
        let mut params = [outer, n, inner, CHUNK].map(|d| d as u32).to_vec();
        params.extend([u32::from(reverse), u32::from(chunks > 1)]);
        let kernel = |label, shader, bindings| Kernel {
            label,
            parts: vec![wgsl!("lib/index"), shader],
            overrides: vec![("WG", grid::LINEAR_WORKGROUP)],
            bindings,
            workgroups: grid::linear(self.limits, count),
        };
        let uniform = Binding::Uniform(params);
        if chunks == 1 {
            // There are no previous totals, so the shader does not read this binding.
            let bindings = vec![
                Binding::Read(x),
                Binding::Read(x),
                Binding::Write(y),
                uniform,
            ];
            return self
                .kernels
                .push(kernel("cumsum", wgsl!("cumsum"), bindings));
        }
        let (totals, sums) = (self.workspace(count), self.workspace(count));
        let kernel = |label, shader, bindings| Kernel {
            label,
            parts: vec![wgsl!("lib/index"), shader],
            overrides: vec![("WG", grid::LINEAR_WORKGROUP)],
            bindings,
            workgroups: grid::linear(self.limits, count),
        };
        let bindings = vec![Binding::Read(x), Binding::Write(totals), uniform.clone()];
        let first = kernel("cumsum_totals", wgsl!("cumsum_totals"), bindings);
        let bindings = vec![
            Binding::Read(x),
            Binding::Read(sums),
            Binding::Write(y),
            uniform,
        ];
        let last = kernel("cumsum", wgsl!("cumsum"), bindings);
        self.kernels.push(first);
        // The totals of the chunks are already in the order of the sum.
        self.scan(totals, sums, (outer, chunks, inner), false);
        self.kernels.push(last);
    }
}

impl KernelOp for CumSum {
    fn fusion(&self, _: &[Meta]) -> Fusion {
        Fusion::NONE
    }
    fn kernels(&self, cx: &LowerContext) -> Vec<Variant> {
        let mut scan = Scan {
            limits: cx.limits,
            kernels: Vec::new(),
            scratch: Vec::new(),
        };
        scan.scan(
            cx.inputs[0],
            cx.output,
            self.split(&cx.x[0].shape),
            self.reverse,
        );
        vec![Variant {
            kernels: scan.kernels,
            scratch: scan.scratch,
        }]
    }
    fn cpu(&self, x: &[HostRef], meta: &Meta, y: &mut [u32]) {
        let (_, n, inner) = self.split(&meta.shape);
        let (x, y): (&[f32], &mut [f32]) = (x[0].f32(), bytemuck::cast_slice_mut(y));
        rows::for_rows(y, n * inner, 2, |i, y| {
            let x = rows::row(x, n * inner, i);
            self.block((n, inner), x, y, (f64::from, |y| y as f32));
        });
    }
}

impl Tensor {
    /// Returns the cumulative sums along `axis`: each element is the sum of all elements up to and
    /// including it. A negative axis counts from the last one. Input and result are `f32` of the
    /// same shape.
    #[track_caller]
    pub fn cumsum(&self, axis: isize) -> Tensor {
        let (shape, caller) = (self.shape(), Source::caller());
        let Some(axis) = shape.axis(axis) else {
            let axes = shape.rank();
            let reason = format!("the tensor has {axes} axes; there is no axis {axis}");
            return self.record_error("cumsum", reason, caller);
        };
        let reverse = false;
        Tensor::apply(Op::CumSum(CumSum { axis, reverse }), &[self], caller)
    }
}
