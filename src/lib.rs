//! wgrad trains neural networks on any GPU that Vulkan, Metal or DX12 reaches, and on the CPU where there
//! is none.
//!
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
//! # The code
//!
//! The library has two wings. What users call: a model ([`nn`], methods of [`Tensor`]) with a [`loss`], an optimizer
//! ([`optim`]), a [`schedule`] and [`metrics`] is trained by a [`Trainer`] ([`train`]) on [`data`]; [`spec`] describes
//! all of it as plain data, [`Run`] opens what was trained, [`generate`] writes text, and [`doctor`] checks a device.
//! And the [`engine`], which traces, differentiates, plans and runs it.
//!
//! # What holds
//!
//! - The same device, driver and seed give the same weights, to the bit.
//! - What a step takes is known before the first one; after the second nothing is allocated.
//! - Everything works at WebGPU's default limits.
//! - What goes wrong is an [`Error`] that says what and where. Nothing panics on invalid input.

// What users call.
pub mod data;
pub mod device;
pub mod doctor;
pub mod error;
pub mod eval;
pub mod generate;
pub mod loss;
pub mod metrics;
pub mod nn;
pub mod optim;
pub mod random;
pub mod run;
pub mod schedule;
pub mod spec;
pub mod train;

// The engine: documented below `engine`.
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

// What both are made of.
mod checkpoint;
#[doc(hidden)]
pub mod dtype;
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

/// The engine, for those who write ops, passes or kernels, or share a `wgpu` device.
///
/// A model is traced to a [`graph`]; [`autodiff`] appends its gradients to the same graph; [`passes`] simplify it and
/// say which nodes are computed together; [`plan`] says what runs and where values are stored; [`exec`] runs that, on a
/// GPU, on the CPU, or as naive mathematics in f64. An op is defined in one file of [`ops`]; [`kernel`] makes WGSL of
/// what a GPU runs.
pub mod engine {
    #[doc(inline)]
    pub use crate::{autodiff, exec, graph, kernel, ops, passes, plan};
}

/// The names that most programs need: `use wgrad::prelude::*`.
///
/// ```
/// use wgrad::prelude::*;
///
/// # fn main() -> wgrad::Result<()> {
/// let set = Dataset::from_arrays(vec![0.0, 1.0, 2.0, 3.0], [1], Targets::values(vec![1.0, 3.0, 5.0, 7.0]))?;
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

/// The programs of the README and of the pages in `docs/`, as tests.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../README.md")]
    struct Readme;
    #[doc = include_str!("../docs/training.md")]
    struct Training;
    #[doc = include_str!("../docs/language-models.md")]
    struct LanguageModels;
    #[doc = include_str!("../docs/embedding.md")]
    struct Embedding;
}
