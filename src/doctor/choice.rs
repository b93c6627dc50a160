//! Chooses the trials that the doctor runs by default.
//!
//! Compiling kernels takes most of the time, and most trials differ only in their sizes. So a trial
//! runs if it has
//!
//! - an op in a phase (forward, backward, update) that no earlier trial has, or
//! - a kind of step that no earlier trial has, for any op and in any phase: see
//!   [`CoverageItem::Step`].
//!
//! The further variants of a step give the same bits as the first one. Their kernels are assembled
//! from the same parts: loaders of matrices, epilogues. Tiles and parts interact only through
//! function calls. So a variant runs in any of these cases:
//!
//! - its sequence of kernels has not run
//! - its bits have not been compared with those of the first variant's kernels
//! - one of its kernels has not been assembled with one of its parts
//!
//! Each tile thus runs with each part, but not with each set of parts. What the first variant of
//! any trial covers is not covered again.
//!
//! The trials of an op are considered in this order: first those with a step of more than
//! [`MULTI_WORKGROUP_ELEMENTS`] elements, from the smallest upwards; then the others, from the
//! largest downwards. At the end, trials that cover nothing that others do not cover are removed,
//! the largest first, and then variants in the same way.

use std::cmp::Reverse;
use std::collections::HashMap;

use crate::kernel::KernelLimits;

use super::coverage::{Coverage, CoverageItem, TrialPlan};
use super::trial::Trial;

/// Steps with more elements take several workgroups in most kernels. The first size of the cases
/// above it is the prime 1009, which is not a multiple of any vector or workgroup.
const MULTI_WORKGROUP_ELEMENTS: usize = 1000;

/// Returns the trials to run, in order, each with the variants to run; see the module's
/// documentation.
pub(super) fn choose(all: Vec<Trial>, limits: &KernelLimits) -> Vec<Trial> {
    let plans: Vec<Option<TrialPlan>> = all.iter().map(|t| TrialPlan::of(t, limits)).collect();
    let mut ops: Vec<String> = Vec::new();
    let mut order: Vec<(usize, usize)> = Vec::new();
    for (at, trial) in all.iter().enumerate() {
        let place = ops.iter().position(|op| *op == trial.op);
        order.push((place.unwrap_or(ops.len()), at));
        if place.is_none() {
            ops.push(trial.op.clone());
        }
    }
    let elements = |at: usize| {
        let plan = plans.get(at).and_then(Option::as_ref);
        plan.map_or(0, |s| s.elements)
    };
    order.sort_by_key(|&(op, at)| match elements(at) {
        n if n > MULTI_WORKGROUP_ELEMENTS => (op, false, n, Reverse(0)),
        n => (op, true, 0, Reverse(n)),
    });
    let mut covered = Covered::default();
    let mut coverages: Vec<Option<Coverage>> = (0..all.len()).map(|_| None).collect();
    for &(_, at) in &order {
        let (Some(trial), Some(place)) = (all.get(at), coverages.get_mut(at)) else {
            continue;
        };
        // A trial whose planning fails runs, so that the report shows the error.
        let Some(Some(plan)) = plans.get(at) else {
            *place = Some(Coverage::default());
            continue;
        };
        let mut run = plan.coverage(&trial.op);
        run.further.retain(|_, all| covered.add_new(all));
        if !run.further.is_empty() || run.always.iter().any(|item| covered.is_new(item)) {
            covered.add(&run.always);
            *place = Some(run);
        }
    }
    order.sort_by_key(|&(_, at)| Reverse(elements(at)));
    for &(_, at) in &order {
        // A trial whose planning fails covers nothing, and is kept.
        let idle = |run: &Coverage| !run.is_empty() && covered.take_away(run.all());
        if let Some(place) = coverages.get_mut(at)
            && place.as_ref().is_some_and(idle)
        {
            *place = None;
        }
    }
    // First variants always run, and most kernels are the first variant of some step.
    for run in coverages.iter().flatten() {
        covered.add(&run.besides);
    }
    for &(_, at) in &order {
        if let Some(Some(run)) = coverages.get_mut(at) {
            run.further.retain(|_, all| !covered.take_away(&*all));
        }
    }
    let chosen = all.into_iter().zip(coverages);
    let chosen = chosen.filter_map(|(mut trial, run)| {
        trial.variants = Some(run?.further.into_keys().collect());
        Some(trial)
    });
    chosen.collect()
}

/// The number of chosen trials that cover each item.
#[derive(Default)]
struct Covered(HashMap<CoverageItem, usize>);

impl Covered {
    fn is_new(&self, item: &CoverageItem) -> bool {
        !self.0.contains_key(item)
    }

    fn add(&mut self, all: &[CoverageItem]) {
        for item in all {
            *self.0.entry(item.clone()).or_default() += 1;
        }
    }

    /// Adds all items if one of them is new. Returns whether it did.
    fn add_new(&mut self, all: &[CoverageItem]) -> bool {
        let new = all.iter().any(|item| self.is_new(item));
        if new {
            self.add(all);
        }
        new
    }

    /// Removes the items if other trials cover each of them too. Returns whether it did.
    fn take_away<'a>(&mut self, all: impl IntoIterator<Item = &'a CoverageItem>) -> bool {
        let mut own: HashMap<&CoverageItem, usize> = HashMap::new();
        for item in all {
            *own.entry(item).or_default() += 1;
        }
        let is_left =
            |(item, own): (&&CoverageItem, &usize)| self.0.get(*item).is_some_and(|n| n > own);
        if !own.iter().all(is_left) {
            return false;
        }
        for (item, own) in own {
            if let Some(n) = self.0.get_mut(item) {
                *n -= own;
            }
        }
        true
    }
}
