//! Scatter-add: adds rows by index, `y[r, ..] = sum over i with ids[i] = r of x[i, ..]`.
//!
//! The inputs are `x [ids.., ..]` f32 and `u32` row indices `[ids..]`; the result is `[rows, ..]`.
//! Indices past the last row are ignored. Scatter-add is the gradient of gather, and gather is the
//! gradient of scatter-add.
//!
//! Invariant: the terms of a row are added in ascending order of `i`, so the bits are the same each
//! time.
//!
//! On a GPU, the positions of each row index are first linked in a chain, in ascending order. Then
//! the chain of each row is traversed, so that each row of `x` is read once. Few positions are
//! linked by `rows * ids` comparisons in one dispatch. Many are linked by sorting the indices, with
//! work that grows with `rows + ids`. Atomics are not used: WGSL has none for floats, and their
//! order would change the bits.

use crate::graph::{Backward, Gather, Grads, Meta, Op, ScatterAdd};
use crate::kernel::{Binding, Kernel, Operand, Variant, prelude, wgsl};
use crate::ops::radix::{Radix, Sorted};
use crate::ops::{
    Array, Fusion, HostRef, KernelOp, LowerContext, OpDef, OpDoc, OpKind, Precision, Tolerance,
    grid,
};
use crate::{DType, Source, Tensor};

/// The number of comparisons up to which comparing all row indices with all positions is faster
/// than sorting. A software adapter makes fewer comparisons at a time, and starts a dispatch in
/// less time.
const MAX_COMPARISONS: usize = 1 << 20;
const MAX_COMPARISONS_SOFTWARE: usize = 1 << 17;

/// Returns the number of elements of a row of the result.
fn row_len(y: &[usize]) -> usize {
    y.iter().skip(1).product()
}

fn add<T: Copy + std::ops::AddAssign>(
    x: &[T],
    row: usize,
    ids: impl Iterator<Item = usize>,
    y: &mut [T],
) {
    if row == 0 {
        return;
    }
    for (id, x) in ids.zip(x.chunks_exact(row)) {
        if let Some(y) = y.chunks_exact_mut(row).nth(id) {
            y.iter_mut().zip(x).for_each(|(y, x)| *y += *x);
        }
    }
}

impl OpDef for ScatterAdd {
    fn name(&self) -> &'static str {
        "scatter_add"
    }
    fn doc(&self) -> OpDoc {
        OpDoc {
            formula: "`y[r, ..] = sum over i with ids[i] = r of x[i, ..]`, in ascending order of `i`",
            shapes: "`x [ids.., ..]`, `ids` of any shape; `y [rows, ..]`",
            dtypes: "`x` `f32`, `ids` `u32`",
            gradient: "`dx` is `gather` of `dy`",
        }
    }
    fn infer(&self, x: &[Meta]) -> Result<Meta, String> {
        let [x, ids] = x else {
            return Err(format!("expected 2 inputs, found {}", x.len()));
        };
        if x.dtype != DType::F32 || ids.dtype != DType::U32 {
            return Err("the rows must be f32 and their indices u32".to_string());
        }
        let Some(rest) = x.shape.strip_prefix(&ids.shape[..]) else {
            return Err("rows [ids.., ..] require indices [ids..], one per row".to_string());
        };
        Ok(Meta::new([&[self.rows], rest].concat(), DType::F32))
    }
    fn grad(&self, b: &Backward) -> Grads {
        let op = Op::Gather(Gather { frozen: None });
        let dx = Tensor::apply(op, &[b.dy, &b.x[1]], Source::caller());
        Ok(vec![Some(dx), None])
    }
    fn reference(&self, x: &[&Array], y: &mut Array) {
        let ids = x[1].data.iter().map(|&id| id as usize);
        add(&x[0].data, row_len(&y.shape), ids, &mut y.data);
    }
    fn tolerance(&self, x: &[&Array], _: &Array) -> Tolerance {
        // A sum has at most as many terms as the most frequent index.
        let mut counts = vec![0u32; self.rows];
        for &id in &x[1].data {
            if let Some(count) = counts.get_mut(id as usize) {
                *count += 1;
            }
        }
        let n = f64::from(counts.iter().copied().max().unwrap_or(0));
        Tolerance {
            abs: 6e-8 * n * n * x[0].max_abs(),
            rel: 6e-8,
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

impl KernelOp for ScatterAdd {
    fn fusion(&self, _: &[Meta]) -> Fusion {
        Fusion::NONE
    }
    fn kernels(&self, cx: &LowerContext) -> Vec<Variant> {
        let row = row_len(&cx.y.shape);
        let width = if row.is_multiple_of(4) { 4 } else { 1 };
        let count = cx.x[1].shape.len();
        let params = [self.rows, count, row / width].map(|n| n as u32).to_vec();
        let overrides = || vec![("WG", grid::LINEAR_WORKGROUP)];
        let most = match cx.limits.software {
            true => MAX_COMPARISONS_SOFTWARE,
            false => MAX_COMPARISONS,
        };
        let sort = self.rows.saturating_mul(count) > most;
        let sorted = match sort {
            true => Radix {
                keys: cx.inputs[1],
                count,
                // All indices past the last row are mapped to one more row.
                most: self.rows as u32,
                limits: cx.limits,
            }
            .sorted(),
            false => Sorted {
                kernels: Vec::new(),
                scratch: Vec::new(),
                pairs: cx.inputs[1],
            },
        };
        let Sorted {
            mut kernels,
            mut scratch,
            pairs,
        } = sorted;
        let chains = Operand::Scratch(scratch.len());
        // At least one word, because a buffer cannot be empty.
        scratch.push(4 * (count + self.rows).max(1) as u64);
        let (label, shader, items) = match sort {
            true => (
                "scatter_chain",
                wgsl!("scatter_chain"),
                self.rows.max(count),
            ),
            false => ("scatter_link", wgsl!("scatter_link"), self.rows),
        };
        // All positions may have the same row index.
        if !cx.allows(count) {
            return Vec::new();
        }
        kernels.push(Kernel {
            label,
            parts: vec![wgsl!("lib/index"), shader],
            overrides: overrides(),
            bindings: vec![
                Binding::Read(pairs),
                Binding::Write(chains),
                Binding::Uniform(params.clone()),
            ],
            workgroups: grid::linear(cx.limits, items),
        });
        kernels.push(Kernel {
            label: "scatter_add",
            parts: vec![
                prelude(width as u32),
                wgsl!("lib/index"),
                wgsl!("scatter_add"),
            ],
            overrides: overrides(),
            bindings: vec![
                Binding::Read(cx.inputs[0]),
                Binding::Read(chains),
                Binding::Write(cx.output),
                Binding::Uniform(params),
            ],
            workgroups: grid::linear(cx.limits, self.rows * row / width),
        });
        vec![Variant { kernels, scratch }]
    }
    fn cpu(&self, x: &[HostRef], meta: &Meta, y: &mut [u32]) {
        let y: &mut [f32] = bytemuck::cast_slice_mut(y);
        y.fill(0.0);
        let ids = x[1].words.iter().map(|&id| id as usize);
        add(x[0].f32(), row_len(&meta.shape), ids, y);
    }
}

impl Tensor {
    /// Adds the rows of this tensor `[ids.., ..]` by their indices `ids` (`u32`, `[ids..]`).
    /// Returns `[rows, ..]`. Indices past the last row are ignored. It is the transpose of
    /// [`Tensor::gather`].
    #[track_caller]
    pub fn scatter_add(&self, ids: &Tensor, rows: usize) -> Tensor {
        Tensor::apply(
            Op::ScatterAdd(ScatterAdd { rows }),
            &[self, ids],
            Source::caller(),
        )
    }
}
