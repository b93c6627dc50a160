//! The trainer: a model with its weights on a device.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::data::Dataset;
use crate::device::Device;
use crate::exec::Counters;
use crate::graph::{Role, Variable};
use crate::nn::Module;
use crate::optim::Clip;
use crate::plan::{Cost, Plan};
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
pub struct Trainer {
    pub(super) train_spec: TrainSpec,
    pub(super) spec: DataSpec,
    pub(super) position: Position,
    /// When the first step's loss arrived.
    pub(super) first_step: Option<Instant>,
    /// The last training came to its end: the next one counts its epochs from 1 again.
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
    /// What a training that fails for a number that is not finite goes back to.
    pub(super) good: Option<Box<(Weights, Position)>>,
    /// The uses of features as indices.
    pub(super) indices: Vec<Index>,
    /// What the last batch gave whose results have arrived.
    pub(super) last_batch: Option<BatchResult>,
}

impl Trainer {
    /// A trainer for this model, to be given a loss and an optimizer and compiled.
    #[allow(clippy::new_ret_no_self)]
    pub fn new(model: impl Module + 'static) -> TrainerBuilder {
        Trainer::boxed(Box::new(model))
    }

    /// The same for a model that was put together at run time.
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

    /// Trains, and says what happened in each epoch.
    ///
    /// A training whose loss becomes NaN or infinite ends with an error, and leaves the weights and the position that
    /// it began with.
    ///
    /// A trainer that was resumed in the middle of a training goes on from there, to the same bits as
    /// one that was never stopped.
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

    /// Prepares a training that [`Trainer::tick`] does in slices.
    pub fn begin(&mut self, set: &Dataset, fit: Fit) -> Result<()> {
        self.run = None;
        self.run = Some(Run::new(self, set, fit)?);
        Ok(())
    }

    /// Trains for about `budget` and returns, without waiting for the device. Needs [`Trainer::begin`].
    pub fn tick(&mut self, budget: Duration) -> Result<Tick> {
        let Some(mut run) = self.run.take() else {
            return Err(Error::model(
                "tick",
                "no training has begun; call `begin` first",
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

    /// The epochs of the training that is going on in slices, or was resumed.
    pub fn history(&self) -> &History {
        &self.position.history
    }

    /// The loss and metrics over a data set.
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

    /// Writes a checkpoint: weights, optimizer, position, seed. Whole or not at all.
    pub fn save(&mut self, path: impl AsRef<Path>) -> Result<()> {
        self.settle()?;
        self.sync()?;
        checkpoint::save(path.as_ref(), &self.weights, &self.position)
    }

    /// Takes over the state of a checkpoint; the next `fit` goes on from there, to as many epochs as it says.
    /// One that was saved when its training had come to its end has nothing more to do, unless it is told more
    /// epochs.
    pub fn resume(&mut self, path: impl AsRef<Path>) -> Result<()> {
        let position = checkpoint::position(path.as_ref())?;
        // What the optimizer remembers is more where batches are trained in parts.
        let before = std::mem::replace(&mut self.train_spec.parts, position.parts);
        let declared = self.train_spec.declare();
        self.train_spec.parts = before;
        let declared = declared?;
        // What a checkpoint does not hold, tables, stays; a GPU's are on the host as well, should it be lost.
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

    /// Changes the weights on the host, and on the device where a training is going on.
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

    /// Whether a data set fits the model's input, its indices and its loss's targets.
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

    /// Takes back what a training did that ends for a number that is not finite.
    pub(super) fn unless_not_finite<T>(&mut self, done: Result<T>) -> Result<T> {
        if let Err(Error::NonFinite { .. }) = &done
            && let Some(good) = self.good.take()
        {
            (self.weights, self.position) = *good;
            self.forget_session();
        }
        done
    }

    /// What the last training batch gave whose results have arrived. Never waits for the device: a GPU's arrive some
    /// batches later. [`Fit::on_step`] sees all of them.
    pub fn last_batch(&self) -> Option<&BatchResult> {
        self.last_batch.as_ref()
    }

    /// The names of all parameters and buffers of the model, for [`Trainer::weights`], in their order.
    pub fn parameters(&self) -> impl Iterator<Item = &str> {
        let of_model = |v: &&Variable| matches!(v.role, Role::Parameter | Role::Buffer);
        let all = self.weights.variables.iter().filter(of_model);
        all.map(|v| v.name.as_str())
    }

    fn forget_session(&mut self) {
        self.session = None;
        self.run = None;
        self.changed = false;
    }

    /// A parameter's or buffer's values by name, in row-major order.
    pub fn weights(&mut self, name: &str) -> Result<Vec<f32>> {
        self.sync()?;
        let index = self.weights.find(name);
        let words = index
            .and_then(|i| self.weights.words.get(i))
            .ok_or_else(|| {
                let names = self.weights.variables.iter().map(|v| v.name.as_str());
                let expected = names.collect::<Vec<_>>().join(", ");
                Error::argument("the parameter", name, format!("one of {expected}"))
            })?;
        Ok(words.iter().map(|w| f32::from_bits(*w)).collect())
    }

    /// SHA-256 over the names and bits of all model weights.
    pub fn weights_sha256(&mut self) -> Result<String> {
        self.sync()?;
        Ok(self.weights.hash())
    }

    /// The table of layers.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// The device.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Steps of the optimizer so far.
    pub fn steps(&self) -> u64 {
        self.position.step
    }

    /// When the first step's loss arrived.
    pub fn first_step(&self) -> Option<Instant> {
        self.first_step
    }

    /// What the last training's executor has made; the numbers stand still after the second step.
    pub fn counters(&self) -> Counters {
        self.session
            .as_ref()
            .map(Session::counters)
            .unwrap_or_default()
    }

    /// What a training step takes: known after [`Trainer::begin`] or a `fit`.
    pub fn cost(&self) -> Option<Cost> {
        let session = self.session.as_ref()?;
        session.plan(0).map(|plan| plan.cost(session.layout()))
    }

    /// Bytes that the training takes on its device, with its validation: known after [`Trainer::begin`] or a `fit`.
    pub fn memory(&self) -> Option<u64> {
        self.session.as_ref().map(Session::bytes)
    }

    /// How the training stays within its memory limit, where it has one: known after [`Trainer::begin`] or a
    /// `fit`.
    pub fn memory_report(&self) -> Option<MemoryReport> {
        self.memory_report
    }

    /// The plan of a training step, with its graph: known after [`Trainer::begin`] or a `fit`.
    pub fn plan(&self) -> Option<&Plan> {
        self.session.as_ref()?.plan(0).map(Arc::as_ref)
    }

    /// The plan of a training step as a table: known after [`Trainer::begin`] or a `fit`.
    pub fn plan_table(&self) -> Option<String> {
        self.session.as_ref()?.plan(0).map(|plan| plan.to_string())
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

    /// What the plans for these data sets are made from.
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

    /// Trains each batch in so many parts from now on: what the optimizer remembers may be more, or less.
    pub(super) fn split_batches(&mut self, parts: u64) -> Result<()> {
        let before = self.train_spec.batches_per_step();
        self.train_spec.parts = parts;
        if (before > 1) != (self.train_spec.batches_per_step() > 1) {
            self.sync()?;
            self.declared = self.train_spec.declare()?;
            self.weights
                .redeclare(&self.declared.variables, self.train_spec.seed)?;
            // It has other variables.
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
        // What it holds comes to the host first, so that its memory is free before the next one takes as much.
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

    /// From now on the session's weights are the newer ones. Where its memory is the host's, the old ones there
    /// would only take as much again.
    pub(super) fn mark_changed(&mut self) {
        if !self.changed && self.device.shares_memory() {
            self.weights.release();
        }
        self.changed = true;
    }

    /// Brings the weights on the host up to date.
    pub(super) fn sync(&mut self) -> Result<()> {
        if let Some(session) = self.session.as_mut().filter(|_| self.changed) {
            session.download(&mut self.weights)?;
            self.changed = false;
        }
        Ok(())
    }
}
