//! The settings of a training.

use crate::data::Dataset;
use crate::{Error, Result};

use super::callback::Callback;
use super::evaluate::BatchResult;

/// The settings of [`Trainer::fit`](super::Trainer::fit): the length of the training, batches,
/// validation and callbacks.
///
/// # Example
/// ```
/// use wgrad::prelude::*;
///
/// let x: Vec<f32> = (0..20).map(|i| i as f32 / 20.0).collect();
/// let set = Dataset::from_arrays(x.clone(), [1], Targets::values(x))?;
/// let model = nn::Linear::new(1, 1);
/// let mut trainer = Trainer::new(model).loss(loss::Mse).compile(&Device::cpu(), &set)?;
/// let history = trainer.fit(&set, Fit::epochs(3).batch_size(4).validation_split(0.2))?;
/// assert_eq!(history.epochs[2].step, 12); // 16 samples are 4 batches
/// assert!(history.epochs[2].val_loss.is_some());
/// # Ok::<(), wgrad::Error>(())
/// ```
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

/// Called with the results of a batch.
pub(super) type OnStep = Box<dyn FnMut(&BatchResult) + Send>;

/// Called when results of an epoch arrive: the number of samples done, the mean loss and the
/// metrics so far.
pub(super) type OnBatch = Box<dyn FnMut(usize, f64, &[(String, f64)]) + Send>;

impl Fit {
    /// Creates settings for this number of epochs, with shuffled batches of 32 samples and without
    /// validation.
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

    /// Sets the number of samples of a batch. Default: 32. The last batch of an epoch may be
    /// smaller; [`Fit::drop_last`] drops it.
    pub fn batch_size(self, batch_size: usize) -> Self {
        Fit { batch_size, ..self }
    }

    /// Sets whether to drop the last batch of an epoch if it is smaller. Layers that need several
    /// samples per batch, such as batch normalization, may require it. Default: `false`.
    pub fn drop_last(self, drop_last: bool) -> Self {
        Fit { drop_last, ..self }
    }

    /// Sets whether each epoch shuffles the samples. Default: `true`.
    pub fn shuffle(self, shuffle: bool) -> Self {
        Fit { shuffle, ..self }
    }

    /// Uses the last fraction of the data for validation (before shuffling, as in Keras).
    pub fn validation_split(self, fraction: f64) -> Self {
        Fit {
            validation_split: fraction,
            ..self
        }
    }

    /// Validates on this data set after each epoch.
    pub fn validation(self, set: &Dataset) -> Self {
        Fit {
            validation: Some(set.clone()),
            ..self
        }
    }

    /// Adds a callback. Callbacks are called in the order in which they were added.
    pub fn callback(mut self, callback: impl Callback + 'static) -> Self {
        self.callbacks.push(Box::new(callback));
        self
    }

    /// Calls `f` when results of an epoch arrive: the number of samples done, the mean loss and the
    /// metrics so far. The last call of an epoch has all of them. On a GPU, the results of several
    /// batches arrive together.
    pub fn on_batch(self, f: impl FnMut(usize, f64, &[(String, f64)]) + Send + 'static) -> Self {
        Fit {
            on_batch: Some(Box::new(f)),
            ..self
        }
    }

    /// Calls `f` with the results of each training batch, in order, when they arrive. They include
    /// the norm of the gradients if
    /// [`TrainerBuilder::gradient_norm`](super::TrainerBuilder::gradient_norm) is set. Nothing
    /// waits for the device, so on a GPU the results arrive some batches later.
    pub fn on_step(self, f: impl FnMut(&BatchResult) + Send + 'static) -> Self {
        Fit {
            on_step: Some(Box::new(f)),
            ..self
        }
    }

    /// Limits the device memory of the training, with its validation, to this number of bytes:
    /// weights, optimizer state, gradients, the values of a step, and the data set if it is stored
    /// on the device. (The memory that the driver uses itself, kernels and a few copy buffers are
    /// not counted.)
    ///
    /// If the training needs more, the first of these measures that suffices is taken, and
    /// [`Trainer::memory_report`](super::Trainer::memory_report) returns which:
    ///
    /// - stream the data batch by batch instead of storing it on the device;
    /// - recompute activations in the backward pass, as few as suffice; the results have the same
    ///   bits;
    /// - train each batch in parts and average their gradients, so a step is still that of the
    ///   whole batch. A layer that uses statistics of the whole batch (batch normalization) sees
    ///   one part at a time, as in any gradient accumulation.
    ///
    /// Training fails with [`Error::Limit`] if no measure suffices.
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
            let reason = "found both a validation set and a validation split; set only one of them";
            return Err(Error::model("fit", reason));
        }
        Ok(())
    }
}
