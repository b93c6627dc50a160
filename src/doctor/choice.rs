//! Which trials are run where not all are.
//!
//! Nearly all the time goes into compiling kernels, and most trials differ in their sizes alone. So a
//! trial is run where it has
//!
//! - an op in a phase (forward, backward, update) that none before it has, or
//! - a kind of step that none before it has, of whatever op and in whatever phase: see [`Once::Step`].
//!
//! The further variants of a step give the same bits as the first, by a kernel of their own that is joined
//! with the same parts: what loads its matrices, what becomes of its results. Tiles and parts know nothing
//! of each other but the functions between them. So a variant is run where its kernels have not yet been run
//! after each other, where their bits have not been compared with those of the first variant's kernels, or
//! where one of them has a part that it has not been joined with: each tile with each part, but not with each
//! set of parts. Where a step's first variant shows that, here or in another trial, it need not be shown again.
//!
//! An op's trials are looked at in the order of what they say: from the smallest with more than [`ENOUGH`]
//! elements in a step upwards, then from the largest of the others downwards. At last those are left out, the
//! largest first, that show nothing which others do not show as well: first whole trials, then variants.

use std::cmp::Reverse;
use std::collections::HashMap;

use crate::kernel::KernelLimits;

use super::sketch::{Once, Shows, Sketch};
use super::trial::Trial;

/// More elements than this take several workgroups of most kernels. Of the cases' sizes, the first above
/// it is a prime, 1009, which no vector and no workgroup divides.
const ENOUGH: usize = 1000;

/// The trials to run, in order, each with the variants to run: see the module's words.
pub(super) fn choose(all: Vec<Trial>, limits: &KernelLimits) -> Vec<Trial> {
    let sketches: Vec<Option<Sketch>> = all.iter().map(|t| Sketch::of(t, limits)).collect();
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
        let sketch = sketches.get(at).and_then(Option::as_ref);
        sketch.map_or(0, |s| s.elements)
    };
    order.sort_by_key(|&(op, at)| match elements(at) {
        n if n > ENOUGH => (op, false, n, Reverse(0)),
        n => (op, true, 0, Reverse(n)),
    });
    let mut shown = Shown::default();
    let mut shows: Vec<Option<Shows>> = (0..all.len()).map(|_| None).collect();
    for &(_, at) in &order {
        let (Some(trial), Some(place)) = (all.get(at), shows.get_mut(at)) else {
            continue;
        };
        // What does not even become a plan is run: that says why.
        let Some(Some(sketch)) = sketches.get(at) else {
            *place = Some(Shows::default());
            continue;
        };
        let mut run = sketch.shows(&trial.op);
        run.further.retain(|_, all| shown.add_new(all));
        if !run.further.is_empty() || run.always.iter().any(|once| shown.is_new(once)) {
            shown.add(&run.always);
            *place = Some(run);
        }
    }
    order.sort_by_key(|&(_, at)| Reverse(elements(at)));
    for &(_, at) in &order {
        // A trial that does not become a plan shows nothing, and stays.
        let idle = |run: &Shows| !run.is_empty() && shown.take_away(run.all());
        if let Some(place) = shows.get_mut(at)
            && place.as_ref().is_some_and(idle)
        {
            *place = None;
        }
    }
    // First variants run in any case, and most kernels are the first one somewhere.
    for run in shows.iter().flatten() {
        shown.add(&run.besides);
    }
    for &(_, at) in &order {
        if let Some(Some(run)) = shows.get_mut(at) {
            run.further.retain(|_, all| !shown.take_away(&*all));
        }
    }
    let chosen = all.into_iter().zip(shows);
    let chosen = chosen.filter_map(|(mut trial, run)| {
        trial.variants = Some(run?.further.into_keys().collect());
        Some(trial)
    });
    chosen.collect()
}

/// How often each thing is shown by what is to be run.
#[derive(Default)]
struct Shown(HashMap<Once, usize>);

impl Shown {
    fn is_new(&self, once: &Once) -> bool {
        !self.0.contains_key(once)
    }

    fn add(&mut self, all: &[Once]) {
        for once in all {
            *self.0.entry(once.clone()).or_default() += 1;
        }
    }

    /// Adds all of them where one is new.
    fn add_new(&mut self, all: &[Once]) -> bool {
        let new = all.iter().any(|once| self.is_new(once));
        if new {
            self.add(all);
        }
        new
    }

    /// Takes all of them away where something else shows each as well; says whether it did.
    fn take_away<'a>(&mut self, all: impl IntoIterator<Item = &'a Once>) -> bool {
        let mut own: HashMap<&Once, usize> = HashMap::new();
        for once in all {
            *own.entry(once).or_default() += 1;
        }
        let is_left = |(once, own): (&&Once, &usize)| self.0.get(*once).is_some_and(|n| n > own);
        if !own.iter().all(is_left) {
            return false;
        }
        for (once, own) in own {
            if let Some(n) = self.0.get_mut(once) {
                *n -= own;
            }
        }
        true
    }
}
