//! Training step by step, for programs that act between two steps.

use crate::{Error, Result};

use super::evaluate::Evaluation;
use super::run::Tick;
use super::trainer::Trainer;

impl Trainer {
    /// Processes the next batch of training or validation, or ends an epoch. It waits for the
    /// device where results are needed. Requires [`Trainer::begin`].
    ///
    /// [`Trainer::tick`] does the same without waiting.
    ///
    /// # Example
    /// ```
    /// use wgrad::prelude::*;
    ///
    /// let set = Dataset::from_arrays(vec![0.0, 1.0], [1], Targets::values(vec![1.0, 3.0]))?;
    /// let model = nn::Linear::new(1, 1);
    /// let mut trainer = Trainer::new(model).loss(loss::Mse).compile(&Device::cpu(), &set)?;
    /// trainer.begin(&set, Fit::epochs(1).batch_size(1))?;
    /// while !matches!(trainer.step()?, Tick::Done(_)) {}
    /// assert_eq!(trainer.steps(), 2);
    /// # Ok::<(), wgrad::Error>(())
    /// ```
    pub fn step(&mut self) -> Result<Tick> {
        let Some(mut run) = self.run.take() else {
            let reason = "expected a training in progress, found none; call `begin` first";
            return Err(Error::model("step", reason));
        };
        let tick = run.advance(self, true);
        let tick = self.unless_not_finite(tick)?;
        match tick {
            Tick::Done(_) => run.finish(self),
            _ => self.run = Some(run),
        }
        Ok(tick)
    }

    /// Returns the means of the current epoch over the samples whose results have arrived.
    pub fn running(&self) -> Option<Evaluation> {
        let sums = self.position.sums();
        let any = !sums.totals.is_empty();
        any.then(|| Evaluation::of(&sums, &self.train_spec.metrics))
    }

    /// Waits for pending results. Without them, the means of an epoch that continues from a
    /// checkpoint would miss samples.
    pub(super) fn settle(&mut self) -> Result<()> {
        let Some(mut run) = self.run.take() else {
            return Ok(());
        };
        let settled = run.settle(self);
        self.run = Some(run);
        settled
    }
}
