//! Horizontal fusion: runs the small dispatches of a concurrent group as one.
//!
//! A dispatch has a fixed cost of 25 to 45 microseconds on a software adapter, and a few on a GPU.
//! A step of a small network has a dozen dispatches, half of them independent of each other
//! ([`Plan::concurrent`]). Fused into one kernel they give the same bits, but each fused kernel
//! must be compiled. So training begins without fusion. The executor fuses when a plan has run for
//! a while and the caller waits for it. It keeps the separate dispatches if the fused kernel gives
//! different bits.

use std::ops::Range;
use std::time::Instant;

use crate::Result;
use crate::exec::Counters;
use crate::kernel::{Kernel, KernelLimits, fuse_horizontally};
use crate::plan::{Dispatch, Plan, Step};

use crate::exec::gpu::compile::prepare::{PreparedDispatch, is_empty};
use crate::exec::gpu::executor::{GpuExecutor, PreparedPlan, get};
use crate::exec::gpu::memory::buffers::Uniforms;
use crate::exec::gpu::tune::benchmark::Benchmark;
use crate::exec::gpu::tune::tuner::is_dead_between_runs;

/// Fusion must save at least one in this many of a plan's dispatches.
const MIN_SAVED_SHARE: usize = 8;

/// By step of a plan: the dispatches to run. The first step of a fused group has those of the whole
/// group.
pub(in crate::exec::gpu) type FusedSteps = Vec<Vec<PreparedDispatch>>;

impl GpuExecutor {
    /// Fuses the concurrent groups of plans that run often. A group that cannot be fused keeps its
    /// dispatches.
    pub(in crate::exec::gpu) fn fuse_concurrent_steps(&mut self) {
        let now = Instant::now();
        for plan in 0..self.plans.len() {
            let due = |r: &PreparedPlan| r.fused.is_none() && self.tuner.is_settled(r.runs, now);
            if !self.plans.get(plan).is_some_and(due) {
                continue;
            }
            let fused = self.fuse_plan(plan).unwrap_or_else(|error| {
                log::debug!("fusing dispatches of plan {plan}: {error}");
                None
            });
            if let Some(prepared) = self.plans.get_mut(plan) {
                prepared.fused = Some(fused.unwrap_or_else(|| prepared.steps.clone()));
            }
        }
    }

    /// Returns the current number of dispatches of a run of plan `plan`.
    pub fn dispatches(&self, plan: usize) -> usize {
        let steps = self
            .plans
            .get(plan)
            .map(|prepared| prepared.fused.as_ref().unwrap_or(&prepared.steps));
        steps.map_or(0, |steps| steps.iter().map(Vec::len).sum())
    }

    /// Returns the dispatches of a plan with its concurrent groups fused, if that saves enough.
    fn fuse_plan(&mut self, plan: usize) -> Result<Option<FusedSteps>> {
        let planned = get(&self.program.plans, plan, "plan")?.clone();
        let prepared = get(&self.plans, plan, "plan")?;
        let mut fused = prepared.steps.clone();
        let groups = groups(&planned, prepared, &self.device.kernel_limits());
        let before: usize = fused.iter().map(Vec::len).sum();
        let saved: usize = groups.iter().map(FusedGroup::saved).sum();
        if saved * MIN_SAVED_SHARE < before || saved == 0 {
            return Ok(None);
        }
        // Runs in flight must end first.
        self.collect(true)?;
        for group in groups {
            // A fused kernel has its own parameter struct, which is not in the program's uniforms.
            let kernels = group.dispatches.iter().map(|d| &d.kernel);
            let uniforms = Uniforms::of(&self.device, kernels, &mut Counters::default())?;
            let new = self.prepare_uncounted(plan, &uniforms, &group.dispatches)?;
            let mut apart = Vec::new();
            for step in group.steps.clone() {
                apart.extend(fused.get_mut(step).map(std::mem::take).unwrap_or_default());
            }
            let same = self.gives_the_same(plan, &planned, &group.steps, &apart, &new)?;
            if let Some(first) = fused.get_mut(group.steps.start) {
                *first = if same { new } else { apart };
            }
        }
        let after: usize = fused.iter().map(Vec::len).sum();
        log::debug!("plan {plan}: fused {before} dispatches into {after}");
        Ok(Some(fused))
    }

    /// Returns whether the fused dispatches give the same bits as the separate ones.
    fn gives_the_same(
        &mut self,
        plan: usize,
        planned: &Plan,
        steps: &Range<usize>,
        apart: &[PreparedDispatch],
        fused: &[PreparedDispatch],
    ) -> Result<bool> {
        let Some((first, others)) = planned
            .steps
            .get(steps.clone())
            .and_then(<[Step]>::split_first)
        else {
            return Ok(false);
        };
        let mut group = first.clone();
        for step in others {
            group.reads.extend(&step.reads);
            group.writes.extend(&step.writes);
        }
        let mut benchmark = Benchmark {
            device: &self.device,
            program: &self.program,
            buffers: &self.buffers,
            transfer: &mut self.transfer,
            counters: &mut self.counters,
        };
        let same = benchmark.gives_same_bits(plan, &group, apart, fused)?;
        if !same {
            let (name, label) = (self.device.name(), &group.label);
            log::warn!(
                "{name}: {label} and the steps fused with it give different bits than separate dispatches"
            );
        }
        Ok(same)
    }
}

/// The fused dispatches of a concurrent group, which run in place of its first step.
struct FusedGroup {
    steps: Range<usize>,
    dispatches: Vec<Dispatch>,
    /// The number of dispatches before fusion.
    instead_of: usize,
}

impl FusedGroup {
    fn saved(&self) -> usize {
        self.instead_of.saturating_sub(self.dispatches.len())
    }
}

/// Returns the concurrent groups in which fusion saves a dispatch.
fn groups(plan: &Plan, prepared: &PreparedPlan, limits: &KernelLimits) -> Vec<FusedGroup> {
    let chosen = |step: usize| -> &[Dispatch] {
        let (Some(of), Some(&variant)) = (plan.steps.get(step), prepared.variants.get(step)) else {
            return &[];
        };
        match of.variants.get(variant) {
            Some(dispatches) if !is_empty(plan, of) => dispatches,
            _ => &[],
        }
    };
    let group = |steps: &Range<usize>| {
        let lists: Vec<&[Dispatch]> = steps.clone().map(chosen).collect();
        let instead_of = lists.iter().map(|l| l.len()).sum();
        let longest = lists.iter().map(|l| l.len()).max().unwrap_or(0);
        // The dispatches of a step keep their order: each round takes the next one of every step.
        let rounds = (0..longest).flat_map(|round| {
            let round: Vec<&Dispatch> = lists.iter().filter_map(|l| l.get(round)).collect();
            packed(&round, limits)
        });
        FusedGroup {
            steps: steps.clone(),
            dispatches: rounds.collect(),
            instead_of,
        }
    };
    // A step that cannot be computed between two runs cannot be compared either.
    let can = |steps: &&Range<usize>| {
        let mut of_group = plan.steps.get((*steps).clone()).into_iter().flatten();
        of_group.all(|step| is_dead_between_runs(plan, step))
    };
    let groups = plan.concurrent.iter().filter(can).map(group);
    groups.filter(|t| t.saved() > 0).collect()
}

/// Fuses independent dispatches greedily, each into the first kernel that can take it.
fn packed(dispatches: &[&Dispatch], limits: &KernelLimits) -> Vec<Dispatch> {
    let mut packed: Vec<(Vec<&Dispatch>, Dispatch)> = Vec::new();
    for &dispatch in dispatches {
        let open = packed.iter_mut().find_map(|(members, fused)| {
            let mut more = members.clone();
            more.push(dispatch);
            fuse_dispatches(&more, limits).map(|new| (members, fused, new))
        });
        match open {
            Some((members, fused, new)) => {
                members.push(dispatch);
                *fused = new;
            }
            None => packed.push((vec![dispatch], dispatch.clone())),
        }
    }
    packed.into_iter().map(|(_, fused)| fused).collect()
}

fn fuse_dispatches(dispatches: &[&Dispatch], limits: &KernelLimits) -> Option<Dispatch> {
    let slots: Vec<_> = dispatches.iter().flat_map(|d| d.slots.clone()).collect();
    let kernels: Vec<&Kernel> = dispatches.iter().map(|d| &d.kernel).collect();
    let kernel = fuse_horizontally(&kernels, limits)?;
    Some(Dispatch { kernel, slots })
}
