//! Training: from a model and data to weights, in the words that Keras users know.
//!
//! [`Trainer`] is built from a model, a loss and an optimizer, and compiled for a device and a kind of
//! data. Then `fit`, `evaluate` and `predict` do what their names say; `tick` does a slice of a
//! training and returns, for programs with a frame to draw.

mod builder;
mod callback;
mod checkpoint;
mod checks;
mod evaluate;
mod feed;
mod fit;
mod group;
mod history;
mod indices;
mod initialization;
mod json;
mod limit;
mod load;
mod lora;
mod mapping;
mod predict;
mod profile;
mod program;
mod range;
mod run;
mod session;
mod spec;
mod state;
mod stepwise;
mod summary;
mod sums;
mod trace;
mod trainer;
mod update;
mod workload;

pub use builder::TrainerBuilder;
pub use callback::{BestCheckpoint, Callback, Control, EarlyStopping, EpochEnd};
pub use checkpoint::Position;
pub use evaluate::{BatchResult, Evaluation, Predictions};
pub use fit::Fit;
pub use group::Group;
pub use history::{Epoch, History};
pub use limit::MemoryReport;
pub(crate) use load::load_model;
pub use load::{Load, LoadReport, OtherShape};
pub use profile::{Profile, Profiling, Row, StepProfile};
pub use run::Tick;
pub(crate) use state::Weights;
pub use summary::{LayerSummary, Summary};
pub use trainer::Trainer;
