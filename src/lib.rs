//! wgrad trains neural networks on GPUs, through Vulkan, Metal or DX12, and on the CPU.
//!
//! # Example
//! ```
//! use wgrad::data::{Dataset, Targets};
//! use wgrad::{Device, Fit, Trainer, loss, metrics, nn, optim};
//!
//! # fn main() -> wgrad::Result<()> {
//! // Is the first number larger than the second?
//! let x: Vec<f32> = (0..200).map(|i| (i as f32 * 0.7).sin()).collect();
//! let labels = x.chunks(2).map(|x| u32::from(x[0] > x[1])).collect();
//! let set = Dataset::from_arrays(x, [2], Targets::classes(labels, 2))?;
//!
//! let model = nn::Sequential::new()
//!     .add(nn::Linear::new(2, 16))
//!     .add(nn::Relu)
//!     .add(nn::Linear::new(16, 2));
//! let mut trainer = Trainer::new(model)
//!     .loss(loss::CrossEntropy::new())
//!     .optimizer(optim::Adam::new(0.01))
//!     .metric(metrics::Accuracy)
//!     .compile(&Device::cpu(), &set)?;
//! trainer.fit(&set, Fit::epochs(30).batch_size(8).validation_split(0.1))?;
//! assert!(trainer.evaluate(&set)?.metric("accuracy") > Some(0.9));
//! # Ok(())
//! # }
//! ```
//!
//! # Modules
//!
//! The library has two parts. Users build a model ([`nn`], methods of [`Tensor`]), choose a
//! [`loss`], an optimizer ([`optim`]), a [`schedule`] and [`metrics`], and train it with a
//! [`Trainer`] ([`train`]) on [`data`]. [`preprocess`] turns tables into features, [`spec`]
//! describes trainings as plain data, [`Run`] opens a trained model, [`generate`] generates text,
//! [`eval`](mod@eval) evaluates expressions without a trainer, and [`doctor`] checks a device. The
//! other part is the [`engine`], which traces, differentiates, plans and executes.
//!
//! # Guarantees
//!
//! - The same device, driver and seed give the same weights, to the bit.
//! - The memory of a step is known before the first one. After the second step nothing is
//!   allocated.
//! - WebGPU's default limits are enough.
//! - Failures are an [`Error`] that says what is wrong and where. Invalid input does not panic.

// The part for users.
pub mod data;
pub mod device;
pub mod doctor;
pub mod error;
pub mod eval;
pub mod explain;
pub mod generate;
pub mod loss;
pub mod metrics;
pub mod nn;
pub mod optim;
pub mod preprocess;
pub mod random;
pub mod run;
pub mod schedule;
pub mod spec;
pub mod train;

// The engine, documented in `engine`.
#[doc(hidden)]
pub mod autodiff;
#[doc(hidden)]
pub mod exec;
#[doc(hidden)]
pub mod graph;
#[doc(hidden)]
pub mod kernel;
#[doc(hidden)]
pub mod ops;
#[doc(hidden)]
pub mod passes;
#[doc(hidden)]
pub mod plan;

// Base modules of both parts.
mod checkpoint;
#[doc(hidden)]
pub mod dtype;
mod json;
mod schema;
#[doc(hidden)]
pub mod shape;
mod task;

pub use device::Device;
pub use dtype::DType;
pub use error::{Error, Result, Source};
pub use eval::eval;
pub use graph::Tensor;
pub use run::Run;
pub use shape::Shape;
pub use task::Task;
pub use train::{Fit, Trainer};

/// The engine, for people who write ops, passes or kernels, or who share a `wgpu` device.
///
/// A model is traced to a [`graph`]. [`autodiff`] appends its gradients to the same graph.
/// [`passes`] simplify it, and divide it into groups of nodes that are computed together. [`plan`]
/// lists the steps and where values are stored. [`exec`] executes a plan on a GPU, on the CPU, or
/// as reference mathematics in f64. Each op is defined in one file of [`ops`]. [`kernel`] generates
/// WGSL.
pub mod engine {
    #[doc(inline)]
    pub use crate::{autodiff, exec, graph, kernel, ops, passes, plan};
}

/// The names that most programs need: `use wgrad::prelude::*`.
///
/// # Example
/// ```
/// use wgrad::prelude::*;
///
/// # fn main() -> wgrad::Result<()> {
/// let targets = Targets::values(vec![1.0, 3.0, 5.0, 7.0]);
/// let set = Dataset::from_arrays(vec![0.0, 1.0, 2.0, 3.0], [1], targets)?;
/// let mut trainer = Trainer::new(nn::Linear::new(1, 1))
///     .loss(loss::Mse)
///     .optimizer(optim::Sgd::new(0.1))
///     .compile(&Device::cpu(), &set)?;
/// let history = trainer.fit(&set, Fit::epochs(100).batch_size(4))?;
/// assert!(history.epochs[99].loss < 1e-2);
/// # Ok(())
/// # }
/// ```
pub mod prelude {
    pub use crate::data::{self, Dataset, Targets};
    pub use crate::device::Device;
    pub use crate::error::{Error, Result};
    pub use crate::graph::Tensor;
    pub use crate::nn::{self, Module, Visitor};
    pub use crate::run::Run;
    pub use crate::train::{Fit, Tick, Trainer};
    pub use crate::{loss, metrics, optim, schedule};
}

/// The programs in the README and in `docs/`, as tests.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../README.md")]
    struct Readme;
    #[doc = include_str!("../docs/training.md")]
    struct Training;
    #[doc = include_str!("../docs/tables.md")]
    struct Tables;
    #[doc = include_str!("../docs/images.md")]
    struct Images;
    #[doc = include_str!("../docs/language-models.md")]
    struct LanguageModels;
    #[doc = include_str!("../docs/embedding.md")]
    struct Embedding;
}
