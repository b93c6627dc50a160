//! Memory limits for training.
//!
//! A plan knows its exact size before anything is allocated, so the search only plans. It takes the
//! first strategy that fits, in this order: no change; the data streamed batch by batch; more and
//! more of the saved values rematerialized, which changes no bits; all of these with each batch in
//! more and more parts, whose gradients are averaged.

use std::fmt;
use std::ops::RangeInclusive;

use crate::graph::Role;
use crate::plan::Layout;
use crate::{Error, Result};

use super::program::{MemoryStrategy, Planned, Planner, Steps};
use super::trainer::Trainer;
use super::workload::FitWorkload;

/// How training stays within its memory limit: see [`Fit::memory_limit`](super::Fit::memory_limit).
///
/// # Example
/// ```
/// use wgrad::prelude::*;
///
/// let set = Dataset::from_arrays(vec![0.5; 6400], [100], Targets::values(vec![1.0; 64]))?;
/// let model = nn::Linear::new(100, 1);
/// let mut trainer = Trainer::new(model).loss(loss::Mse).compile(&Device::cpu(), &set)?;
/// trainer.fit(&set, Fit::epochs(1).memory_limit(1 << 20))?;
/// let report = trainer.memory_report().expect("a training with a limit");
/// assert!(report.bytes <= report.limit);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MemoryReport {
    /// The limit, in bytes.
    pub limit: u64,
    /// Bytes that training needs: weights, optimizer state, the data set if it is on the device, and
    /// the activations of a step.
    pub bytes: u64,
    /// Bytes that training would need without a limit; `None` where that exceeds the device.
    pub unlimited: Option<u64>,
    /// Whether the data is streamed batch by batch although the device could hold it.
    pub streamed: bool,
    /// The number of saved activations that are computed again.
    pub recomputed: usize,
    /// The number of activations that are saved for the backward pass.
    pub saved: usize,
    /// Floating-point operations of a step, relative to a step that computes nothing again.
    pub work: f64,
    /// Parts that each batch is trained in.
    pub parts: u64,
    /// The batch size of the validation, where the limit reduces it.
    pub validation: Option<usize>,
}

impl fmt::Display for MemoryReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = |bytes: u64| match bytes {
            small if small < 10 << 20 => format!("{:.0} KiB", small as f64 / 1024.0),
            large => format!("{:.1} MiB", large as f64 / (1 << 20) as f64),
        };
        write!(f, "{}, within {}", size(self.bytes), size(self.limit))?;
        if let Some(unlimited) = self.unlimited.filter(|&unlimited| unlimited > self.bytes) {
            write!(f, ", instead of {}", size(unlimited))?;
        }
        if self.parts > 1 {
            write!(f, "; each batch in {} parts", self.parts)?;
        }
        if self.recomputed > 0 {
            let MemoryReport {
                recomputed, saved, ..
            } = self;
            let more = 100.0 * (self.work - 1.0);
            write!(
                f,
                "; {recomputed} of {saved} saved activations are recomputed, "
            )?;
            write!(f, "{more:.0}% more work")?;
        }
        if self.streamed {
            write!(f, "; the data is streamed batch by batch")?;
        }
        if let Some(samples) = self.validation {
            write!(f, "; validation in batches of {samples}")?;
        }
        Ok(())
    }
}

/// If the variables alone exceed the limit, the error reports the smallest of every 8th strategy.
const STRATEGY_STRIDE: usize = 8;

/// A training run that is planned.
pub(super) struct Chosen {
    pub planned: Planned,
    pub work: FitWorkload,
    /// Where there is a limit.
    pub memory_report: Option<MemoryReport>,
}

/// Plans a training run within a limit, where there is one. `work` is the workload without a limit.
pub(super) fn choose(
    trainer: &mut Trainer,
    work: &FitWorkload,
    limit: Option<u64>,
) -> Result<Chosen> {
    let before = trainer.train_spec.parts;
    let chosen = match limit {
        None => as_it_is(trainer, work),
        Some(limit) => Search::new(limit).run(trainer, work),
    };
    if chosen.is_err() {
        trainer.split_batches(before)?;
    }
    chosen
}

/// Returns the numbers of parts into which a batch can be divided at the training's position.
fn parts<'a>(trainer: &Trainer, work: &'a FitWorkload) -> impl Iterator<Item = u64> + use<'a> {
    let position = (trainer.position.batch, trainer.position.parts.max(1));
    let divides = move |parts: &u64| (work.batch as u64).is_multiple_of(*parts);
    // The batches done in the epoch must be a whole number of parts.
    let goes_on = move |parts: &u64| (position.0 * parts).is_multiple_of(position.1);
    // A part of one sample is too small for layers that use statistics of the batch.
    let several = move |parts: &u64| *parts == 1 || work.batch as u64 / parts > 1;
    (1..=work.batch as u64)
        .filter(divides)
        .filter(goes_on)
        .filter(several)
}

fn as_it_is(trainer: &mut Trainer, work: &FitWorkload) -> Result<Chosen> {
    let Some(parts) = parts(trainer, work).next() else {
        let (batch, parts) = (work.batch, trainer.position.parts);
        let expected =
            format!("a multiple of {parts}, into which this training's batches are split");
        return Err(Error::argument("batch_size", batch, expected));
    };
    trainer.split_batches(parts)?;
    let work = work.in_parts(parts);
    let planned = trainer
        .planner(&work.sets)
        .plan(&work.plan_keys(), MemoryStrategy::NONE)?;
    Ok(Chosen {
        planned,
        work,
        memory_report: None,
    })
}

struct Search {
    limit: u64,
    /// Bytes without a limit, once planned; `None` where that exceeds the device.
    unlimited: Option<Option<u64>>,
    /// Bytes of the smallest step so far.
    least: u64,
}

impl Search {
    fn new(limit: u64) -> Self {
        Search {
            limit,
            unlimited: None,
            least: u64::MAX,
        }
    }

    fn run(mut self, trainer: &mut Trainer, work: &FitWorkload) -> Result<Chosen> {
        for parts in parts(trainer, work) {
            trainer.split_batches(parts)?;
            let work = work.in_parts(parts);
            if let Some(chosen) = self.in_parts(trainer.planner(&work.sets), &work)? {
                return Ok(chosen);
            }
        }
        Err(Error::Limit {
            what: "the smallest memory plan (bytes)".to_string(),
            needed: self.least,
            available: self.limit,
            device: "the memory limit".to_string(),
            hint: "use a smaller model, or 16-bit activations (`precision`)".to_string(),
        })
    }

    fn in_parts(&mut self, planner: Planner, work: &FitWorkload) -> Result<Option<Chosen>> {
        let resident = Candidates::new(planner, work, false)?;
        let streamed = match resident.on_device {
            true => Some(Candidates::new(planner, work, true)?),
            false => None,
        };
        // No strategy helps where the variables alone exceed the limit; a few plans show what would fit.
        let sparing = streamed.as_ref().unwrap_or(&resident);
        if sparing.layout.bytes() > self.limit {
            for strategy in sparing
                .strategies(0..=MemoryStrategy::PARTS)
                .step_by(STRATEGY_STRIDE)
            {
                let step = sparing.step(planner, strategy)?;
                self.least = self.least.min(step.map_or(u64::MAX, |(bytes, _)| bytes));
            }
            return Ok(None);
        }
        // First without rematerialization, then with more and more.
        for again in [0..=0, 1..=MemoryStrategy::PARTS] {
            for candidates in [Some(&resident), streamed.as_ref()].into_iter().flatten() {
                for strategy in candidates.strategies(again.clone()) {
                    let chosen = self.fit((planner, candidates), strategy, work.clone())?;
                    if chosen.is_some() {
                        return Ok(chosen);
                    }
                }
            }
        }
        Ok(None)
    }

    /// The plans under a strategy, where they fit.
    fn fit(
        &mut self,
        (planner, candidates): (Planner, &Candidates),
        strategy: MemoryStrategy,
        mut work: FitWorkload,
    ) -> Result<Option<Chosen>> {
        let step = candidates.step(planner, strategy)?;
        self.least = self.least.min(step.map_or(u64::MAX, |(bytes, _)| bytes));
        let before = work.evaluation;
        if self.unlimited.is_some() && step.is_none_or(|(bytes, _)| bytes > self.limit) {
            return Ok(None);
        }
        loop {
            let planned = fits_device(planner.plan(&work.plan_keys(), strategy))?;
            let bytes = planned.as_ref().map(|planned| planned.program.bytes());
            let unlimited = *self.unlimited.get_or_insert(bytes);
            if let (Some(planned), Some(bytes), Some((_, flops))) = (planned, bytes, step)
                && bytes <= self.limit
            {
                let saved = candidates.steps.saved.len();
                let memory_report = MemoryReport {
                    limit: self.limit,
                    bytes,
                    unlimited,
                    streamed: strategy.streamed,
                    recomputed: strategy.share(saved),
                    saved,
                    work: flops / candidates.flops.max(1.0),
                    parts: work.parts,
                    validation: (work.evaluation < before).then_some(work.evaluation),
                };
                return Ok(Some(Chosen {
                    planned,
                    work,
                    memory_report: Some(memory_report),
                }));
            }
            // Validation may use smaller batches.
            match work.with_smaller_evaluation() {
                Some(smaller) => work = smaller,
                None => return Ok(None),
            }
        }
    }
}

/// A training step, to be planned under several strategies.
struct Candidates {
    steps: Steps,
    layout: Layout,
    streamed: bool,
    /// Whether a data set is on the device.
    on_device: bool,
    /// Floating-point operations where nothing is computed again.
    flops: f64,
}

impl Candidates {
    fn new(planner: Planner, work: &FitWorkload, streamed: bool) -> Result<Self> {
        let (steps, layout) = planner.steps(&work.plan_keys(), streamed)?;
        let on_device = layout
            .placements
            .iter()
            .any(|p| p.variable.role == Role::Data);
        let mut candidates = Candidates {
            steps,
            layout,
            streamed,
            on_device,
            flops: 0.0,
        };
        let plain = candidates.strategies(0..=0).next();
        let plain = plain.map(|strategy| candidates.step(planner, strategy));
        candidates.flops = plain.transpose()?.flatten().map_or(0.0, |(_, flops)| flops);
        Ok(candidates)
    }

    /// The strategies of a range, without those that compute no more again than the one before.
    fn strategies(
        &self,
        again: RangeInclusive<usize>,
    ) -> impl Iterator<Item = MemoryStrategy> + '_ {
        let strategy = |recomputed| MemoryStrategy {
            streamed: self.streamed,
            recomputed,
        };
        let share = move |recomputed| strategy(recomputed).share(self.steps.saved.len());
        again
            .filter(move |&r| r == 0 || share(r) > share(r - 1))
            .map(strategy)
    }

    /// Bytes and floating-point operations of a step; none where the device cannot hold it.
    fn step(&self, planner: Planner, strategy: MemoryStrategy) -> Result<Option<(u64, f64)>> {
        let graph = self.steps.graph(strategy)?;
        let plan = fits_device(planner.lower(&graph, &self.layout))?;
        Ok(plan.map(|plan| {
            let cost = plan.cost(&self.layout);
            (cost.bytes, cost.flops)
        }))
    }
}

/// `None` where the device cannot hold the plan: a smaller one may fit.
fn fits_device<T>(planned: Result<T>) -> Result<Option<T>> {
    match planned {
        Ok(planned) => Ok(Some(planned)),
        Err(Error::Limit { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
