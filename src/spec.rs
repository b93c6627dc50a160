//! A training as typed data: model, data, training and output of a configuration.
//!
//! Each setting is a field with its range, its default and its documentation. The kinds of layers,
//! losses, optimizers, schedules and metrics are defined next to what they configure.
//! [`Config::load`] reads a TOML file into these types, and reports errors with their lines.
//! [`schema`] returns the JSON Schema of such a file. A program can also construct the types
//! itself: [`ModelSpec::build`] builds the model.
//!
//! # Example
//! ```
//! use wgrad::nn::{Module, Parameter, Visitor};
//! use wgrad::spec::{Input, ModelSpec, SequentialSpec};
//!
//! let model = ModelSpec::Sequential(SequentialSpec::hidden([64, 32]));
//! let module = model.build(&Input::new([10]).outputs(3))?;
//! let mut shapes = Vec::new();
//! let mut collect = |_, parameter: &Parameter| shapes.push(parameter.shape().to_vec());
//! module.visit(&mut Visitor::new(&mut collect));
//! assert_eq!(shapes[..2], [vec![64, 10], vec![64]]);
//! # Ok::<(), wgrad::Error>(())
//! ```

use std::sync::OnceLock;

mod config;
mod data;
mod device;
mod document;
mod images;
mod model;
mod names;
mod output;
mod page;
mod preset;
mod settle;
mod table;
mod text;
mod training;
mod weights;
mod write;

#[cfg(test)]
mod tests;

pub use config::{Config, Overrides};
pub use data::{CsvSpec, DataSource, DataSpec, IdxSpec, NpySpec};
pub use device::DeviceSpec;
pub use document::Document;
pub use images::ImagesSpec;
pub use model::{Input, ModelSpec, SequentialSpec};
pub use names::Names;
pub use output::OutputSpec;
pub use preset::{image_preset, table_preset};
pub use table::TableSpec;
pub use text::{TextSpec, TokenizerSpec};
pub use training::{EarlyStoppingSpec, Precision, TrainingSpec};
pub use weights::ClassWeights;

#[doc(hidden)]
pub use page::page;

pub use crate::error::{ConfigError, Place};
pub use crate::loss::LossSpec;
pub use crate::metrics::MetricSpec;
pub use crate::nn::{InitSpec, LayerSpec};
pub use crate::optim::OptimizerSpec;
pub use crate::schedule::ScheduleSpec;
pub use crate::schema::{ByteSize, Path, SettingError};

/// Returns the JSON Schema (draft 2020-12) of a configuration, for editors and other tools.
pub fn schema() -> schemars::Schema {
    known_schema().clone()
}

/// Returns the schema, created once.
fn known_schema() -> &'static schemars::Schema {
    static SCHEMA: OnceLock<schemars::Schema> = OnceLock::new();
    SCHEMA.get_or_init(crate::schema::of::<Config>)
}
