//! Gather: selects rows of a table by index, `y[i, ..] = table[ids[i], ..]`.
//!
//! The inputs are a table `[v, ..]` of any element type and `u32` row indices of any shape
//! `[ids..]`; the result is `[ids.., ..]`. An index past the last row gives zeros, on every device.
//! A training step gathers its batch from a data set on the device, and an embedding gathers its
//! rows.

use crate::graph::{Backward, Gather, Grads, Meta, Op, ScatterAdd};
use crate::kernel::{Binding, Kernel, Variant, prelude, wgsl};
use crate::ops::{
    Array, Fusion, HostRef, KernelOp, LowerContext, OpDef, OpDoc, OpKind, Precision, Tolerance,
    grid,
};
use crate::{DType, Source, Tensor};

/// Returns the number of elements of a row.
fn row_len(table: &[usize]) -> usize {
    table.iter().skip(1).product()
}

fn copy<T: Copy>(table: &[T], row: usize, ids: impl Iterator<Item = usize>, zero: T, y: &mut [T]) {
    if row == 0 {
        return;
    }
    for (id, y) in ids.zip(y.chunks_exact_mut(row)) {
        match table.chunks_exact(row).nth(id) {
            Some(x) => y.copy_from_slice(x),
            None => y.fill(zero),
        }
    }
}

impl OpDef for Gather {
    fn name(&self) -> &'static str {
        "gather"
    }
    fn doc(&self) -> OpDoc {
        OpDoc {
            formula: "`y[i, ..] = table[ids[i], ..]`, and zeros past the last row",
            shapes: "`table [v, ..]`, `ids` of any shape; `y [ids.., ..]`",
            dtypes: "`table` any, `ids` `u32`",
            gradient: "`dtable` is `scatter_add` of `dy`, without the frozen row",
        }
    }
    fn infer(&self, x: &[Meta]) -> Result<Meta, String> {
        let [table, ids] = x else {
            return Err(format!("expected 2 inputs, found {}", x.len()));
        };
        let Some((_, rest)) = table.shape.split_first() else {
            return Err("the table must have at least one axis".to_string());
        };
        if ids.dtype != DType::U32 {
            return Err("the row indices must be u32; see `Tensor::cast`".to_string());
        }
        Ok(Meta::new([&ids.shape[..], rest].concat(), table.dtype))
    }
    fn indices(&self, x: &[Meta]) -> Option<(usize, usize)> {
        Some((1, *x.first()?.shape.first()?))
    }
    fn grad(&self, b: &Backward) -> Grads {
        let table = &b.x[0];
        if !table.dtype().is_float() {
            return Ok(vec![None, None]);
        }
        let rows = table.dim(0);
        let op = Op::ScatterAdd(ScatterAdd { rows });
        let ids = match self.frozen {
            None => b.x[1].clone(),
            // Scattering ignores indices past the last row.
            Some(row) => {
                let hit = b.x[1].eq(&b.x[1].constant_like(f64::from(row)));
                let past = hit.cast(DType::F32) * f64::from(1u32 << 31);
                &b.x[1] + past.cast(DType::U32)
            }
        };
        let dtable = Tensor::apply(op, &[b.dy, &ids], Source::caller());
        Ok(vec![Some(dtable), None])
    }
    fn reference(&self, x: &[&Array], y: &mut Array) {
        let ids = x[1].data.iter().map(|&id| id as usize);
        copy(&x[0].data, row_len(&x[0].shape), ids, 0.0, &mut y.data);
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

impl KernelOp for Gather {
    fn fusion(&self, _: &[Meta]) -> Fusion {
        Fusion::NONE
    }
    fn kernels(&self, cx: &LowerContext) -> Vec<Variant> {
        let row = row_len(&cx.x[0].shape);
        let width = if row.is_multiple_of(4) { 4 } else { 1 };
        let (rows, count) = (cx.x[0].shape[0], cx.x[1].shape.len());
        let params = [rows, count, row / width].map(|n| n as u32).to_vec();
        vec![
            Kernel {
                label: "gather",
                parts: vec![prelude(width as u32), wgsl!("lib/index"), wgsl!("gather")],
                overrides: vec![("WG", grid::LINEAR_WORKGROUP)],
                bindings: vec![
                    Binding::Read(cx.inputs[0]),
                    Binding::Read(cx.inputs[1]),
                    Binding::Write(cx.output),
                    Binding::Uniform(params),
                ],
                workgroups: grid::linear(cx.limits, count * row / width),
            }
            .into(),
        ]
    }
    fn cpu(&self, x: &[HostRef], _: &Meta, y: &mut [u32]) {
        let ids = x[1].words.iter().map(|&id| id as usize);
        copy(x[0].words, row_len(&x[0].meta.shape), ids, 0, y);
    }
}

impl Tensor {
    /// Returns the rows of this table `[v, ..]` with the indices `ids` (`u32`, any shape), as
    /// `[ids.., ..]`. An index past the last row gives zeros.
    ///
    /// # Example
    /// ```
    /// use wgrad::Device;
    ///
    /// let y = wgrad::eval(&Device::cpu(), |g| {
    ///     let table = g.tensor([3, 1], [10.0, 20.0, 30.0]);
    ///     table.gather(&g.indices([2], [2, 0]))
    /// })?;
    /// assert_eq!(y.data, [30.0, 10.0]);
    /// # Ok::<(), wgrad::Error>(())
    /// ```
    #[track_caller]
    pub fn gather(&self, ids: &Tensor) -> Tensor {
        let op = Op::Gather(Gather { frozen: None });
        Tensor::apply(op, &[self, ids], Source::caller())
    }

    /// Gathers rows as [`Tensor::gather`], but the row `frozen` of the table gets no gradient.
    #[track_caller]
    pub fn gather_frozen(&self, ids: &Tensor, frozen: u32) -> Tensor {
        let op = Op::Gather(Gather {
            frozen: Some(frozen),
        });
        Tensor::apply(op, &[self, ids], Source::caller())
    }
}
