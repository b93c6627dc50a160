//! The trainer: a model with its weights on a device.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::data::Dataset;
use crate::device::Device;
use crate::exec::Counters;
use crate::loss::Loss;
use crate::metrics::Metric;
use crate::nn::{Lora, Module};
use crate::optim::{Clip, Optimizer};
use crate::plan::{Cost, Plan};
use crate::schedule::Schedule;
use crate::{Error, Result, Shape};

use super::checkpoint::{self, Position};
use super::evaluate::{Evaluation, Predictions};
use super::feed::{self, Feed};
use super::fit::Fit;
use super::group::{Group, Grouped};
use super::history::History;
use super::recipe::{DataSpec, Declared, Recipe};
use super::run::{Run, Tick, evaluate_batch, evaluation_batch, slice, wants};
use super::session::{Session, Sums, Wanted};
use super::state::Weights;
use super::summary::Summary;
use super::trace::{Purpose, probe, trace};

/// A trainer before it is compiled: the model, and how to train it.
pub struct TrainerBuilder {
    recipe: Recipe,
}

impl TrainerBuilder {
    /// What is minimised; without it, softmax cross-entropy.
    pub fn loss(mut self, loss: impl Loss + 'static) -> Self {
        self.recipe.loss = Box::new(loss);
        self
    }

    /// How parameters change; without it, Adam with a rate of 0.001.
    pub fn optimizer(mut self, optimizer: impl Optimizer + 'static) -> Self {
        self.recipe.optimizer = Box::new(optimizer);
        self
    }

    /// A number to report besides the loss; may be called again for more.
    pub fn metric(mut self, metric: impl Metric + 'static) -> Self {
        self.recipe.metrics.push(Box::new(metric));
        self
    }

    /// How the learning rate changes; without it, it does not.
    pub fn schedule(mut self, schedule: Schedule) -> Self {
        self.recipe.schedule = schedule;
        self
    }

    /// Scales all gradients so that their global norm is at most `max`, as in PyTorch.
    pub fn clip_grad_norm(mut self, max: f64) -> Self {
        self.recipe.clip.norm = Some(max);
        self
    }

    /// Holds each element of all gradients between `-max` and `max`, as in PyTorch; before their norm is
    /// clipped.
    pub fn clip_grad_value(mut self, max: f64) -> Self {
        self.recipe.clip.value = Some(max);
        self
    }

    /// Adds `factor` times the sum of all trained parameters' magnitudes to what is minimised, so that small
    /// ones become 0. The reported loss is without it.
    pub fn l1(mut self, factor: f64) -> Self {
        self.recipe.penalty.0 = factor;
        self
    }

    /// Adds half `factor` times the sum of all trained parameters' squares to what is minimised: PyTorch's
    /// `weight_decay`, for any optimizer. The reported loss is without it.
    pub fn l2(mut self, factor: f64) -> Self {
        self.recipe.penalty.1 = factor;
        self
    }

    /// Keeps an exponential moving average of the trained parameters, `average = decay average + (1 - decay) p`
    /// after each step, with which the model is validated, evaluated, used to predict, and saved by
    /// [`Trainer::save_weights`]. Starts from the weights after the first step, as PyTorch's `AveragedModel`.
    pub fn ema(mut self, decay: f64) -> Self {
        self.recipe.ema = Some(decay);
        self
    }

    /// Makes one step of so many batches: their gradients are averaged over all samples, so that the step is
    /// that of one large batch in the memory of a small one. Schedules count steps. The last step of an epoch
    /// takes the batches that are left.
    pub fn accumulate_gradients(mut self, batches: u64) -> Self {
        self.recipe.accumulate = batches;
        self
    }

    /// The seed of first weights, shuffles and dropout; without it, 0.
    pub fn seed(mut self, seed: u64) -> Self {
        self.recipe.seed = seed;
        self
    }

    /// Keeps parameters as they are, by name; a `*` stands for anything: `"encoder.*"`, `"*.bias"`.
    pub fn freeze(mut self, pattern: &str) -> Self {
        self.recipe.frozen.push(pattern.to_string());
        self
    }

    /// Trains parameters of this name otherwise than the rest; a `*` stands for anything. May be called again
    /// for more groups; a parameter belongs to the first that fits.
    pub fn group(mut self, pattern: &str, group: Group) -> Self {
        self.recipe.groups.push(Grouped {
            pattern: pattern.to_string(),
            group,
            optimizer: None,
        });
        self
    }

    /// Freezes the weights of this name and trains an adapter of each instead; a `*` stands for anything.
    /// `"*"` means all matrices. What else is trained says [`TrainerBuilder::freeze`], which leaves adapters
    /// alone. An adapter's tensors are called `lora_A` and `lora_B`, beside the `weight` they belong to.
    pub fn lora(mut self, pattern: &str, lora: Lora) -> Self {
        self.recipe.lora.push((pattern.to_string(), lora));
        self
    }

    /// Checks the model against the device and the kind of data that `example` is, and makes its first
    /// weights. Shapes that do not fit are an error here, with the line that made them.
    pub fn compile(self, device: &Device, example: &Dataset) -> Result<Trainer> {
        self.compile_for(device, example.sample_shape().clone())
    }

    /// Like [`TrainerBuilder::compile`], for samples of this shape.
    pub fn compile_for(self, device: &Device, sample: impl Into<Shape>) -> Result<Trainer> {
        let mut recipe = self.recipe;
        recipe.optimizer.check()?;
        recipe.prepare_groups()?;
        recipe.check()?;
        let sample = sample.into();
        let declared = recipe.declare()?;
        recipe.adapters.clone_from(&declared.adapters);
        let (graph, target) = probe(&recipe, &sample, (&declared.variables, &declared.bound))?;
        let spec = DataSpec { sample, target };
        // The training graph too: a gradient may not exist.
        let of = (&declared.variables[..], &declared.bound[..]);
        trace(&recipe, Purpose::Train, &spec, (&Feed::Streamed, 2), of)?;
        let mut weights = Weights::initial(&declared.variables, recipe.seed)?;
        weights.restart_averages();
        let summary = Summary::new(&graph, &declared.variables);
        Ok(Trainer {
            position: Position {
                seed: recipe.seed,
                ..Position::default()
            },
            recipe,
            device: device.clone(),
            spec,
            declared,
            weights,
            ended: false,
            changed: false,
            session: None,
            run: None,
            first_step: None,
            summary,
        })
    }
}

/// A model with its weights, its optimizer and its device.
pub struct Trainer {
    pub(super) recipe: Recipe,
    pub(super) spec: DataSpec,
    pub(super) position: Position,
    /// When the first step's loss arrived.
    pub(super) first_step: Option<Instant>,
    /// The last training came to its end: the next one counts its epochs from 1 again.
    pub(super) ended: bool,
    /// The session's weights are newer than `weights`.
    pub(super) changed: bool,
    device: Device,
    declared: Declared,
    pub(super) weights: Weights,
    session: Option<Session>,
    pub(super) run: Option<Run>,
    summary: Summary,
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
            recipe: Recipe {
                model,
                loss: Box::new(crate::loss::CrossEntropy),
                optimizer: Box::new(crate::optim::Adam::new(1e-3)),
                metrics: Vec::new(),
                schedule: Schedule::Constant,
                clip: Clip::default(),
                penalty: (0.0, 0.0),
                ema: None,
                accumulate: 1,
                frozen: Vec::new(),
                groups: Vec::new(),
                lora: Vec::new(),
                adapters: Vec::new(),
                seed: 0,
            },
        }
    }

    /// Trains, and says what happened in each epoch.
    ///
    /// A trainer that was resumed in the middle of a training goes on from there, to the same bits as
    /// one that was never stopped.
    pub fn fit(&mut self, set: &Dataset, fit: Fit) -> Result<History> {
        self.run = None;
        let mut run = Run::new(self, set, fit)?;
        loop {
            if let Tick::Done(_) = run.advance(self, true)? {
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
        let tick = slice(self, &mut run, budget)?;
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
        feed::check(set, &self.spec, "the evaluation data")?;
        let batch = evaluation_batch(1, set.len(), &self.spec);
        let wanted = wants(Purpose::Evaluate, 0, set.len(), batch);
        let mut session = self.new_session(vec![("test".to_string(), set.clone())], wanted)?;
        let mut sums = Sums::default();
        for from in (0..set.len()).step_by(batch) {
            evaluate_batch(
                &mut session,
                0,
                from,
                (from + batch).min(set.len()),
                &mut sums,
            )?;
        }
        for result in session.results(true)? {
            sums.add(&result.values, result.samples);
        }
        Ok(Evaluation::of(&sums, &self.recipe.metrics))
    }

    /// The model's outputs for each sample of a data set, whose targets are not looked at.
    pub fn predict(&mut self, set: &Dataset) -> Result<Predictions> {
        if *set.sample_shape() != self.spec.sample {
            let (have, want) = (set.sample_shape(), &self.spec.sample);
            let reason = format!("its samples are {have}, but the model was compiled for {want}");
            return Err(Error::data("the data to predict", reason));
        }
        let batch = evaluation_batch(1, set.len(), &self.spec);
        let wanted = wants(Purpose::Predict, 0, set.len(), batch);
        let mut session = self.new_session(vec![("predict".to_string(), set.clone())], wanted)?;
        let mut values = Vec::new();
        for from in (0..set.len()).step_by(batch) {
            let rows: Vec<u32> = (from as u32..(from + batch).min(set.len()) as u32).collect();
            let wanted = Wanted {
                purpose: Purpose::Predict,
                batch: rows.len(),
                set: 0,
            };
            session.run(wanted, &rows, (0, 0), &[])?;
            values.extend(session.output(wanted)?);
        }
        let mut dims = vec![set.len()];
        dims.extend_from_slice(self.summary.output.shape.get(1..).unwrap_or(&[]));
        Ok(Predictions {
            shape: dims.into(),
            values,
        })
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
        let position = checkpoint::load(path.as_ref(), &mut self.weights)?;
        self.recipe.seed = position.seed;
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

    /// The plan of a training step, with its graph: known after [`Trainer::begin`] or a `fit`.
    pub fn plan(&self) -> Option<&Plan> {
        self.session.as_ref()?.plan(0).map(Arc::as_ref)
    }

    /// The plan of a training step as a table: known after [`Trainer::begin`] or a `fit`.
    pub fn plan_table(&self) -> Option<String> {
        self.session.as_ref()?.plan(0).map(|plan| plan.to_string())
    }

    pub(super) fn metric_names(&self) -> Vec<&'static str> {
        self.recipe.metrics.iter().map(|m| m.name()).collect()
    }

    pub(super) fn session(&mut self) -> Result<&mut Session> {
        self.session
            .as_mut()
            .ok_or_else(|| Error::internal("trainer", "no session is open"))
    }

    pub(super) fn open_session(
        &mut self,
        sets: Vec<(String, Dataset)>,
        wanted: Vec<Wanted>,
    ) -> Result<()> {
        let session = self.new_session(sets, wanted)?;
        self.session = Some(session);
        self.changed = false;
        Ok(())
    }

    fn new_session(
        &mut self,
        sets: Vec<(String, Dataset)>,
        wanted: Vec<Wanted>,
    ) -> Result<Session> {
        self.sync()?;
        let of = (&self.declared.variables[..], &self.declared.bound[..]);
        Session::new(
            &self.device,
            &self.recipe,
            &self.spec,
            of,
            sets,
            wanted,
            &self.weights,
        )
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
