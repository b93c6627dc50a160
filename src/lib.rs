//! wgrad: trains neural networks on any GPU.

pub mod autodiff;
mod checkpoint;
pub mod data;
pub mod device;
pub mod doctor;
pub mod dtype;
pub mod error;
pub mod exec;
pub mod graph;
pub mod kernel;
pub mod loss;
pub mod metrics;
pub mod nn;
pub mod ops;
pub mod optim;
pub mod passes;
pub mod plan;
pub mod random;
pub mod schedule;
pub mod shape;
pub mod train;

pub use checkpoint::write_atomically;
pub use device::Device;
pub use dtype::DType;
pub use error::{Error, Result, Source};
pub use graph::Tensor;
pub use shape::Shape;
pub use train::{Fit, Trainer};
