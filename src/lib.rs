//! wgrad: trains neural networks on any GPU.

pub mod data;
pub mod dtype;
pub mod error;
pub mod random;
pub mod shape;

pub use dtype::DType;
pub use error::{Error, Result, Source};
pub use shape::Shape;
