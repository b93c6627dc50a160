//! Training: from a model and data to weights, in the words that Keras users know.
//!
//! [`Trainer`] is built from a model, a loss and an optimizer, and compiled for a device and a kind of
//! data. Then `fit`, `evaluate` and `predict` do what their names say; `tick` does a slice of a
//! training and returns, for programs with a frame to draw.

mod callback;
mod checkpoint;
mod evaluate;
mod feed;
mod fit;
mod history;
mod recipe;
mod run;
mod session;
mod state;
mod stepwise;
mod summary;
mod trace;
mod trainer;

pub use callback::{BestCheckpoint, Callback, Control, EarlyStopping, EpochEnd};
pub use checkpoint::Position;
pub(crate) use checkpoint::load as load_checkpoint;
pub use evaluate::{Evaluation, Predictions};
pub use fit::Fit;
pub use history::{Epoch, History};
pub use run::Tick;
pub(crate) use state::Weights;
pub use summary::{LayerSummary, Summary};
pub use trainer::{Trainer, TrainerBuilder};
