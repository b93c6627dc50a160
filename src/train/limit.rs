//! Keeping a training within a memory limit.
//!
//! Plans know their exact bytes before anything is allocated, so what to do is found by planning. Tried are, in
//! this order, until a training fits: as it is; with its data handed over batch by batch; with more and more of the
//! saved values computed again, which changes no number; and all of that with each batch in more and more parts,
//! whose gradients are averaged. Of what fits, the first is taken.

use std::fmt;
use std::ops::RangeInclusive;

use crate::graph::Role;
use crate::plan::Layout;
use crate::{Error, Result};

use super::program::{Planned, Planner, Steps, Thrift};
use super::trainer::Trainer;
use super::work::Work;

/// What a training does to stay within its memory limit: see [`Fit::memory_limit`](super::Fit::memory_limit).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Savings {
    /// The limit, in bytes.
    pub limit: u64,
    /// Bytes that the training takes: its weights, what the optimizer remembers, the data set where it lies on the
    /// device, and the values of a step.
    pub bytes: u64,
    /// Bytes that it would take without a limit; none where the device could not hold it.
    pub unlimited: Option<u64>,
    /// Whether the data is handed over batch by batch, though the device could hold it.
    pub streamed: bool,
    /// How many of the values that wait for the backward pass are computed again...
    pub recomputed: usize,
    /// ...of so many.
    pub saved: usize,
    /// Floating-point operations of a step, in proportion to a step that computes nothing again.
    pub work: f64,
    /// Parts that each batch is trained in.
    pub parts: u64,
    /// Samples of a batch of the validation, where these are fewer than they would be.
    pub validation: Option<usize>,
}

impl fmt::Display for Savings {
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
            let Savings {
                recomputed, saved, ..
            } = self;
            let more = 100.0 * (self.work - 1.0);
            write!(
                f,
                "; {recomputed} of {saved} saved values are computed again, "
            )?;
            write!(f, "{more:.0}% more work")?;
        }
        if self.streamed {
            write!(f, "; the data is handed over batch by batch")?;
        }
        if let Some(samples) = self.validation {
            write!(f, "; validation in batches of {samples}")?;
        }
        Ok(())
    }
}

/// Of the plans that compute more and more again, those that tell how much could be spared.
const SOME: usize = 8;

/// A training that has been planned.
pub(super) struct Chosen {
    pub planned: Planned,
    pub work: Work,
    /// Where there is a limit.
    pub savings: Option<Savings>,
}

/// Plans a training within a limit, where there is one. `work` is what it runs where it need spare nothing.
pub(super) fn choose(trainer: &mut Trainer, work: &Work, limit: Option<u64>) -> Result<Chosen> {
    let before = trainer.recipe.parts;
    let chosen = match limit {
        None => as_it_is(trainer, work),
        Some(limit) => Search::new(limit).run(trainer, work),
    };
    if chosen.is_err() {
        trainer.split_batches(before)?;
    }
    chosen
}

/// In how many parts a batch can be trained, where the training stands.
fn parts<'a>(trainer: &Trainer, work: &'a Work) -> impl Iterator<Item = u64> + use<'a> {
    let position = (trainer.position.batch, trainer.position.parts.max(1));
    let divides = move |parts: &u64| (work.batch as u64).is_multiple_of(*parts);
    // What was done of the epoch must be a number of parts.
    let goes_on = move |parts: &u64| (position.0 * parts).is_multiple_of(position.1);
    (1..=work.batch as u64).filter(divides).filter(goes_on)
}

fn as_it_is(trainer: &mut Trainer, work: &Work) -> Result<Chosen> {
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
        .plan(&work.wanted(), Thrift::NONE)?;
    Ok(Chosen {
        planned,
        work,
        savings: None,
    })
}

struct Search {
    limit: u64,
    /// Bytes without a limit, once that was planned; none where the device could not hold it.
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

    fn run(mut self, trainer: &mut Trainer, work: &Work) -> Result<Chosen> {
        for parts in parts(trainer, work) {
            trainer.split_batches(parts)?;
            let work = work.in_parts(parts);
            if let Some(chosen) = self.in_parts(trainer.planner(&work.sets), &work)? {
                return Ok(chosen);
            }
        }
        Err(Error::Limit {
            what: "a training that spares all that it can (bytes)".to_string(),
            needed: self.least,
            available: self.limit,
            device: "the memory limit".to_string(),
            hint: "a smaller model would fit, or activations of 16 bits".to_string(),
        })
    }

    fn in_parts(&mut self, planner: Planner, work: &Work) -> Result<Option<Chosen>> {
        let resident = Candidates::new(planner, work, false)?;
        let streamed = match resident.on_device {
            true => Some(Candidates::new(planner, work, true)?),
            false => None,
        };
        // Nothing makes room for variables that do not fit by themselves; a few plans say what would.
        let sparing = streamed.as_ref().unwrap_or(&resident);
        if sparing.layout.bytes() > self.limit {
            for thrift in sparing.thrifts(0..=Thrift::PARTS).step_by(SOME) {
                let step = sparing.step(planner, thrift)?;
                self.least = self.least.min(step.map_or(u64::MAX, |(bytes, _)| bytes));
            }
            return Ok(None);
        }
        // First what computes nothing again, then what computes more and more.
        for again in [0..=0, 1..=Thrift::PARTS] {
            for candidates in [Some(&resident), streamed.as_ref()].into_iter().flatten() {
                for thrift in candidates.thrifts(again.clone()) {
                    let chosen = self.fit((planner, candidates), thrift, work.clone())?;
                    if chosen.is_some() {
                        return Ok(chosen);
                    }
                }
            }
        }
        Ok(None)
    }

    /// The plans of a training that spares so much, where they fit.
    fn fit(
        &mut self,
        (planner, candidates): (Planner, &Candidates),
        thrift: Thrift,
        mut work: Work,
    ) -> Result<Option<Chosen>> {
        let step = candidates.step(planner, thrift)?;
        self.least = self.least.min(step.map_or(u64::MAX, |(bytes, _)| bytes));
        let before = work.evaluation;
        if self.unlimited.is_some() && step.is_none_or(|(bytes, _)| bytes > self.limit) {
            return Ok(None);
        }
        loop {
            let planned = fits_device(planner.plan(&work.wanted(), thrift))?;
            let bytes = planned.as_ref().map(|planned| planned.program.bytes());
            let unlimited = *self.unlimited.get_or_insert(bytes);
            if let (Some(planned), Some(bytes), Some((_, flops))) = (planned, bytes, step)
                && bytes <= self.limit
            {
                let saved = candidates.steps.saved.len();
                let savings = Savings {
                    limit: self.limit,
                    bytes,
                    unlimited,
                    streamed: thrift.streamed,
                    recomputed: thrift.share(saved),
                    saved,
                    work: flops / candidates.flops.max(1.0),
                    parts: work.parts,
                    validation: (work.evaluation < before).then_some(work.evaluation),
                };
                return Ok(Some(Chosen {
                    planned,
                    work,
                    savings: Some(savings),
                }));
            }
            // A validation's batches may be any smaller.
            match work.with_smaller_evaluation() {
                Some(smaller) => work = smaller,
                None => return Ok(None),
            }
        }
    }
}

/// A step that computes less or more again.
struct Candidates {
    steps: Steps,
    layout: Layout,
    streamed: bool,
    /// Whether a data set lies on the device.
    on_device: bool,
    /// Floating-point operations where nothing is computed again.
    flops: f64,
}

impl Candidates {
    fn new(planner: Planner, work: &Work, streamed: bool) -> Result<Self> {
        let (steps, layout) = planner.steps(&work.wanted(), streamed)?;
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
        let plain = candidates.thrifts(0..=0).next();
        let plain = plain.map(|thrift| candidates.step(planner, thrift));
        candidates.flops = plain.transpose()?.flatten().map_or(0.0, |(_, flops)| flops);
        Ok(candidates)
    }

    /// Those of a range that compute more again than the one before.
    fn thrifts(&self, again: RangeInclusive<usize>) -> impl Iterator<Item = Thrift> + '_ {
        let thrift = |recomputed| Thrift {
            streamed: self.streamed,
            recomputed,
        };
        let share = move |recomputed| thrift(recomputed).share(self.steps.saved.len());
        again
            .filter(move |&r| r == 0 || share(r) > share(r - 1))
            .map(thrift)
    }

    /// Bytes and floating-point operations of a step; none where the device cannot hold it.
    fn step(&self, planner: Planner, thrift: Thrift) -> Result<Option<(u64, f64)>> {
        let graph = self.steps.graph(thrift)?;
        let plan = fits_device(planner.lower(&graph, &self.layout))?;
        Ok(plan.map(|plan| {
            let cost = plan.cost(&self.layout);
            (cost.bytes, cost.flops)
        }))
    }
}

/// `None` where the device cannot hold it: something smaller may fit.
fn fits_device<T>(planned: Result<T>) -> Result<Option<T>> {
    match planned {
        Ok(planned) => Ok(Some(planned)),
        Err(Error::Limit { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
