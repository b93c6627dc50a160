//! Take along an axis: `y[o, i, j] = x[o, ids[o, i, j], j]`, where `i` is the index along the axis.
//!
//! The inputs are `x [.., n, ..]` of any element type and `u32` indices `ids [.., m, ..]` that
//! agree in all other axes; `y` has the shape of `ids`. An index past the end of the axis gives 0,
//! on every device. The gradient is a scatter-add: the gradients of repeated indices are added.

use crate::graph::{Backward, Grads, Meta, Op, TakeAlong};
use crate::kernel::{Binding, Kernel, Variant, wgsl};
use crate::ops::{
    Array, Fusion, HostRef, KernelOp, LowerContext, OpDef, OpDoc, OpKind, Precision, Tolerance,
    grid, threads,
};
use crate::{DType, Shape, Source, Tensor};

impl TakeAlong {
    /// Returns the sizes of the axis in `x` and in the indices, and the number of elements after
    /// it.
    fn sizes(&self, x: &[usize], ids: &[usize]) -> [usize; 3] {
        let at = |dims: &[usize]| dims.get(self.axis).copied().unwrap_or(1);
        let inner = ids.iter().skip(self.axis + 1).product();
        [at(x), at(ids), inner]
    }

    /// Returns element `e` of the result.
    fn one<T: Copy>(&self, x: &[T], [n, m, inner]: [usize; 3], id: usize, e: usize) -> Option<T> {
        let at = |id| (e / (m * inner) * n + id) * inner + e % inner;
        Some(id)
            .filter(|id| *id < n)
            .and_then(|id| x.get(at(id)).copied())
    }
}

impl OpDef for TakeAlong {
    fn name(&self) -> &'static str {
        "take_along_dim"
    }
    fn doc(&self) -> OpDoc {
        OpDoc {
            formula: "`y[o, i, j] = x[o, ids[o, i, j], j]`, and 0 past the end",
            shapes: "`x [.., n, ..]`, `ids [.., m, ..]`; `y [.., m, ..]`",
            dtypes: "`x` any, `ids` `u32`",
            gradient: "`dx` is the scatter-add of `dy` along the axis",
        }
    }
    fn infer(&self, x: &[Meta]) -> Result<Meta, String> {
        let [x, ids] = x else {
            return Err(format!("expected 2 inputs, found {}", x.len()));
        };
        if ids.dtype != DType::U32 {
            return Err("the indices must be u32; see `Tensor::cast`".to_string());
        }
        let without = |shape: &Shape| shape.with_axis(self.axis, 0);
        if self.axis >= x.shape.rank() || without(&x.shape) != without(&ids.shape) {
            let axis = self.axis;
            return Err(format!("the shapes must agree in all axes but {axis}"));
        }
        Ok(Meta::new(ids.shape.clone(), x.dtype))
    }
    fn indices(&self, x: &[Meta]) -> Option<(usize, usize)> {
        Some((1, *x.first()?.shape.get(self.axis)?))
    }
    fn grad(&self, b: &Backward) -> Grads {
        let (x, ids) = (&b.x[0], &b.x[1]);
        if !x.dtype().is_float() {
            return Ok(vec![None, None]);
        }
        let (to, caller) = (x.shape(), Source::caller());
        let dx = b.dy.spread_along(ids, self.axis, &to, caller);
        Ok(vec![Some(dx), None])
    }
    fn reference(&self, x: &[&Array], y: &mut Array) {
        let sizes = self.sizes(&x[0].shape, &x[1].shape);
        for (e, (y, id)) in y.data.iter_mut().zip(&x[1].data).enumerate() {
            *y = self.one(&x[0].data, sizes, *id as usize, e).unwrap_or(0.0);
        }
    }
    fn tolerance(&self, _: &[&Array], _: &Array) -> Tolerance {
        Tolerance::EXACT
    }
    fn flops(&self, _: &[Meta], _: &Meta) -> f64 {
        0.0
    }
    fn precision(&self) -> Precision {
        Precision::Full
    }
    fn kind(&self) -> OpKind<'_> {
        OpKind::Kernel(self)
    }
}

impl KernelOp for TakeAlong {
    fn fusion(&self, _: &[Meta]) -> Fusion {
        Fusion::NONE
    }
    fn kernels(&self, cx: &LowerContext) -> Vec<Variant> {
        let [n, m, inner] = self.sizes(&cx.x[0].shape, &cx.x[1].shape);
        let count = cx.y.shape.len();
        let params = [count, n, m, inner].map(|size| size as u32).to_vec();
        vec![
            Kernel {
                label: "take_along",
                parts: vec![wgsl!("lib/index"), wgsl!("take_along")],
                overrides: vec![("WG", grid::LINEAR_WORKGROUP)],
                bindings: vec![
                    Binding::Read(cx.inputs[0]),
                    Binding::Read(cx.inputs[1]),
                    Binding::Write(cx.output),
                    Binding::Uniform(params),
                ],
                workgroups: grid::linear(cx.limits, count),
            }
            .into(),
        ]
    }
    fn cpu(&self, x: &[HostRef], _: &Meta, y: &mut [u32]) {
        // The number of elements that a thread takes at a time.
        const BLOCK: usize = 1 << 14;
        let sizes = self.sizes(&x[0].meta.shape, &x[1].meta.shape);
        let pays = threads::pays(y.len(), 2 * BLOCK);
        threads::for_pieces(y, BLOCK, pays, |(block, y)| {
            let ids = x[1].words.get(block * BLOCK..).unwrap_or_default();
            for (k, (y, &id)) in y.iter_mut().zip(ids).enumerate() {
                let e = block * BLOCK + k;
                *y = self.one(x[0].words, sizes, id as usize, e).unwrap_or(0);
            }
        });
    }
}

impl Tensor {
    /// Returns the elements with the indices `ids` (`u32`) along `axis`:
    /// `y[o, i, j] = x[o, ids[o, i, j], j]`, as `torch.take_along_dim`, and as `torch.gather` if
    /// the shapes agree. In all other axes the shapes broadcast. An index past the end gives 0.
    #[track_caller]
    pub fn take_along_dim(&self, ids: &Tensor, axis: isize) -> Tensor {
        let caller = Source::caller();
        let (x, numbers) = (self.shape(), ids.shape());
        let Some(axis) = x.axis(axis) else {
            return self.no_axis("take_along_dim", axis, caller);
        };
        let op = Op::TakeAlong(TakeAlong { axis });
        let others = |shape: &Shape| shape.with_axis(axis, 1);
        match others(&x).broadcast(&others(&numbers)) {
            Some(common) if x.rank() == numbers.rank() => {
                let to = |shape: &Shape| common.with_axis(axis, shape[axis]);
                let table = self.broadcast_at(&to(&x), caller);
                let ids = ids.broadcast_at(&to(&numbers), caller);
                Tensor::apply(op, &[&table, &ids], caller)
            }
            // The shape rule of the op returns the error.
            _ => Tensor::apply(op, &[self, ids], caller),
        }
    }
}
