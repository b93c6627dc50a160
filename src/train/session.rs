//! A session: an executor with the plans that one `fit`, `evaluate` or `predict` needs.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::data::Dataset;
use crate::exec::interpreter::array_of;
use crate::exec::{Counters, Executor, HostPhase, Program, RunResult, Span, Timeline, Timing};
use crate::graph::{ARRAY, Role};
use crate::loss::Target;
use crate::plan::{Layout, Plan};
use crate::{Error, Result, Shape};

use super::feed::{FEATURES, Feed, ROWS, SCALARS, TARGETS, WEIGHTS, target_words};
use super::program::{MemoryStrategy, PlanKey, Planned, Planner};
use super::spec::{DataSpec, TrainSpec};
use super::state::Weights;
use super::trace::{GRADIENT_NORM, LOSS, OUTPUT, Purpose, metric_of};

/// A run whose results have not arrived yet.
struct Pending {
    samples: usize,
    weight: Option<f64>,
    step: u64,
    key: u64,
}

/// The results of one run.
pub(super) struct Batch {
    pub samples: usize,
    /// The sum of its labels' weights, if the loss's mean is weighted.
    pub weight: Option<f64>,
    /// The key of its random numbers: its index among all batches trained on.
    pub key: u64,
    /// The training step, counted from 1; 0 in an evaluation.
    pub step: u64,
    pub loss: f64,
    /// The norm of the step's gradients, if requested.
    pub gradient_norm: Option<f64>,
    /// By metric, the values of each tensor that it collects.
    pub metrics: Vec<Vec<Vec<f64>>>,
}

pub(super) struct Session {
    executor: Box<dyn Executor>,
    program: Program,
    keys: Vec<PlanKey>,
    strategy: MemoryStrategy,
    feeds: Vec<Feed>,
    sets: Vec<Dataset>,
    spec: DataSpec,
    seed: u64,
    /// The weight of each label, if they are not all equal.
    label_weights: Option<Vec<f64>>,
    pending: VecDeque<Pending>,
    /// The words of each input of a run, kept so that a step allocates nothing.
    words: Vec<Vec<u32>>,
    model_variables: usize,
}

impl Session {
    /// Allocates, compiles and uploads everything; nothing is created later.
    pub fn open(planner: Planner, planned: Planned, weights: &Weights) -> Result<Self> {
        let Planned {
            program,
            keys,
            strategy,
            feeds,
        } = planned;
        let start = Instant::now();
        let mut executor = planner.device.executor(program.clone())?;
        log::debug!("the executor is there after {:.1?}", start.elapsed());
        weights.upload(executor.as_mut())?;
        let mut session = Session {
            executor,
            program,
            keys,
            strategy,
            feeds,
            sets: Vec::new(),
            spec: planner.spec.clone(),
            seed: planner.train_spec.seed,
            label_weights: label_weights(planner.train_spec, planner.spec),
            pending: VecDeque::new(),
            words: Vec::new(),
            model_variables: planner.variables.len(),
        };
        session.take_sets(planner.sets)?;
        log::debug!("weights and data are there after {:.1?}", start.elapsed());
        Ok(session)
    }

    /// Returns whether it has exactly these plans. For the same specification it can then be used
    /// in place of a new session.
    pub fn serves(&self, planned: &Planned) -> bool {
        let variables = |program: &Program| {
            let placements = program.layout.placements.iter();
            let all = placements.map(|p| (p.variable.name.clone(), p.variable.meta.clone()));
            all.collect::<Vec<_>>()
        };
        self.keys == planned.keys
            && self.strategy == planned.strategy
            && self.feeds == planned.feeds
            && variables(&self.program) == variables(&planned.program)
    }

    /// Restarts with other data sets of the same sizes. Pending results are dropped.
    pub fn restart(&mut self, planner: Planner) -> Result<()> {
        self.executor.results(true)?;
        self.pending.clear();
        self.seed = planner.train_spec.seed;
        self.take_sets(planner.sets)
    }

    fn take_sets(&mut self, sets: &[(String, Dataset)]) -> Result<()> {
        self.sets = sets.iter().map(|(_, set)| set.clone()).collect();
        for (feed, set) in self.feeds.iter().zip(&self.sets) {
            if let Feed::Resident {
                features,
                targets,
                arrays,
                weights,
            } = feed
            {
                let rows: Vec<u32> = (0..set.len() as u32).collect();
                let words = set.features_all();
                let words = bytemuck::cast_slice(&words);
                self.executor.write_variable(features.index(), words)?;
                let mut words = Vec::new();
                target_words(set, &self.spec.target, &rows, &mut words)?;
                self.executor.write_variable(targets.index(), &words)?;
                let named = self.spec.arrays.named.iter();
                for ((name, _), id) in named.zip(arrays) {
                    set.gather_array_words(name, &rows, &mut words)?;
                    self.executor.write_variable(id.index(), &words)?;
                }
                if let (Some(id), Some(shape)) = (weights, &self.spec.arrays.weights) {
                    set.gather_weight_words(shape, &rows, &mut words)?;
                    self.executor.write_variable(id.index(), &words)?;
                }
            }
        }
        Ok(())
    }

    /// Overwrites the model's and the optimizer's variables.
    pub fn upload(&mut self, weights: &Weights) -> Result<()> {
        weights.upload(self.executor.as_mut())
    }

    /// Returns the index of the plan for a purpose, a batch size and a set.
    pub fn plan_index(&self, plan_key: PlanKey) -> Result<usize> {
        let at = self.keys.iter().position(|w| *w == plan_key);
        at.ok_or_else(|| Error::internal("session", format!("no plan for {plan_key:?}")))
    }

    pub fn plan(&self, index: usize) -> Option<&Arc<Plan>> {
        self.program.plans.get(index)
    }

    pub fn layout(&self) -> &Layout {
        &self.program.layout
    }

    /// Returns the bytes of all variables and of all plans' buffers.
    pub fn bytes(&self) -> u64 {
        self.program.bytes()
    }

    pub fn counters(&self) -> Counters {
        self.executor.counters()
    }

    /// Starts a run on some rows of the plan's set. `step` counts training steps from 1. `key`
    /// distinguishes its random numbers from those of other runs.
    pub fn run(
        &mut self,
        plan_key: PlanKey,
        rows: &[u32],
        (step, key): (u64, u64),
        scalars: &[f64],
    ) -> Result<()> {
        let index = self.fill(plan_key, rows, key, scalars)?;
        let inputs = inputs(&self.program, index, &self.words);
        self.executor.run(index, &inputs)?;
        self.expect(plan_key, rows, (step, key));
        Ok(())
    }

    /// Registers a run whose results are pending.
    fn expect(&mut self, plan_key: PlanKey, rows: &[u32], (step, key): (u64, u64)) {
        let weight = match plan_key.purpose {
            Purpose::Predict => None,
            _ => self.weight(plan_key.set, rows),
        };
        self.pending.push_back(Pending {
            samples: rows.len(),
            weight,
            step,
            key,
        });
    }

    /// Returns a data set of the session.
    pub fn set(&self, index: usize) -> Option<Dataset> {
        self.sets.get(index).cloned()
    }

    /// Returns the sum of the weights of some rows (those of the labels times those of the samples),
    /// if the loss's mean is weighted.
    pub fn weight(&self, set: usize, rows: &[u32]) -> Option<f64> {
        let by_label = self.label_weights.as_ref();
        if by_label.is_none() && self.spec.arrays.weights.is_none() {
            return None;
        }
        let set = self.sets.get(set)?;
        let of_label = |label: u32| {
            let found = by_label.map(|weights| weights.get(label as usize).copied());
            found.map_or(1.0, |weight| weight.unwrap_or(0.0))
        };
        let row = |row: &u32| -> f64 {
            let row = *row as usize;
            let one = set.label(row).map(|label| [label]);
            let labels = set.labels(row).or(one.as_ref().map(|one| &one[..]));
            let labels = labels.filter(|_| by_label.is_some());
            let weights = set.weights(row).unwrap_or(&[1.0]);
            match (labels, weights) {
                (None, weights) => weights.iter().map(|w| f64::from(*w)).sum(),
                (Some(labels), [weight]) => {
                    let sum: f64 = labels.iter().map(|label| of_label(*label)).sum();
                    sum * f64::from(*weight)
                }
                (Some(labels), weights) => {
                    let pairs = labels.iter().zip(weights);
                    pairs
                        .map(|(label, w)| of_label(*label) * f64::from(*w))
                        .sum()
                }
            }
        };
        Some(rows.iter().map(row).sum())
    }

    /// Like [`Session::run`], but waits, and times the run. The first part is the time to gather
    /// the rows.
    pub fn run_timed(
        &mut self,
        plan_key: PlanKey,
        rows: &[u32],
        (step, key): (u64, u64),
        scalars: &[f64],
        timing: Timing,
    ) -> Result<Timeline> {
        let start = Instant::now();
        let index = self.fill(plan_key, rows, key, scalars)?;
        let inputs = inputs(&self.program, index, &self.words);
        let gathered = start.elapsed();
        let mut timeline = self.executor.run_timed(index, &inputs, timing)?;
        self.expect(plan_key, rows, (step, key));
        let spans = timeline.host.iter_mut().map(|(_, span)| span);
        for span in spans.chain(&mut timeline.steps) {
            span.start += gathered;
        }
        let first = Span::between(Duration::ZERO, gathered);
        timeline.host.insert(0, (HostPhase::Batch, first));
        Ok(timeline)
    }

    /// Computes the words of the inputs of a run; returns the plan's index.
    fn fill(
        &mut self,
        plan_key: PlanKey,
        rows: &[u32],
        key: u64,
        scalars: &[f64],
    ) -> Result<usize> {
        let index = self.plan_index(plan_key)?;
        let Some(plan) = self.program.plans.get(index).map(Arc::clone) else {
            return Ok(index);
        };
        self.words
            .resize(plan.inputs.len().max(self.words.len()), Vec::new());
        let set = self.sets.get(plan_key.set);
        for (port, words) in plan.inputs.iter().zip(&mut self.words) {
            match (port.name.as_str(), set) {
                (ROWS, _) => {
                    words.clear();
                    words.extend_from_slice(rows);
                }
                (FEATURES, Some(set)) => set.gather_feature_words(rows, words)?,
                (TARGETS, Some(set)) => target_words(set, &self.spec.target, rows, words)?,
                (WEIGHTS, Some(set)) => {
                    let shape = self.spec.arrays.weights.clone().unwrap_or_default();
                    set.gather_weight_words(&shape, rows, words)?;
                }
                (SCALARS, _) => {
                    words.clear();
                    words.extend(scalars.iter().map(|s| (*s as f32).to_bits()));
                }
                (crate::ops::KEY, _) => {
                    words.clear();
                    words.extend([(self.seed ^ (self.seed >> 32)) as u32, key as u32]);
                }
                (name, Some(set)) if name.starts_with(ARRAY) => {
                    set.gather_array_words(&name[ARRAY.len()..], rows, words)?;
                }
                (name, _) => {
                    return Err(Error::internal(
                        "session",
                        format!("nothing feeds the input {name}"),
                    ));
                }
            }
        }
        Ok(index)
    }

    /// Returns the results that have arrived; with `wait`, all of them.
    pub fn results(&mut self, wait: bool) -> Result<Vec<Batch>> {
        let arrived = self.executor.results(wait)?;
        Ok(arrived.into_iter().filter_map(|r| self.batch(&r)).collect())
    }

    fn batch(&mut self, result: &RunResult) -> Option<Batch> {
        let pending = self.pending.pop_front()?;
        let plan = self.program.plans.get(result.plan)?;
        let mut batch = Batch {
            samples: pending.samples,
            weight: pending.weight,
            key: pending.key,
            step: pending.step,
            loss: f64::NAN,
            gradient_norm: None,
            metrics: Vec::new(),
        };
        let mut words = result.words.as_slice();
        for port in &plan.results {
            let (own, rest) = words.split_at_checked(port.meta.shape.len())?;
            words = rest;
            let numbers = array_of(&port.meta, own).data;
            match metric_of(&port.name) {
                Some(index) => {
                    let len = batch.metrics.len().max(index + 1);
                    batch.metrics.resize(len, Vec::new());
                    if let Some(metric) = batch.metrics.get_mut(index) {
                        metric.push(numbers);
                    }
                }
                None if port.name == GRADIENT_NORM => {
                    batch.gradient_norm = numbers.first().copied();
                }
                None if port.name == LOSS => {
                    batch.loss = numbers.first().copied().unwrap_or(f64::NAN);
                }
                None => {}
            }
        }
        Some(batch)
    }

    /// Returns the index of the variant that computes a step of a plan.
    pub fn variant(&self, plan: usize, step: usize) -> usize {
        self.executor.variant(plan, step)
    }

    /// Submits the runs so far.
    pub fn send(&mut self) -> Result<()> {
        self.executor.send()
    }

    /// Called when waiting is allowed.
    pub fn idle(&mut self) -> Result<()> {
        self.executor.idle()
    }

    /// Returns whether the next run can start without waiting for an earlier one.
    pub fn is_ready(&mut self) -> Result<bool> {
        self.executor.is_ready()
    }

    /// Returns whether results are pending.
    pub fn is_waiting(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Returns an output of the last run of a plan, by name.
    pub fn output(&mut self, plan_key: PlanKey, name: &str) -> Result<Vec<f32>> {
        let index = self.plan_index(plan_key)?;
        let Some(plan) = self.program.plans.get(index).map(Arc::clone) else {
            return Ok(Vec::new());
        };
        let mut ports = plan.outputs.iter().chain(&plan.results);
        let Some(port) = ports.find(|port| port.name == name) else {
            return Err(Error::internal("session", format!("no output {name}")));
        };
        let words = self.executor.read_output(index, port)?;
        Ok(words.into_iter().map(f32::from_bits).collect())
    }

    /// Returns the names of the further outputs of a plan, with the shape of a batch of each.
    pub fn named_outputs(&self, plan_key: PlanKey) -> Result<Vec<(String, Shape)>> {
        let index = self.plan_index(plan_key)?;
        let plan = self.program.plans.get(index);
        let ports = plan
            .iter()
            .flat_map(|plan| plan.outputs.iter().chain(&plan.results));
        let named = ports.filter_map(|port| {
            let name = port.name.strip_prefix(OUTPUT)?.strip_prefix('.')?;
            Some((name.to_string(), port.meta.shape.clone()))
        });
        Ok(named.collect())
    }

    /// Frees the memory that only runs need; no run follows.
    pub fn retire(&mut self) {
        self.executor.retire();
    }

    /// Downloads the model's and the optimizer's variables. Waits for the device.
    pub fn download(&mut self, weights: &mut Weights) -> Result<()> {
        for index in 0..self.model_variables {
            let data = self
                .program
                .layout
                .placements
                .get(index)
                .is_none_or(|p| p.variable.role == Role::Data);
            if !data {
                weights.set(index, self.executor.read_variable(index)?);
            }
        }
        Ok(())
    }
}

/// Returns the weight of each label, if they are not all equal.
fn label_weights(train_spec: &TrainSpec, spec: &DataSpec) -> Option<Vec<f64>> {
    let Target::Labels { classes, .. } = spec.target else {
        return None;
    };
    let labels = 0..u32::try_from(classes).unwrap_or(u32::MAX);
    labels.map(|l| train_spec.loss.label_weight(l)).collect()
}

/// Returns the words of the inputs of a plan.
fn inputs<'a>(program: &Program, plan: usize, words: &'a [Vec<u32>]) -> Vec<&'a [u32]> {
    let count = program.plans.get(plan).map_or(0, |plan| plan.inputs.len());
    words.iter().take(count).map(Vec::as_slice).collect()
}
