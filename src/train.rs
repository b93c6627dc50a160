//! Training: the [`Trainer`], its settings, callbacks, history, checkpoints and profiles. Names
//! follow Keras.
//!
//! A [`Trainer`] is built from a model, a loss and an optimizer, and compiled for a device and a
//! type of data. `fit` trains, `evaluate` returns loss and metrics, and `predict` returns outputs.
//! `tick` trains for a limited time and returns, for programs that draw frames meanwhile.

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
mod inspect;
mod limit;
mod load;
mod lora;
mod mapping;
mod predict;
mod profile;
mod program;
mod range;
mod run;
mod samples;
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
pub use samples::{Interval, SampleResults};
pub(crate) use state::Weights;
pub use summary::{LayerSummary, Summary};
pub use trainer::Trainer;
