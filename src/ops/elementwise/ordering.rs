//! The comparisons as methods: of floats and of integers, with tensors and with numbers.

use crate::graph::Function;
use crate::{DType, Tensor};

use super::compare as cmp;
use super::methods::apply_with;

/// The row of `a < b` for an element type; floats where there is none, whose shape rule says so.
fn less(dtype: DType) -> &'static Function {
    match dtype {
        DType::U32 => &cmp::LT_U32,
        DType::I32 => &cmp::LT_I32,
        _ => &cmp::LT,
    }
}

/// Whether a comparison of this type is one of floats. Of integers, `not (a < b)` is `b <= a`; of floats
/// it is not, for a NaN is neither.
fn floats(x: &Tensor) -> bool {
    !matches!(x.dtype(), DType::U32 | DType::I32)
}

impl Tensor {
    /// Whether the elements are equal; gives `bool`. Takes `f32`, `u32`, `i32` or `bool`. The shapes
    /// broadcast together by NumPy's rule, as those of all comparisons.
    #[track_caller]
    pub fn eq(&self, other: &Tensor) -> Tensor {
        let f = match self.dtype() {
            DType::U32 => &cmp::EQ_U32,
            DType::I32 => &cmp::EQ_I32,
            DType::Bool => return self.logical_xor(other).logical_not(),
            DType::F32 | DType::F16 | DType::Bf16 => &cmp::EQ,
        };
        apply_with(f, &[self, other], &[])
    }

    /// Whether the elements differ; gives `bool`. Takes what [`Tensor::eq`] takes. NaN differs from all.
    #[track_caller]
    pub fn ne(&self, other: &Tensor) -> Tensor {
        match self.dtype() {
            DType::F32 | DType::F16 | DType::Bf16 => apply_with(&cmp::NE, &[self, other], &[]),
            DType::Bool => self.logical_xor(other),
            _ => self.eq(other).logical_not(),
        }
    }

    /// Whether `a < b`; gives `bool`. Takes `f32`, `u32` or `i32`. NaN is neither less nor more.
    #[track_caller]
    pub fn lt(&self, other: &Tensor) -> Tensor {
        apply_with(less(self.dtype()), &[self, other], &[])
    }

    /// Whether `a <= b`; see [`Tensor::lt`].
    #[track_caller]
    pub fn le(&self, other: &Tensor) -> Tensor {
        match floats(self) {
            true => apply_with(&cmp::LE, &[self, other], &[]),
            false => other.lt(self).logical_not(),
        }
    }

    /// Whether `a > b`; see [`Tensor::lt`].
    #[track_caller]
    pub fn gt(&self, other: &Tensor) -> Tensor {
        match floats(self) {
            true => apply_with(&cmp::GT, &[self, other], &[]),
            false => other.lt(self),
        }
    }

    /// Whether `a >= b`; see [`Tensor::lt`].
    #[track_caller]
    pub fn ge(&self, other: &Tensor) -> Tensor {
        match floats(self) {
            true => apply_with(&cmp::GE, &[self, other], &[]),
            false => self.lt(other).logical_not(),
        }
    }
}

/// Comparisons with one number.
macro_rules! with_number {
    ($($(#[$doc:meta])* $name:ident = $method:ident;)*) => {
        impl Tensor {
            $($(#[$doc])* ///
            /// Gives `bool`.
            #[track_caller]
            pub fn $name(&self, number: f64) -> Tensor {
                self.$method(&self.constant_like(number))
            })*
        }
    };
}

with_number! {
    /// Whether the element is this number.
    eq_scalar = eq;
    /// Whether the element is any other number.
    ne_scalar = ne;
    /// Whether the element is less than `number`.
    lt_scalar = lt;
    /// Whether the element is at most `number`.
    le_scalar = le;
    /// Whether the element is more than `number`.
    gt_scalar = gt;
    /// Whether the element is at least `number`.
    ge_scalar = ge;
}
