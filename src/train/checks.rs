//! Checks during a training.

use crate::{Error, Result};

use super::session::Batch;
use super::trainer::Trainer;
use super::workload::TRAIN_SET;

/// The largest number of samples that an error lists.
const LISTED_ROWS: usize = 8;

/// Returns an error if the loss is not finite, because further training would destroy the weights.
/// If all labels of a batch are ignored, its loss is NaN, which is harmless if the step has other
/// batches. `rows` is the order of the epoch.
pub(super) fn check_loss(
    trainer: &Trainer,
    batch: &Batch,
    (rows, batch_size): (&[u32], usize),
) -> Result<()> {
    let ignored = batch.weight == Some(0.0);
    if batch.loss.is_finite() || (ignored && trainer.train_spec.batches_per_step() > 1) {
        return Ok(());
    }
    let what = match ignored {
        true => {
            // Counted from 1; all pending results belong to this epoch.
            let position = &trainer.position;
            let after = position.batches_ever.saturating_sub(batch.key);
            let number = position.batch.saturating_sub(after);
            let from = (number.saturating_sub(1) as usize).saturating_mul(batch_size);
            let rows = rows.iter().skip(from);
            let rows = rows.take(batch.samples.min(LISTED_ROWS));
            let rows: Vec<String> = rows.map(u32::to_string).collect();
            let more = if batch.samples > LISTED_ROWS {
                ", .."
            } else {
                ""
            };
            format!(
                "the training loss of batch {number} of epoch {} (samples {}{more}), whose labels all have the \
                 weight 0 or are ignored,",
                position.epoch + 1,
                rows.join(", ")
            )
        }
        false => {
            let hint = "a smaller learning rate or clip_grad_norm may help";
            format!("the training loss ({hint})")
        }
    };
    Err(Error::NonFinite {
        step: batch.step,
        what,
        value: batch.loss,
        at: None,
    })
}

/// Returns an error if a schedule's rate is out of range.
pub(super) fn check_rate(rate: f64, step: u64) -> Result<()> {
    match (0.0..=f64::from(f32::MAX)).contains(&rate) {
        true => Ok(()),
        false => Err(Error::argument(
            format!("the schedule's learning rate for step {step}"),
            rate,
            "at least 0 and at most 3.4e38",
        )),
    }
}

/// Returns the sum of the weights of the labels of some rows.
pub(super) fn weight(trainer: &Trainer, rows: &[u32]) -> f64 {
    let session = trainer.session.as_ref();
    let weight = session.and_then(|session| session.weight(TRAIN_SET, rows));
    weight.unwrap_or(rows.len() as f64)
}
