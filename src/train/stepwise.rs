//! Training step by step, for a program that wants to look, save or stop between any two steps.

use crate::{Error, Result};

use super::evaluate::Evaluation;
use super::run::Tick;
use super::trainer::Trainer;

impl Trainer {
    /// The next batch of training or validation, or the end of an epoch; waits for the device where
    /// results are needed. Needs [`Trainer::begin`].
    ///
    /// [`Trainer::tick`] does the same without ever waiting.
    pub fn step(&mut self) -> Result<Tick> {
        let Some(mut run) = self.run.take() else {
            let reason = "no training has begun; call `begin` first";
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

    /// The means of the epoch that is going on, over the samples whose results have arrived.
    pub fn running(&self) -> Option<Evaluation> {
        let sums = self.position.sums();
        let any = !sums.totals.is_empty();
        any.then(|| Evaluation::of(&sums, &self.train_spec.metrics))
    }

    /// Takes the results that are still on their way: a checkpoint without them would make the
    /// epoch's means, after a resume, means of fewer samples.
    pub(super) fn settle(&mut self) -> Result<()> {
        let Some(mut run) = self.run.take() else {
            return Ok(());
        };
        let settled = run.settle(self);
        self.run = Some(run);
        settled
    }
}
