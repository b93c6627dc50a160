//! Element types.

use std::fmt;

/// The type of a tensor's elements.
///
/// `F32`, `I32`, `U32` and `Bool` take four bytes on every device: WGSL has no smaller storage type
/// that every adapter supports. `bool` cannot be stored in a buffer, so a `Bool` is the `u32` 0 or
/// 1.
///
/// `F16` and `Bf16` are *storage* types: `Tensor::cast` rounds to them, and every op that reads
/// them computes in f32, which represents both exactly. So a half-precision tensor is accepted
/// wherever an `f32` tensor is, and arithmetic on it returns `f32`. The gradient of a cast to half
/// precision is rounded too. (PyTorch rounds every result; here the model defines where.) On a GPU
/// two values share a word, on every adapter. On the CPU each value has its own word, the bits of
/// its value as an `f32`.
///
/// # Example
/// ```
/// use wgrad::{DType, Device};
///
/// let y = wgrad::eval(&Device::cpu(), |g| g.tensor([1], [1.0 + 1.0 / 1024.0]).cast(DType::Bf16))?;
/// assert_eq!(y.data, [1.0]); // 8 significant bits
/// assert_eq!(DType::Bf16.bytes(), 2);
/// # Ok::<(), wgrad::Error>(())
/// ```
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
    /// Returns the size of an element in a GPU buffer, in bytes.
    pub const fn bytes(self) -> usize {
        if self.is_half() { 2 } else { 4 }
    }

    /// Returns whether gradients can flow through tensors of this type.
    pub const fn is_float(self) -> bool {
        matches!(self, DType::F32 | DType::F16 | DType::Bf16)
    }

    /// Returns whether it is a half-precision type.
    pub const fn is_half(self) -> bool {
        matches!(self, DType::F16 | DType::Bf16)
    }

    /// Returns the type in which its elements are computed: `F32` for half precision.
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
