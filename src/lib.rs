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
//! # One way through the code
//!
//! A model ([`nn`], methods of [`Tensor`]) is traced to a [`graph`]; [`autodiff`] appends its gradients to
//! the same graph, an optimizer ([`optim`]) the update of its parameters. [`passes`] simplify it and say
//! which nodes are computed together; [`plan`] says what runs and where it lies; [`exec`] runs that, on a
//! GPU, on the CPU, or as naive mathematics in f64. [`train`] drives it all, with [`data`].
//!
//! What an op is (shapes, gradient, reference, kernels) stands in one file of [`ops`]; what a GPU is told
//! in [`kernel`] and the folder `shaders/`. [`doctor`] compares them on a device.
//!
//! # What holds
//!
//! - The same device, driver and seed give the same weights, to the bit.
//! - What a step takes is known before the first one; after the second nothing is allocated.
//! - Everything works at WebGPU's default limits.
//! - What goes wrong is an [`Error`] that says what and where. Nothing panics on invalid input.

pub mod autodiff;
mod checkpoint;
pub mod data;
pub mod device;
pub mod doctor;
pub mod dtype;
pub mod error;
pub mod eval;
pub mod exec;
pub mod generate;
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
pub mod run;
pub mod schedule;
pub(crate) mod schema;
pub mod shape;
pub mod spec;
mod task;
pub mod train;

pub use device::Device;
pub use dtype::DType;
pub use error::{Error, Result, Source};
pub use eval::eval;
pub use graph::Tensor;
pub use run::Run;
pub use shape::Shape;
pub use task::Task;
pub use train::{Fit, Trainer};

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
