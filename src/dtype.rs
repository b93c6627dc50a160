//! Element types.

use std::fmt;

/// The type of a tensor's elements.
///
/// `F32`, `I32`, `U32` and `Bool` take four bytes on every device: WGSL has no smaller storage type that every
/// adapter offers, and `bool` cannot be stored in a buffer at all, so a `Bool` is the `u32` 0 or 1.
///
/// `F16` and `Bf16` are *storage* types: `Tensor::cast` rounds to one, and every op that reads it computes in f32, which
/// holds both exactly. So a half-precision tensor passes wherever an `f32` tensor does, and arithmetic on it gives
/// `f32`. The gradient of a cast to half precision is rounded too. (PyTorch rounds every result; here the model says
/// where.) On a GPU two values share a word, on every adapter; on the CPU each has a word of its own, the bits of its
/// value as an `f32`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DType {
    /// 32-bit floating point.
    F32,
    /// IEEE 754's 16-bit floating point: 11 significant bits, magnitudes from 6e-8 to 65,504.
    F16,
    /// The upper half of an `f32`: 8 significant bits, all of its range.
    Bf16,
    /// 32-bit signed integer.
    I32,
    /// 32-bit unsigned integer: class labels and row numbers.
    U32,
    /// Truth value, stored as the `u32` 0 or 1.
    Bool,
}

impl DType {
    /// Bytes of one element in a GPU's buffer.
    pub const fn bytes(self) -> usize {
        if self.is_half() { 2 } else { 4 }
    }

    /// Whether gradients can flow through tensors of this type.
    pub const fn is_float(self) -> bool {
        matches!(self, DType::F32 | DType::F16 | DType::Bf16)
    }

    /// Whether it takes two bytes.
    pub const fn is_half(self) -> bool {
        matches!(self, DType::F16 | DType::Bf16)
    }

    /// The type that its elements are computed with: `F32` for half-precision values.
    pub const fn computed(self) -> DType {
        if self.is_half() { DType::F32 } else { self }
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DType::F32 => "f32",
            DType::F16 => "f16",
            DType::Bf16 => "bf16",
            DType::I32 => "i32",
            DType::U32 => "u32",
            DType::Bool => "bool",
        })
    }
}
