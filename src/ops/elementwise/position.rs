//! The rows that depend on the position of an element: triangles, one-hot rows, counting, and
//! indices along an axis.

use crate::graph::{Backward, Function, Grads, Scalar};
use crate::{DType, Source, Tensor};

use super::arithmetic::none;
use super::methods::{apply_at, apply_with};

pub(super) static TABLE: &[&Function] = &[&TRIL, &TRIU, &ONE_HOT, &COUNT, &ALONG];

// A sum or difference of i32 may wrap on a device, so it must not panic here.
indexed_row!(i, TRIL "tril" "x where column - row <= diagonal, else 0" "position",
    (x: f32)[rows: u32, columns: u32, diagonal: i32] -> f32 = {
        let (row, column) = (i / columns.max(1) % rows.max(1), i % columns.max(1));
        if (column as i32).wrapping_sub(row as i32) <= diagonal { x } else { 0.0 }
    };
    grad = |b, c| same(&TRIL, b, c); ulp: 0.0, examples: &[5.0, 7.0, -1.0]);
indexed_row!(i, TRIU "triu" "x where column - row >= diagonal, else 0" "position",
    (x: f32)[rows: u32, columns: u32, diagonal: i32] -> f32 = {
        let (row, column) = (i / columns.max(1) % rows.max(1), i % columns.max(1));
        if (column as i32).wrapping_sub(row as i32) >= diagonal { x } else { 0.0 }
    };
    grad = |b, c| same(&TRIU, b, c); ulp: 0.0, examples: &[5.0, 7.0, -1.0]);
indexed_row!(i, ONE_HOT "one_hot" "1 where the column is x, else 0" "position",
    (x: u32)[columns: u32] -> f32 = if i % columns.max(1) == x { 1.0 } else { 0.0 };
    grad = none; ulp: 0.0, domain: (0.0, 9.0), examples: &[7.0]);
indexed_row!(i, COUNT "counted" "x + i, modulo 2^32" "position",
    (x: u32)[] -> u32 = x.wrapping_add(i); grad = none; ulp: 0.0, domain: (0.0, 100.0));
// For tensors [outer, n, inner] and [outer, m, inner]: the index of the element of the first tensor
// that has index x along the axis and is otherwise at the position of element i of the second. If x
// is out of range, it is the largest number, for which a gather returns zeros and a scatter ignores
// the element.
indexed_row!(i, ALONG "along" "(i / (m inner) n + x) inner + i % inner, and 2^32 - 1 where x >= n" "position",
    (x: u32)[n: u32, m: u32, inner: u32] -> u32 = {
        let (m, inner) = (m.max(1), inner.max(1));
        let row = (i / inner / m).wrapping_mul(n).wrapping_add(x);
        if x < n { row.wrapping_mul(inner).wrapping_add(i % inner) } else { u32::MAX }
    };
    grad = none; ulp: 0.0, domain: (0.0, 7.0), examples: &[5.0, 3.0, 2.0]);

/// The gradient of a triangle is the same triangle of the gradient.
fn same(f: &'static Function, b: &Backward, constants: &[Scalar]) -> Grads {
    Ok(vec![Some(apply_with(f, &[b.dy], constants))])
}

impl Tensor {
    /// Returns the lower triangle of the matrices `[.., m, n]`, with zeros above it, as
    /// `torch.tril`: the elements up to the `diagonal`-th diagonal above the main one (negative:
    /// below). The input is `f32` or `bool`.
    #[track_caller]
    pub fn tril(&self, diagonal: isize) -> Tensor {
        self.triangle(("tril", &TRIL), diagonal, Source::caller())
    }

    /// Returns the upper triangle of the matrices `[.., m, n]`, with zeros below it, as
    /// `torch.triu`: the elements from the `diagonal`-th diagonal above the main one on (negative:
    /// below). The input is `f32` or `bool`.
    #[track_caller]
    pub fn triu(&self, diagonal: isize) -> Tensor {
        self.triangle(("triu", &TRIU), diagonal, Source::caller())
    }

    fn triangle(
        &self,
        (name, f): (&'static str, &'static Function),
        diagonal: isize,
        caller: Source,
    ) -> Tensor {
        let shape = self.shape();
        let (Some([rows, columns]), true) = (
            shape.last_chunk::<2>(),
            matches!(self.dtype().computed(), DType::F32 | DType::Bool),
        ) else {
            let reason = "expected matrices [.., m, n] of f32 or bool".to_string();
            return self.record_error(name, reason, caller);
        };
        // Further away than the size of any matrix.
        const BEYOND_ANY_MATRIX: isize = i32::MAX as isize;
        let sizes = [*rows as f64, *columns as f64];
        let constants = [
            sizes[0],
            sizes[1],
            diagonal.clamp(-BEYOND_ANY_MATRIX, BEYOND_ANY_MATRIX) as f64,
        ]
        .map(Scalar);
        match self.dtype() {
            DType::Bool => {
                apply_at(f, &[&self.cast(DType::F32)], &constants, caller).cast(DType::Bool)
            }
            _ => apply_at(f, &[self], &constants, caller),
        }
    }

    /// Converts class indices `[..]` (`u32`) to one-hot rows `[.., classes]` of `f32`, as
    /// `torch.nn.functional.one_hot`. An index past the last class gives a row of zeros.
    #[track_caller]
    pub fn one_hot(&self, classes: usize) -> Tensor {
        let caller = Source::caller();
        if self.dtype() != DType::U32 {
            let reason = format!(
                "the class indices must be u32, found {}; see `Tensor::cast`",
                self.dtype()
            );
            return self.record_error("one_hot", reason, caller);
        }
        let mut to = self.shape().to_vec();
        to.push(1);
        let column = self.reshape_at(to.clone().into(), caller);
        if let Some(last) = to.last_mut() {
            *last = classes;
        }
        let x = column.broadcast_at(&to.into(), caller);
        apply_at(&ONE_HOT, &[&x], &[Scalar(classes as f64)], caller)
    }

    /// Returns the elements plus their own indices in the tensor, from 0; `u32`.
    pub(crate) fn counted(&self, caller: Source) -> Tensor {
        apply_at(&COUNT, &[self], &[], caller)
    }

    /// Converts indices `[outer, m, inner]` along the middle axis of a tensor `[outer, n, inner]`
    /// to indices of its elements. Indices out of range give `u32::MAX`.
    pub(crate) fn elements_along(&self, [n, m, inner]: [usize; 3], caller: Source) -> Tensor {
        let constants = [n, m, inner].map(|size| Scalar(size as f64));
        apply_at(&ALONG, &[self], &constants, caller)
    }
}
