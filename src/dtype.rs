//! Element types.

use std::fmt;

/// The type of a tensor's elements.
///
/// All four take four bytes on every device: WGSL has no smaller storage type that every adapter
/// offers, and `bool` cannot be stored in a buffer at all, so a `Bool` is the `u32` 0 or 1.
///
/// There is no 16-bit type: half the bytes need kernels that pack two elements into a word, which is a numeric policy of
/// a whole plan and not of one tensor. Files may hold `f16`; it is read as `f32`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DType {
    /// 32-bit floating point.
    F32,
    /// 32-bit signed integer.
    I32,
    /// 32-bit unsigned integer: class labels and row numbers.
    U32,
    /// Truth value, stored as the `u32` 0 or 1.
    Bool,
}

impl DType {
    /// Bytes of one element in a buffer.
    pub const fn bytes(self) -> usize {
        4
    }

    /// Whether gradients can flow through tensors of this type.
    pub const fn is_float(self) -> bool {
        matches!(self, DType::F32)
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DType::F32 => "f32",
            DType::I32 => "i32",
            DType::U32 => "u32",
            DType::Bool => "bool",
        })
    }
}
