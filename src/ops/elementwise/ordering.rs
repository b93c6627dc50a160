//! The comparison methods, of floats and integers, with tensors and with numbers.

use crate::graph::Function;
use crate::{DType, Tensor};

use super::compare as cmp;
use super::methods::apply_with;

/// Returns the row of `a < b` for an element type. Types without one get the row of floats, whose
/// shape rule reports the error.
fn less(dtype: DType) -> &'static Function {
    match dtype {
        DType::U32 => &cmp::LT_U32,
        DType::I32 => &cmp::LT_I32,
        _ => &cmp::LT,
    }
}

/// Returns whether a comparison of this type compares floats. For integers, `not (a < b)` is
/// `b <= a`; for floats it is not, because of NaN.
fn floats(x: &Tensor) -> bool {
    !matches!(x.dtype(), DType::U32 | DType::I32)
}

impl Tensor {
    /// Returns whether the elements are equal, as `bool`. The operands are `f32`, `u32`, `i32` or
    /// `bool`. As in all comparisons, the shapes broadcast by NumPy's rules.
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

    /// Returns whether the elements differ, as `bool`. The operands are those of [`Tensor::eq`].
    /// NaN differs from everything.
    #[track_caller]
    pub fn ne(&self, other: &Tensor) -> Tensor {
        match self.dtype() {
            DType::F32 | DType::F16 | DType::Bf16 => apply_with(&cmp::NE, &[self, other], &[]),
            DType::Bool => self.logical_xor(other),
            _ => self.eq(other).logical_not(),
        }
    }

    /// Returns whether `a < b`, as `bool`. The operands are `f32`, `u32` or `i32`. Every ordering
    /// comparison with NaN is false.
    #[track_caller]
    pub fn lt(&self, other: &Tensor) -> Tensor {
        apply_with(less(self.dtype()), &[self, other], &[])
    }

    /// Returns whether `a <= b`; see [`Tensor::lt`].
    #[track_caller]
    pub fn le(&self, other: &Tensor) -> Tensor {
        match floats(self) {
            true => apply_with(&cmp::LE, &[self, other], &[]),
            false => other.lt(self).logical_not(),
        }
    }

    /// Returns whether `a > b`; see [`Tensor::lt`].
    #[track_caller]
    pub fn gt(&self, other: &Tensor) -> Tensor {
        match floats(self) {
            true => apply_with(&cmp::GT, &[self, other], &[]),
            false => other.lt(self),
        }
    }

    /// Returns whether `a >= b`; see [`Tensor::lt`].
    #[track_caller]
    pub fn ge(&self, other: &Tensor) -> Tensor {
        match floats(self) {
            true => apply_with(&cmp::GE, &[self, other], &[]),
            false => self.lt(other).logical_not(),
        }
    }
}

/// Defines comparisons with a number.
macro_rules! with_number {
    ($($(#[$doc:meta])* $name:ident = $method:ident;)*) => {
        impl Tensor {
            $($(#[$doc])* ///
            /// The result is `bool`.
            #[track_caller]
            pub fn $name(&self, number: f64) -> Tensor {
                self.$method(&self.constant_like(number))
            })*
        }
    };
}

with_number! {
    /// Returns whether the element equals `number`.
    eq_scalar = eq;
    /// Returns whether the element differs from `number`.
    ne_scalar = ne;
    /// Returns whether the element is less than `number`.
    lt_scalar = lt;
    /// Returns whether the element is at most `number`.
    le_scalar = le;
    /// Returns whether the element is greater than `number`.
    gt_scalar = gt;
    /// Returns whether the element is at least `number`.
    ge_scalar = ge;
}
