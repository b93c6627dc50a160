//! The settings of a training.

use crate::data::Dataset;
use crate::{Error, Result};

use super::callback::Callback;
use super::evaluate::BatchResult;

/// How long and on what to train; for [`super::Trainer::fit`].
pub struct Fit {
    pub(super) epochs: u64,
    pub(super) batch_size: usize,
    pub(super) drop_last: bool,
    pub(super) shuffle: bool,
    pub(super) validation_split: f64,
    pub(super) validation: Option<Dataset>,
    pub(super) callbacks: Vec<Box<dyn Callback>>,
    pub(super) on_batch: Option<OnBatch>,
    pub(super) on_step: Option<OnStep>,
    pub(super) memory_limit: Option<u64>,
}

/// Called with what a batch gave.
pub(super) type OnStep = Box<dyn FnMut(&BatchResult) + Send>;

/// Called when results of an epoch arrive: samples done in it, the mean loss and metrics so far.
pub(super) type OnBatch = Box<dyn FnMut(usize, f64, &[(String, f64)]) + Send>;

impl Fit {
    /// This many passes over the data, in shuffled batches of 32, without validation.
    pub fn epochs(epochs: u64) -> Self {
        Fit {
            epochs,
            batch_size: 32,
            drop_last: false,
            shuffle: true,
            validation_split: 0.0,
            validation: None,
            callbacks: Vec::new(),
            on_batch: None,
            on_step: None,
            memory_limit: None,
        }
    }

    /// Samples of a step. The last batch of an epoch may be smaller; it is trained all the same, unless
    /// [`Fit::drop_last`] leaves it out.
    pub fn batch_size(self, batch_size: usize) -> Self {
        Fit { batch_size, ..self }
    }

    /// Leaves out the last batch of an epoch where it is smaller than the others: for a layer that needs several samples
    /// a batch, such as batch normalization. Default: `false`.
    pub fn drop_last(self, drop_last: bool) -> Self {
        Fit { drop_last, ..self }
    }

    /// Whether each epoch has an order of its own (the default), or the data's.
    pub fn shuffle(self, shuffle: bool) -> Self {
        Fit { shuffle, ..self }
    }

    /// Keeps the last fraction of the data (before shuffling, as in Keras) for validation.
    pub fn validation_split(self, fraction: f64) -> Self {
        Fit {
            validation_split: fraction,
            ..self
        }
    }

    /// Validates on this data after each epoch.
    pub fn validation(self, set: &Dataset) -> Self {
        Fit {
            validation: Some(set.clone()),
            ..self
        }
    }

    /// Adds a callback; they are called in the order they were added.
    pub fn callback(mut self, callback: impl Callback + 'static) -> Self {
        self.callbacks.push(Box::new(callback));
        self
    }

    /// Calls `f` when results of an epoch arrive, at the latest with the epoch's last: samples done in it,
    /// the mean loss and metrics so far. A GPU's arrive a few batches at a time.
    pub fn on_batch(self, f: impl FnMut(usize, f64, &[(String, f64)]) + Send + 'static) -> Self {
        Fit {
            on_batch: Some(Box::new(f)),
            ..self
        }
    }

    /// Calls `f` with what each batch of the training gave, in order, when its results arrive: its loss and, where
    /// [`TrainerBuilder::gradient_norm`](super::TrainerBuilder::gradient_norm) asks for it, the norm of its step's
    /// gradients. Nothing waits for the device, so a GPU's results arrive some batches later.
    pub fn on_step(self, f: impl FnMut(&BatchResult) + Send + 'static) -> Self {
        Fit {
            on_step: Some(Box::new(f)),
            ..self
        }
    }

    /// Keeps the training, with its validation, within so many bytes of the device's memory: weights, what the
    /// optimizer remembers, gradients, the values of a step, and the data set where it lies on the device. (What
    /// the device's driver keeps for itself, kernels and a few buffers for copies, is not counted.)
    ///
    /// Where the training would take more, it does the first of these that is enough, and
    /// [`Trainer::memory_report`](super::Trainer::memory_report) says what it did:
    ///
    /// - hands the data over batch by batch, where it would lie on the device;
    /// - computes values again that wait for the backward pass, as few as will do; the numbers stay the same;
    /// - trains each batch in parts and averages their gradients, so that the step is still that of the whole
    ///   batch. A layer that looks at the whole batch (batch normalization) sees one part at a time, as in gradient
    ///   accumulation everywhere.
    ///
    /// Fails with [`Error::Limit`] where nothing is enough.
    pub fn memory_limit(self, bytes: u64) -> Self {
        Fit {
            memory_limit: Some(bytes),
            ..self
        }
    }

    pub(super) fn check(&self) -> Result<()> {
        if self.epochs == 0 {
            return Err(Error::argument("epochs", 0, "at least 1"));
        }
        if self.batch_size == 0 {
            return Err(Error::argument("batch_size", 0, "at least 1"));
        }
        let split = self.validation_split;
        if !(0.0..1.0).contains(&split) {
            return Err(Error::argument(
                "validation_split",
                split,
                "at least 0 and below 1",
            ));
        }
        if split > 0.0 && self.validation.is_some() {
            let reason = "has both a validation set and a validation split; give one of them";
            return Err(Error::model("fit", reason));
        }
        Ok(())
    }
}
