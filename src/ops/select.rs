//! Selection and scattering along any axis, composed of gather and scatter-add, and masked filling.
//!
//! An elementwise chain converts the indices along the axis to indices of elements or rows, which
//! are then gathered or scattered. So every sum has the order of [`ScatterAdd`]: ascending, with
//! the same bits each time.

use crate::graph::{Gather, Op, ScatterAdd};
use crate::{DType, Shape, Source, Tensor};

impl Tensor {
    /// Returns the slices along `axis` with the indices `ids` (`u32 [m]`), as `torch.index_select`:
    /// `[.., n, ..]` gives `[.., m, ..]`. A negative axis counts from the last one. An index past
    /// the end gives zeros.
    #[track_caller]
    pub fn index_select(&self, axis: isize, ids: &Tensor) -> Tensor {
        const NAME: &str = "index_select";
        let caller = Source::caller();
        let shape = self.shape();
        let Some(a) = shape.axis(axis) else {
            return self.no_axis(NAME, axis, caller);
        };
        if ids.shape().rank() != 1 || ids.dtype() != DType::U32 {
            let have = ids.meta();
            let (dtype, shape) = (have.dtype, have.shape);
            let reason = format!("expected indices u32 [m], found {dtype} {shape}");
            return self.record_error(NAME, reason, caller);
        }
        let gather = Op::Gather(Gather { frozen: None });
        if a == 0 {
            return Tensor::apply(gather, &[self, ids], caller);
        }
        let (outer, n, inner) = around(&shape, a);
        let m = ids.shape().len();
        // Row o n + id of the slices, for each o.
        let rows = ids.broadcast_at(&[outer, m].into(), caller);
        let rows = rows.elements_along([n, m, 1], caller);
        let table = self.reshape_at([outer * n, inner].into(), caller);
        let y = Tensor::apply(gather, &[&table, &rows], caller);
        match y.id() {
            Some(_) => y.reshape_at(shape.with_axis(a, m), caller),
            None => y,
        }
    }

    /// Returns `value` where `mask` (a `bool`) is true, else the element, as
    /// `torch.Tensor.masked_fill`. The shapes broadcast by NumPy's rules. Filled elements pass no
    /// gradient.
    #[track_caller]
    pub fn masked_fill(&self, mask: &Tensor, value: f64) -> Tensor {
        mask.select(&self.constant_like(value), self)
    }

    /// Adds the elements of `src` to this tensor at their indices `ids` along `axis` (`u32`, of the
    /// shape of `src`): `y[o, ids[o, i, j], j] += src[o, i, j]`, as `torch.scatter_add`. The shapes
    /// agree in all other axes. Indices past the end are ignored. Elements with equal indices are
    /// added in ascending order of `i`.
    #[track_caller]
    pub fn scatter_add_dim(&self, axis: isize, ids: &Tensor, src: &Tensor) -> Tensor {
        const NAME: &str = "scatter_add_dim";
        let caller = Source::caller();
        let shape = self.shape();
        let Some(a) = shape.axis(axis) else {
            return self.no_axis(NAME, axis, caller);
        };
        let given = src.shape();
        if ids.shape() != given || given.with_axis(a, 0) != shape.with_axis(a, 0) {
            let reason = format!(
                "indices {} and elements {given} must have the same shape, which agrees with {shape} in all axes but \
                 {a}",
                ids.shape()
            );
            return self.record_error(NAME, reason, caller);
        }
        let types = [self, ids, src].map(|x| x.dtype().computed());
        if types != [DType::F32, DType::U32, DType::F32] {
            let [to, ids, from] = types;
            let reason =
                format!("expected f32, indices in u32, and f32, found {to}, {ids} and {from}");
            return self.record_error(NAME, reason, caller);
        }
        self + src.spread_along(ids, a, &shape, caller)
    }

    /// Adds the elements of this tensor at their indices along `axis` of a tensor of shape `to`.
    pub(super) fn spread_along(
        &self,
        ids: &Tensor,
        axis: usize,
        to: &Shape,
        caller: Source,
    ) -> Tensor {
        let (_, n, inner) = around(to, axis);
        let m = self.shape().get(axis).copied().unwrap_or(1);
        let elements = ids.elements_along([n, m, inner], caller);
        let rows = to.len();
        let op = Op::ScatterAdd(ScatterAdd { rows });
        let y = Tensor::apply(op, &[self, &elements], caller);
        match y.id() {
            Some(_) => y.reshape_at(to.clone(), caller),
            None => y,
        }
    }
}

/// Returns the numbers of elements before the axis, along it, and after it.
fn around(shape: &Shape, axis: usize) -> (usize, usize, usize) {
    let (outer, rest) = shape.split_at(axis.min(shape.rank()));
    let (n, inner) = rest
        .split_first()
        .map_or((1, &[][..]), |(n, inner)| (*n, inner));
    (outer.iter().product(), n, inner.iter().product())
}
