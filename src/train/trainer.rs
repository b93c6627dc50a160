//! The trainer: a model with its weights on a device.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::data::Dataset;
use crate::device::Device;
use crate::nn::Module;
use crate::optim::Clip;

use crate::schedule::Schedule;
use crate::{DType, Error, Result};

use super::builder::TrainerBuilder;
use super::checkpoint::{self, Position};
use super::evaluate::{BatchResult, Evaluation};
use super::feed;
use super::fit::Fit;
use super::history::History;
use super::indices::{self, Index};
use super::limit::MemoryReport;
use super::program::{MemoryStrategy, PlanKey, Planned, Planner};
use super::run::{Run, Tick, evaluate_batch, slice};
use super::session::Session;
use super::spec::{DataSpec, Declared, TrainSpec};
use super::state::Weights;
use super::summary::Summary;
use super::sums::Sums;
use super::trace::Purpose;
use super::workload::{evaluation_batch, plan_keys};

/// A model with its weights, its optimizer and its device.
///
/// # Example
/// ```
/// use wgrad::prelude::*;
///
/// let targets = Targets::values(vec![1.0, 3.0, 5.0, 7.0]);
/// let set = Dataset::from_arrays(vec![0.0, 1.0, 2.0, 3.0], [1], targets)?;
/// let mut trainer = Trainer::new(nn::Linear::new(1, 1))
///     .loss(loss::Mse)
///     .optimizer(optim::Adam::new(0.1))
///     .compile(&Device::cpu(), &set)?;
/// trainer.fit(&set, Fit::epochs(200))?;
/// let x = Dataset::from_arrays(vec![10.0], [1], Targets::Unlabelled)?;
/// assert!((trainer.predict(&x)?.values[0] - 21.0).abs() < 0.5);
/// # Ok::<(), wgrad::Error>(())
/// ```
pub struct Trainer {
    pub(super) train_spec: TrainSpec,
    pub(super) spec: DataSpec,
    pub(super) position: Position,
    /// When the first step's loss arrived.
    pub(super) first_step: Option<Instant>,
    /// The last training has ended: the next one counts its epochs from 1 again.
    pub(super) ended: bool,
    /// The session's weights are newer than `weights`.
    pub(super) changed: bool,
    pub(super) device: Device,
    pub(super) declared: Declared,
    pub(super) weights: Weights,
    pub(super) session: Option<Session>,
    pub(super) run: Option<Run>,
    pub(super) summary: Summary,
    /// How the last training stays within its memory limit.
    pub(super) memory_report: Option<MemoryReport>,
    /// The state to restore when a training fails because of a number that is not finite.
    pub(super) good: Option<Box<(Weights, Position)>>,
    /// The uses of features as indices.
    pub(super) indices: Vec<Index>,
    /// The last batch whose results have arrived.
    pub(super) last_batch: Option<BatchResult>,
}

impl Trainer {
    /// Returns a builder for training this model.
    #[allow(clippy::new_ret_no_self)]
    pub fn new(model: impl Module + 'static) -> TrainerBuilder {
        Trainer::boxed(Box::new(model))
    }

    /// Returns a builder for a model that is created at run time.
    pub fn boxed(model: Box<dyn Module>) -> TrainerBuilder {
        TrainerBuilder {
            train_spec: TrainSpec {
                model,
                loss: Box::new(crate::loss::CrossEntropy::new()),
                optimizer: Box::new(crate::optim::Adam::new(1e-3)),
                metrics: Vec::new(),
                schedule: Schedule::constant(),
                clip: Clip::default(),
                penalty: (0.0, 0.0),
                ema: None,
                accumulate: 1,
                parts: 1,
                frozen: Vec::new(),
                groups: Vec::new(),
                lora: Vec::new(),
                adapters: Vec::new(),
                seed: 0,
                precision: DType::F32,
                gradient_norm: false,
                sample_weights: false,
            },
        }
    }

    /// Trains, and returns the loss and the metrics of each epoch.
    ///
    /// If the loss becomes NaN or infinite, `fit` returns an error, and the weights and the
    /// position are those from before the call.
    ///
    /// A trainer that was resumed in the middle of a training continues it, with the same bits as
    /// an uninterrupted training.
    pub fn fit(&mut self, set: &Dataset, fit: Fit) -> Result<History> {
        self.run = None;
        let mut run = Run::new(self, set, fit)?;
        loop {
            let tick = run.advance(self, true);
            if let Tick::Done(_) = self.unless_not_finite(tick)? {
                run.finish(self);
                return Ok(self.position.history.clone());
            }
        }
    }

    /// Prepares a training that [`Trainer::tick`] or [`Trainer::step`] performs in parts.
    pub fn begin(&mut self, set: &Dataset, fit: Fit) -> Result<()> {
        self.run = None;
        self.run = Some(Run::new(self, set, fit)?);
        Ok(())
    }

    /// Trains for at most about `budget`, then returns. Never waits for the device. Requires
    /// [`Trainer::begin`].
    ///
    /// # Example
    /// ```
    /// use std::time::Duration;
    /// use wgrad::prelude::*;
    ///
    /// let set = Dataset::from_arrays(vec![0.0, 1.0], [1], Targets::values(vec![1.0, 3.0]))?;
    /// let model = nn::Linear::new(1, 1);
    /// let mut trainer = Trainer::new(model).loss(loss::Mse).compile(&Device::cpu(), &set)?;
    /// trainer.begin(&set, Fit::epochs(3))?;
    /// let mut epochs = 0;
    /// loop {
    ///     match trainer.tick(Duration::from_millis(5))? {
    ///         Tick::Working => {} // draw a frame here
    ///         Tick::EpochEnded(_) => epochs += 1,
    ///         Tick::Done(_) => break,
    ///     }
    /// }
    /// assert_eq!((epochs, trainer.history().epochs.len()), (3, 3));
    /// # Ok::<(), wgrad::Error>(())
    /// ```
    pub fn tick(&mut self, budget: Duration) -> Result<Tick> {
        let Some(mut run) = self.run.take() else {
            return Err(Error::model(
                "tick",
                "expected a training in progress, found none; call `begin` first",
            ));
        };
        let tick = slice(self, &mut run, budget);
        let tick = self.unless_not_finite(tick)?;
        match tick {
            Tick::Done(_) => run.finish(self),
            _ => self.run = Some(run),
        }
        Ok(tick)
    }

    /// Returns the epochs of the training in progress, of the last one, or of a resumed one.
    pub fn history(&self) -> &History {
        &self.position.history
    }

    /// Returns the loss and the metrics over a data set.
    pub fn evaluate(&mut self, set: &Dataset) -> Result<Evaluation> {
        self.check_data(set, "the evaluation data")?;
        let batch = evaluation_batch(1, set.len(), &self.spec);
        let keys = plan_keys(Purpose::Evaluate, 0, set.len(), batch);
        let mut session = self.new_session(vec![("test".to_string(), set.clone())], keys)?;
        let mut sums = Sums::default();
        for from in (0..set.len()).step_by(batch) {
            let to = (from + batch).min(set.len());
            for result in evaluate_batch(&mut session, 0, from, to)? {
                sums.add(&result, &self.train_spec.metrics);
            }
        }
        for result in session.results(true)? {
            sums.add(&result, &self.train_spec.metrics);
        }
        Ok(Evaluation::of(&sums, &self.train_spec.metrics))
    }

    /// Writes a checkpoint: weights, optimizer state, position and seed. The file is written
    /// completely or not at all.
    ///
    /// # Example
    /// ```
    /// use wgrad::prelude::*;
    ///
    /// let set = Dataset::from_arrays(vec![0.0, 1.0], [1], Targets::values(vec![1.0, 3.0]))?;
    /// let build = || {
    ///     let model = nn::Linear::new(1, 1);
    ///     Trainer::new(model).loss(loss::Mse).compile(&Device::cpu(), &set)
    /// };
    /// let folder = tempfile::tempdir()?;
    /// let path = folder.path().join("model.safetensors");
    ///
    /// let mut trainer = build()?;
    /// trainer.fit(&set, Fit::epochs(2))?;
    /// trainer.save(&path)?;
    ///
    /// let mut resumed = build()?;
    /// resumed.resume(&path)?;
    /// let history = resumed.fit(&set, Fit::epochs(5))?; // 3 more epochs
    /// assert_eq!(history.epochs.len(), 5);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn save(&mut self, path: impl AsRef<Path>) -> Result<()> {
        self.settle()?;
        self.sync()?;
        checkpoint::save(path.as_ref(), &self.weights, &self.position)
    }

    /// Restores the state of a checkpoint. The next `fit` continues the training up to its number
    /// of epochs. If the checkpoint was saved at the end of its training, `fit` trains only if it
    /// has more epochs.
    pub fn resume(&mut self, path: impl AsRef<Path>) -> Result<()> {
        let position = checkpoint::position(path.as_ref())?;
        // The optimizer may have more state where batches are trained in parts.
        let before = std::mem::replace(&mut self.train_spec.parts, position.parts);
        let declared = self.train_spec.declare();
        self.train_spec.parts = before;
        let declared = declared?;
        // Tables are not part of a checkpoint, so they stay. On a GPU they are on the host as well,
        // in case the device is lost.
        if !self.device.is_gpu() {
            self.sync()?;
        }
        let mut weights = self.weights.clone();
        weights.redeclare(&declared.variables, position.seed)?;
        checkpoint::load(path.as_ref(), &mut weights)?;
        self.train_spec.parts = position.parts;
        (self.declared, self.weights) = (declared, weights);
        self.train_spec.seed = position.seed;
        self.position = position;
        self.ended = false;
        self.forget_session();
        Ok(())
    }

    /// Changes the weights on the host, and on the device if a training is in progress.
    pub(super) fn change_weights<T>(
        &mut self,
        change: impl FnOnce(&mut Weights) -> Result<T>,
    ) -> Result<T> {
        self.settle()?;
        self.sync()?;
        let changed = change(&mut self.weights)?;
        if let Some(session) = &mut self.session {
            session.upload(&self.weights)?;
        }
        Ok(changed)
    }

    /// Checks that a data set fits the model's input, its indices and the loss's targets.
    pub(super) fn check_data(&self, set: &Dataset, what: &str) -> Result<()> {
        feed::check(set, &self.spec, what)?;
        indices::check(&self.indices, set, what)
    }

    /// Keeps a copy of the weights, for a training that begins.
    pub(super) fn keep_good(&mut self) -> Result<()> {
        self.sync()?;
        let good = (self.weights.clone(), self.position.clone());
        self.good = Some(Box::new(good));
        Ok(())
    }

    /// Restores the state from before the training if it ends because of a number that is not
    /// finite.
    pub(super) fn unless_not_finite<T>(&mut self, done: Result<T>) -> Result<T> {
        if let Err(Error::NonFinite { .. }) = &done
            && let Some(good) = self.good.take()
        {
            (self.weights, self.position) = *good;
            self.forget_session();
        }
        done
    }

    fn forget_session(&mut self) {
        self.session = None;
        self.run = None;
        self.changed = false;
    }

    pub(super) fn metric_names(&self) -> Vec<String> {
        let all = self.train_spec.metrics.iter();
        all.map(|m| m.name().to_string()).collect()
    }

    pub(super) fn session(&mut self) -> Result<&mut Session> {
        self.session
            .as_mut()
            .ok_or_else(|| Error::internal("trainer", "no session is open"))
    }

    /// Returns the planner for these data sets.
    pub(super) fn planner<'a>(&'a self, sets: &'a [(String, Dataset)]) -> Planner<'a> {
        Planner {
            device: &self.device,
            train_spec: &self.train_spec,
            spec: &self.spec,
            variables: &self.declared.variables,
            bound: &self.declared.bound,
            sets,
        }
    }

    /// Splits each batch into this number of parts from now on. The optimizer may then have other
    /// state variables.
    pub(super) fn split_batches(&mut self, parts: u64) -> Result<()> {
        let before = self.train_spec.batches_per_step();
        self.train_spec.parts = parts;
        if (before > 1) != (self.train_spec.batches_per_step() > 1) {
            self.sync()?;
            self.declared = self.train_spec.declare()?;
            self.weights
                .redeclare(&self.declared.variables, self.train_spec.seed)?;
            // The session has other variables.
            self.session = None;
        }
        Ok(())
    }

    pub(super) fn open_session(
        &mut self,
        sets: &[(String, Dataset)],
        planned: Planned,
    ) -> Result<()> {
        if let Some(mut session) = self.session.take_if(|session| session.serves(&planned)) {
            let restarted = session.restart(self.planner(sets));
            self.session = Some(session);
            return restarted;
        }
        // The old session's weights are downloaded first, so its memory is free before the next one
        // allocates as much.
        if let Some(session) = &mut self.session {
            session.retire();
        }
        self.sync()?;
        self.session = None;
        let session = Session::open(self.planner(sets), planned, &self.weights)?;
        self.session = Some(session);
        self.changed = false;
        Ok(())
    }

    pub(super) fn new_session(
        &mut self,
        sets: Vec<(String, Dataset)>,
        keys: Vec<PlanKey>,
    ) -> Result<Session> {
        self.sync()?;
        let planner = self.planner(&sets);
        let planned = planner.plan(&keys, MemoryStrategy::NONE)?;
        Session::open(planner, planned, &self.weights)
    }

    /// Marks the session's weights as newer. If the session's memory is that of the host, the old
    /// copy is released.
    pub(super) fn mark_changed(&mut self) {
        if !self.changed && self.device.shares_memory() {
            self.weights.release();
        }
        self.changed = true;
    }

    /// Updates the weights on the host.
    pub(super) fn sync(&mut self) -> Result<()> {
        if let Some(session) = self.session.as_mut().filter(|_| self.changed) {
            session.download(&mut self.weights)?;
            self.changed = false;
        }
        Ok(())
    }
}
