//! Joints: the small dispatches of a wave as one.
//!
//! A dispatch has its price, 25 to 45 microseconds where a CPU plays the GPU and some on a GPU, whatever it does. A
//! small network's step is a dozen of them, half of which need nothing of each other ([`Plan::waves`]). Made into one
//! kernel they give the same bits, but each such kernel must be compiled. So a training begins without, and
//! joins what it can once it has run for a while and is waited for; and what gives other bits after all is left as it
//! was.

use std::ops::Range;
use std::time::Instant;

use crate::Result;
use crate::exec::Counters;
use crate::kernel::{Kernel, KernelLimits, join};
use crate::plan::{Dispatch, Plan, Step};

use super::buffers::Uniforms;
use super::executor::{GpuExecutor, Ready, get};
use super::prepare::{Prepared, is_empty};
use super::tuner::is_dead_between_runs;

/// A plan is left alone where joining saves less than one of so many of its dispatches.
const WORTH: usize = 8;

/// By step of a plan: what is run at its turn.
pub(super) type Joined = Vec<Vec<Prepared>>;

impl GpuExecutor {
    /// Joins what can be joined in plans that run often. What cannot be made stays as it is.
    pub(super) fn join_waves(&mut self) {
        let now = Instant::now();
        for plan in 0..self.plans.len() {
            let due = |r: &Ready| r.joined.is_none() && self.tuner.is_settled(r.runs, now);
            if !self.plans.get(plan).is_some_and(due) {
                continue;
            }
            let joined = self.joined(plan).unwrap_or_else(|error| {
                log::debug!("joining dispatches of plan {plan}: {error}");
                None
            });
            if let Some(ready) = self.plans.get_mut(plan) {
                ready.joined = Some(joined.unwrap_or_else(|| ready.steps.clone()));
            }
        }
    }

    /// The dispatches of a run of plan `plan`, as it is run now.
    pub fn dispatches(&self, plan: usize) -> usize {
        let steps = self
            .plans
            .get(plan)
            .map(|ready| ready.joined.as_ref().unwrap_or(&ready.steps));
        steps.map_or(0, |steps| steps.iter().map(Vec::len).sum())
    }

    /// The dispatches of a plan with those of its waves joined, where that is worth it.
    fn joined(&mut self, plan: usize) -> Result<Option<Joined>> {
        let planned = get(&self.program.plans, plan, "plan")?.clone();
        let ready = get(&self.plans, plan, "plan")?;
        let mut joined = ready.steps.clone();
        let turns = turns(&planned, ready, &self.device.kernel_limits());
        let before: usize = joined.iter().map(Vec::len).sum();
        let saved: usize = turns.iter().map(Turn::saved).sum();
        if saved * WORTH < before || saved == 0 {
            return Ok(None);
        }
        // What is under way must not be disturbed.
        self.collect(true)?;
        for turn in turns {
            // Their parameters are put together, so these are others than the program's.
            let kernels = turn.dispatches.iter().map(|d| &d.kernel);
            let uniforms = Uniforms::of(&self.device, kernels, &mut Counters::default())?;
            let new = self.make(plan, &uniforms, &turn.dispatches)?;
            let mut apart = Vec::new();
            for step in turn.steps.clone() {
                apart.extend(joined.get_mut(step).map(std::mem::take).unwrap_or_default());
            }
            let same = self.gives_the_same(plan, &planned, &turn.steps, &apart, &new)?;
            if let Some(first) = joined.get_mut(turn.steps.start) {
                *first = if same { new } else { apart };
            }
        }
        let after: usize = joined.iter().map(Vec::len).sum();
        log::debug!("plan {plan}: {before} dispatches are {after}");
        Ok(Some(joined))
    }

    /// Whether a joint computes the bits that its steps compute one after the other.
    fn gives_the_same(
        &mut self,
        plan: usize,
        planned: &Plan,
        steps: &Range<usize>,
        apart: &[Prepared],
        joint: &[Prepared],
    ) -> Result<bool> {
        let Some((first, others)) = planned
            .steps
            .get(steps.clone())
            .and_then(<[Step]>::split_first)
        else {
            return Ok(false);
        };
        let mut wave = first.clone();
        for step in others {
            wave.reads.extend(&step.reads);
            wave.writes.extend(&step.writes);
        }
        self.draw(plan, &wave)?;
        let want = self.outputs(plan, &wave, &[apart.to_vec()])?;
        let same = self.outputs(plan, &wave, &[joint.to_vec()])? == want;
        if !same {
            let (name, label) = (self.device.name(), &wave.label);
            log::warn!("{name}: {label} and what is joined to it give other bits than apart");
        }
        Ok(same)
    }
}

/// A wave's dispatches, to be run at its first step's turn.
struct Turn {
    steps: Range<usize>,
    dispatches: Vec<Dispatch>,
    /// How many there were.
    instead_of: usize,
}

impl Turn {
    fn saved(&self) -> usize {
        self.instead_of.saturating_sub(self.dispatches.len())
    }
}

/// The waves of which something can be joined.
fn turns(plan: &Plan, ready: &Ready, limits: &KernelLimits) -> Vec<Turn> {
    let chosen = |step: usize| -> &[Dispatch] {
        let (Some(of), Some(&variant)) = (plan.steps.get(step), ready.variants.get(step)) else {
            return &[];
        };
        match of.variants.get(variant) {
            Some(dispatches) if !is_empty(plan, of) => dispatches,
            _ => &[],
        }
    };
    let turn = |steps: &Range<usize>| {
        let lists: Vec<&[Dispatch]> = steps.clone().map(chosen).collect();
        let instead_of = lists.iter().map(|l| l.len()).sum();
        let longest = lists.iter().map(|l| l.len()).max().unwrap_or(0);
        // A step's own dispatches stay in their order: each round takes the next one of every step.
        let rounds = (0..longest).flat_map(|round| {
            let round: Vec<&Dispatch> = lists.iter().filter_map(|l| l.get(round)).collect();
            packed(&round, limits)
        });
        Turn {
            steps: steps.clone(),
            dispatches: rounds.collect(),
            instead_of,
        }
    };
    // What cannot be computed between two runs cannot be compared either.
    let can = |steps: &&Range<usize>| {
        let mut of_wave = plan.steps.get((*steps).clone()).into_iter().flatten();
        of_wave.all(|step| is_dead_between_runs(plan, step))
    };
    let turns = plan.waves.iter().filter(can).map(turn);
    turns.filter(|t| t.saved() > 0).collect()
}

/// Dispatches that may run at once, as few as they can be made into, each taking as many as it can in turn.
fn packed(dispatches: &[&Dispatch], limits: &KernelLimits) -> Vec<Dispatch> {
    let mut packed: Vec<(Vec<&Dispatch>, Dispatch)> = Vec::new();
    for &dispatch in dispatches {
        let open = packed.iter_mut().find_map(|(members, joint)| {
            let mut more = members.clone();
            more.push(dispatch);
            joined(&more, limits).map(|new| (members, joint, new))
        });
        match open {
            Some((members, joint, new)) => {
                members.push(dispatch);
                *joint = new;
            }
            None => packed.push((vec![dispatch], dispatch.clone())),
        }
    }
    packed.into_iter().map(|(_, joint)| joint).collect()
}

fn joined(dispatches: &[&Dispatch], limits: &KernelLimits) -> Option<Dispatch> {
    let slots: Vec<_> = dispatches.iter().flat_map(|d| d.slots.clone()).collect();
    let kernels: Vec<&Kernel> = dispatches.iter().map(|d| &d.kernel).collect();
    let kernel = join(&kernels, limits)?;
    Some(Dispatch { kernel, slots })
}
