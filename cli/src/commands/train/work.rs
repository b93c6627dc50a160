//! The training loop, with checkpoints and early stopping at the end of each epoch.

use wgrad::spec::EarlyStoppingSpec;
use wgrad::train::{EarlyStopping, Epoch, Tick};

use super::Training;
use super::events::Events;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::output::Output;
use crate::progress::Progress;
use crate::text::path;
use wgrad::run::{EpochRecord, RunFolder};

impl Training {
    /// Trains to the end. Returns the reason if the training stopped early.
    pub(super) fn work(
        &mut self,
        run: &RunFolder,
        output: &mut Output,
    ) -> Result<Option<String>, Failure> {
        let interrupt = Interrupt::install();
        let mut progress = Progress::new();
        let finished = self.trainer.history().epochs.len();
        let samples = self.data.train.len();
        progress.monitor(&self.monitored());
        progress.start(self.config.training.epochs, samples, finished);
        let mut events = match self.config.output.tensorboard {
            true => {
                let validated = self.data.validation.is_some();
                Some(Events::create(run, validated, finished)?)
            }
            false => None,
        };
        let done = self.steps(run, output, &mut progress, &mut events, &interrupt);
        progress.finish();
        done
    }

    /// Returns the metrics that the configuration monitors.
    fn monitored(&self) -> Vec<&str> {
        let training = &self.config.training;
        let stop = training.early_stopping.as_ref().map(monitor_of);
        stop.into_iter()
            .chain(training.schedule.monitored())
            .collect()
    }

    fn steps(
        &mut self,
        run: &RunFolder,
        output: &mut Output,
        progress: &mut Progress,
        events: &mut Option<Events>,
        interrupt: &Interrupt,
    ) -> Result<Option<String>, Failure> {
        loop {
            if interrupt.asked() {
                return Err(self.interrupted(run, output)?);
            }
            match self.trainer.step()? {
                Tick::Working => {
                    if progress.is_due()
                        && let Some(now) = self.trainer.running()
                    {
                        let metric = progress.metric(&now.metrics);
                        progress.batch(now.samples, now.loss, metric);
                    }
                }
                Tick::EpochEnded(epoch) => {
                    let record = self.record(&epoch);
                    run.append_epoch(&record)?;
                    progress.epoch_end(&record);
                    output.event("epoch", &record);
                    if let Some(events) = events {
                        events.epoch(&record, &mut self.trainer)?;
                    }
                    let stopped = self.stop_reason()?;
                    self.save(run, record.epoch, stopped.is_some())?;
                    if stopped.is_some() {
                        return Ok(stopped);
                    }
                }
                Tick::Done(reason) => return Ok(reason),
            }
        }
    }

    /// Converts an epoch to its record in `metrics.jsonl`.
    fn record(&self, epoch: &Epoch) -> EpochRecord {
        let epochs = &self.trainer.history().epochs;
        let before = epochs.iter().rev().nth(1).map_or(0.0, |e| e.seconds);
        EpochRecord {
            epoch: epoch.epoch as usize,
            step: epoch.step,
            seconds: epoch.seconds - before,
            lr: epoch.lr,
            loss: epoch.loss,
            metrics: epoch.metrics.clone(),
            val_loss: epoch.val_loss,
            val_metrics: epoch.val_metrics.clone(),
        }
    }

    fn stop_reason(&self) -> Result<Option<String>, Failure> {
        let Some(stop) = &self.config.training.early_stopping else {
            return Ok(None);
        };
        // Computed from all epochs each time, so that a resumed run stops at the same epoch.
        let rule =
            EarlyStopping::new(monitor_of(stop), stop.patience as u64).min_delta(stop.min_delta);
        Ok(rule.reason(self.trainer.history())?)
    }

    /// Returns the metric that selects the best epoch, with its smallest improvement. Returns
    /// `None` if there is no validation data.
    pub(super) fn monitor(&self) -> Option<(&str, f64)> {
        match &self.config.training.early_stopping {
            Some(stop) => Some((monitor_of(stop), stop.min_delta)),
            None => self.data.validation.as_ref().map(|_| ("val_loss", 0.0)),
        }
    }

    /// Returns the best epoch, counted from 1.
    pub(super) fn best_epoch(&self) -> Result<Option<usize>, Failure> {
        let Some((monitor, min_delta)) = self.monitor() else {
            return Ok(None);
        };
        let best = self.trainer.history().best(monitor, min_delta)?;
        Ok(best.map(|epoch| epoch.epoch as usize))
    }

    /// Saves the checkpoints that are due after an epoch.
    fn save(&mut self, run: &RunFolder, epoch: usize, last: bool) -> Result<(), Failure> {
        if self.best_epoch()? == Some(epoch) {
            self.trainer.save(run.best_path())?;
        }
        let every = self.config.output.checkpoint_every;
        let last = last || epoch >= self.config.training.epochs;
        if last || (every > 0 && epoch.is_multiple_of(every)) {
            self.trainer.save(run.checkpoint_path(epoch))?;
            run.prune_checkpoints(self.config.output.keep_checkpoints)?;
            run.remove_interrupted()?;
        }
        Ok(())
    }

    /// Saves the state between two steps. Returns a failure that says how to resume.
    fn interrupted(&mut self, run: &RunFolder, output: &mut Output) -> Result<Failure, Failure> {
        let checkpoint = run.interrupted_path();
        self.trainer.save(&checkpoint)?;
        let (epochs, step) = (self.trainer.history().epochs.len(), self.trainer.steps());
        output.event(
            "interrupted",
            &serde_json::json!({
                "run": run.path().display().to_string(),
                "checkpoint": checkpoint.display().to_string(),
                "epochs": epochs,
                "steps": step,
            }),
        );
        Ok(Failure::Interrupted(format!(
            "interrupted after {epochs} epochs, at step {step}; all progress is saved. Resume with\n  \
             wgrad train {} --resume={}",
            quoted(&path(&run.config_path())),
            quoted(&path(run.path()))
        )))
    }
}

/// Returns the metric that early stopping monitors. It is set when the task is known.
fn monitor_of(stop: &EarlyStoppingSpec) -> &str {
    stop.monitor.as_deref().unwrap_or("loss")
}

/// Quotes a word for a shell.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/\\:._-+=~@%,".contains(c);
    match word.chars().all(plain) {
        true => word.to_string(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}
