//! A training in progress, as a state machine that can advance in parts.

use std::time::{Duration, Instant};

use crate::data::{Dataset, shuffled_rows};
use crate::schedule::Progress;
use crate::{DType, Error, Result};

use super::callback::{Control, EpochEnd};
use super::checks::{check_loss, check_rate, weight};
use super::evaluate::BatchResult;
use super::fit::Fit;
use super::history::Epoch;
use super::limit::choose;
use super::program::PlanKey;
use super::range;
use super::session::{Batch, Session};
use super::sums::Sums;
use super::trace::Purpose;
use super::trainer::Trainer;
use super::workload::{FitWorkload, TRAIN_SET, VALIDATION_SET};

/// The interval at which a slice checks whether the device accepts more work: a small part of the
/// queued work.
const POLL_INTERVAL: Duration = Duration::from_micros(200);

/// The result of [`Trainer::tick`] or [`Trainer::step`].
///
/// # Example
/// ```
/// use wgrad::prelude::*;
///
/// let set = Dataset::from_arrays(vec![0.0, 1.0], [1], Targets::values(vec![1.0, 3.0]))?;
/// let model = nn::Linear::new(1, 1);
/// let mut trainer = Trainer::new(model).loss(loss::Mse).compile(&Device::cpu(), &set)?;
/// trainer.begin(&set, Fit::epochs(2))?;
/// let mut losses = Vec::new();
/// loop {
///     match trainer.step()? {
///         Tick::Working => {}
///         Tick::EpochEnded(epoch) => losses.push(epoch.loss),
///         Tick::Done(_) => break,
///     }
/// }
/// assert_eq!(losses.len(), 2);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum Tick {
    /// The training continues.
    Working,
    /// An epoch has ended; the training may continue.
    EpochEnded(Epoch),
    /// The training has ended. The reason is set if a callback stopped it.
    Done(Option<String>),
}

#[derive(Clone, Copy, PartialEq)]
enum Stage {
    Train,
    Validate { next: usize },
    Done,
}

pub(super) struct Run {
    fit: Fit,
    train: Dataset,
    validation: Option<Dataset>,
    stage: Stage,
    /// Whether the first batch's activations were checked.
    ranged: bool,
    /// The number of samples that an epoch trains on.
    samples: usize,
    /// The order of the epoch.
    rows: Vec<u32>,
    validation_sums: Sums,
    /// The batch size of the validation.
    evaluation: usize,
    rate: f64,
    since: Instant,
    seconds_before: f64,
    stopped: Option<String>,
    /// The last call could do nothing without waiting for the device.
    stalled: bool,
}

impl Run {
    /// Splits and checks the data, and plans; trains nothing yet.
    pub fn new(trainer: &mut Trainer, set: &Dataset, mut fit: Fit) -> Result<Self> {
        fit.check()?;
        let (train, validation) = match fit.validation.take() {
            Some(validation) => (set.clone(), Some(validation)),
            None if fit.validation_split > 0.0 => {
                let (train, validation) = set.split_last(fit.validation_split)?;
                (train, Some(validation))
            }
            None => (set.clone(), None),
        };
        trainer.check_data(&train, "the training data")?;
        if let Some(validation) = &validation {
            trainer.check_data(validation, "the validation data")?;
        }
        if let Some(monitor) = trainer.train_spec.schedule.monitor() {
            let names = measured(&trainer.metric_names(), validation.is_some());
            if !names.iter().any(|name| name == monitor) {
                return Err(Error::argument(
                    "the schedule's monitor",
                    monitor,
                    names.join(" or "),
                ));
            }
        }
        fit.batch_size = fit.batch_size.min(train.len());
        let accumulates = trainer.train_spec.accumulate > 1;
        let spec = &trainer.spec;
        let mut work = FitWorkload::new(
            &train,
            validation.as_ref(),
            fit.batch_size,
            spec,
            accumulates,
        );
        if fit.drop_last {
            work = work.without_last();
        }
        let samples = work.samples;
        let chosen = choose(trainer, &work, fit.memory_limit)?;
        fit.batch_size = chosen.work.batch;
        trainer.memory_report = chosen.memory_report;
        trainer.open_session(&chosen.work.sets, chosen.planned)?;
        let ended = std::mem::take(&mut trainer.ended);
        let position = &mut trainer.position;
        if ended {
            position.epoch = 0;
        }
        if position.epoch == 0 {
            position.history.epochs.clear();
        }
        position
            .history
            .keep_directions(&trainer.train_spec.metrics);
        let of_step = trainer.train_spec.batches_per_step();
        position.go_on((chosen.work.parts, fit.batch_size), of_step, samples)?;
        trainer.keep_good()?;
        let position = &trainer.position;
        Ok(Run {
            train,
            validation,
            stage: if position.epoch < fit.epochs {
                Stage::Train
            } else {
                Stage::Done
            },
            rows: Vec::new(),
            validation_sums: Sums::default(),
            rate: trainer.train_spec.optimizer.learning_rate(),
            since: Instant::now(),
            seconds_before: position.seconds,
            stopped: None,
            stalled: false,
            evaluation: chosen.work.evaluation,
            samples,
            ranged: false,
            fit,
        })
    }

    fn batches_per_epoch(&self) -> u64 {
        self.samples.div_ceil(self.fit.batch_size) as u64
    }

    /// Processes one batch, or ends an epoch. With `wait`, it waits for results where they are
    /// needed. Without, it returns `Working` until they have arrived or the device accepts more
    /// work.
    pub fn advance(&mut self, trainer: &mut Trainer, wait: bool) -> Result<Tick> {
        self.stalled = false;
        match self.stage {
            Stage::Train | Stage::Validate { .. } if !wait && !trainer.session()?.is_ready()? => {
                self.stalled = true;
                Ok(Tick::Working)
            }
            Stage::Train if trainer.position.batch < self.batches_per_epoch() => {
                self.train_batch(trainer, wait)?;
                Ok(Tick::Working)
            }
            Stage::Train => {
                if !self.collect(trainer, wait)? {
                    self.stalled = true;
                    return Ok(Tick::Working);
                }
                self.stage = Stage::Validate { next: 0 };
                Ok(Tick::Working)
            }
            Stage::Validate { next } => self.validate(trainer, next, wait),
            Stage::Done => Ok(Tick::Done(self.stopped.clone())),
        }
    }

    fn train_batch(&mut self, trainer: &mut Trainer, wait: bool) -> Result<()> {
        let (n, size) = (self.train.len(), self.fit.batch_size);
        if self.rows.len() != n {
            self.rows = match self.fit.shuffle {
                true => shuffled_rows(n, trainer.train_spec.seed, trainer.position.epochs_ever),
                false => (0..n as u32).collect(),
            };
        }
        let (batch, batches) = (trainer.position.batch, self.batches_per_epoch());
        let from = batch as usize * size;
        let to = (from + size).min(self.samples);
        let rows = self.rows.get(from..to).unwrap_or(&[]);
        // A step has this number of batches; the last step of an epoch may have fewer.
        let each = trainer.train_spec.batches_per_step();
        let whole = (batch + 1).is_multiple_of(each) || batch + 1 == batches;
        let first = (batch / each * each) as usize * size;
        let steps_per_epoch = batches.div_ceil(each);
        let schedule = &trainer.train_spec.schedule;
        let watched = schedule
            .monitor()
            .map(|m| trainer.position.history.curve(m));
        let at = Progress {
            step: trainer.position.epoch * steps_per_epoch + batch / each,
            steps_per_epoch,
            steps: self.fit.epochs * steps_per_epoch,
            values: watched.as_deref().unwrap_or_default(),
        };
        let step = trainer.position.step + 1;
        let counts = |rows: &[u32]| match trainer.train_spec.is_weighted() {
            true => weight(trainer, rows),
            false => rows.len() as f64,
        };
        let of_step = self.rows.get(first..to).unwrap_or(&[]);
        let counts = (counts(rows), counts(of_step));
        let (rate, scalars) = trainer.train_spec.scalars(step, at, counts);
        check_rate(rate, step)?;
        self.rate = rate;
        let plan_key = PlanKey {
            purpose: match whole {
                true => Purpose::Train,
                false => Purpose::Accumulate,
            },
            batch: rows.len(),
            set: TRAIN_SET,
        };
        let key = trainer.position.batches_ever + 1;
        if trainer.train_spec.precision == DType::F16 && !std::mem::replace(&mut self.ranged, true)
        {
            range::check(trainer, (plan_key, rows), (key, &scalars))?;
        }
        trainer.mark_changed();
        let session = trainer.session()?;
        session.run(plan_key, rows, (step, key), &scalars)?;
        trainer.position.step += u64::from(whole);
        trainer.position.batches_ever = key;
        trainer.position.batch += 1;
        // If waiting is allowed, the first step is waited for, so that errors appear at once.
        self.collect(trainer, wait && trainer.first_step.is_none())?;
        match wait {
            true => trainer.session()?.idle(),
            false => Ok(()),
        }
    }

    /// Processes the results that have arrived; returns whether none are missing.
    pub(super) fn collect(&mut self, trainer: &mut Trainer, wait: bool) -> Result<bool> {
        let session = trainer.session()?;
        let batches = session.results(wait)?;
        let all = !session.is_waiting();
        if !batches.is_empty() && trainer.first_step.is_none() {
            trainer.first_step = Some(Instant::now());
        }
        for batch in &batches {
            let rows = (self.rows.as_slice(), self.fit.batch_size);
            check_loss(trainer, batch, rows)?;
        }
        for batch in &batches {
            let result = BatchResult {
                step: batch.step,
                samples: batch.samples,
                loss: batch.loss,
                gradient_norm: batch.gradient_norm,
            };
            if let Some(on_step) = &mut self.fit.on_step {
                on_step(&result);
            }
            trainer.last_batch = Some(result);
        }
        let mut sums = trainer.position.take_sums();
        for batch in &batches {
            sums.add(batch, &trainer.train_spec.metrics);
        }
        if let (Some(on_batch), false) = (&mut self.fit.on_batch, batches.is_empty()) {
            let metrics = sums.metrics(&trainer.train_spec.metrics);
            on_batch(sums.samples as usize, sums.loss(), &metrics);
        }
        trainer.position.put_sums(sums);
        trainer.position.seconds = self.seconds();
        Ok(all)
    }

    /// Waits for the pending steps, so that the position includes their results. During validation
    /// there are none: a resumed training repeats the validation.
    pub fn settle(&mut self, trainer: &mut Trainer) -> Result<()> {
        if self.stage == Stage::Train {
            self.collect(trainer, true)?;
        }
        Ok(())
    }

    fn validate(&mut self, trainer: &mut Trainer, next: usize, wait: bool) -> Result<Tick> {
        let Some(validation) = self.validation.as_ref().map(Dataset::len) else {
            return self.end_epoch(trainer);
        };
        let size = self.evaluation;
        let session = trainer.session()?;
        if next < validation {
            let end = (next + size).min(validation);
            for batch in evaluate_batch(session, VALIDATION_SET, next, end)? {
                self.validation_sums
                    .add(&batch, &trainer.train_spec.metrics);
            }
            self.stage = Stage::Validate { next: end };
            return Ok(Tick::Working);
        }
        let arrived = session.results(wait)?;
        let more = session.is_waiting();
        for batch in arrived {
            self.validation_sums
                .add(&batch, &trainer.train_spec.metrics);
        }
        if more {
            self.stalled = true;
            return Ok(Tick::Working);
        }
        self.end_epoch(trainer)
    }

    fn seconds(&self) -> f64 {
        self.seconds_before + self.since.elapsed().as_secs_f64()
    }

    fn end_epoch(&mut self, trainer: &mut Trainer) -> Result<Tick> {
        let sums = trainer.position.take_sums();
        let (loss, metrics) = (sums.loss(), sums.metrics(&trainer.train_spec.metrics));
        let validated = self.validation.as_ref().map(|_| &self.validation_sums);
        let position = &mut trainer.position;
        position.epoch += 1;
        position.epochs_ever += 1;
        position.batch = 0;
        position.samples = 0.0;
        position.totals.clear();
        position.seconds = self.seconds_before + self.since.elapsed().as_secs_f64();
        let epoch = Epoch {
            epoch: position.epoch,
            step: position.step,
            seconds: position.seconds,
            lr: self.rate,
            loss,
            metrics,
            val_loss: validated.map(Sums::loss),
            val_metrics: validated
                .map(|sums| sums.metrics(&trainer.train_spec.metrics))
                .unwrap_or_default(),
        };
        trainer.position.history.epochs.push(epoch.clone());
        self.validation_sums = Sums::default();
        self.rows.clear();
        let mut callbacks = std::mem::take(&mut self.fit.callbacks);
        for callback in &mut callbacks {
            let control = callback.on_epoch_end(&mut EpochEnd {
                epoch: &epoch,
                trainer,
            })?;
            if let Control::Stop(reason) = control {
                self.stopped.get_or_insert(reason);
            }
        }
        self.fit.callbacks = callbacks;
        let more = trainer.position.epoch < self.fit.epochs && self.stopped.is_none();
        self.stage = if more { Stage::Train } else { Stage::Done };
        Ok(Tick::EpochEnded(epoch))
    }

    /// Marks the position as the end, so that a checkpoint saved now has nothing left to do.
    pub fn finish(self, trainer: &mut Trainer) {
        trainer.ended = true;
        trainer.good = None;
    }
}

/// Starts the evaluation of some samples, and returns the results that have arrived.
pub(super) fn evaluate_batch(
    session: &mut Session,
    set: usize,
    from: usize,
    to: usize,
) -> Result<Vec<Batch>> {
    let rows: Vec<u32> = (from as u32..to as u32).collect();
    let plan_key = PlanKey {
        purpose: Purpose::Evaluate,
        batch: rows.len(),
        set,
    };
    session.run(plan_key, &rows, (0, 0), &[])?;
    session.results(false)
}

/// Returns the names of the values of an epoch.
fn measured(metrics: &[String], validated: bool) -> Vec<String> {
    let mut names = vec!["loss".to_string()];
    names.extend_from_slice(metrics);
    if validated {
        let of_validation: Vec<String> = names.iter().map(|n| format!("val_{n}")).collect();
        names.extend(of_validation);
    }
    names
}

/// Advances until `budget` is used up.
pub(super) fn slice(trainer: &mut Trainer, run: &mut Run, budget: Duration) -> Result<Tick> {
    let start = Instant::now();
    loop {
        let tick = run.advance(trainer, false)?;
        let left = budget.saturating_sub(start.elapsed());
        if tick != Tick::Working || left.is_zero() {
            trainer.session()?.send()?;
            return Ok(tick);
        }
        if run.stalled {
            // Polling without a pause would take processor time from a device that is the CPU.
            std::thread::sleep(POLL_INTERVAL.min(left));
        }
    }
}
