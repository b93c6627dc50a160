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
//! after each other, or where one of them has a part that it has not been joined with: each tile with each
//! part, but not with each set of parts.
//!
//! An op's trials are looked at in the order of what they say: from the smallest with more than [`ENOUGH`]
//! elements in a step upwards, then from the largest of the others downwards. At last those are left out, the
//! largest first, that show nothing which others do not show as well.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap, HashSet};

use crate::graph::Phase;
use crate::kernel::KernelLimits;
use crate::plan::{Dispatch, Layout, Step, plan};

use super::trial::Trial;

/// More elements than this take several workgroups of most kernels. Of the cases' sizes, the first above
/// it is a prime, 1009, which no vector and no workgroup divides.
const ENOUGH: usize = 1000;

/// What is to be run once.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Once {
    /// An op in a phase; in none where nothing is computed.
    Op(String, Option<Phase>),
    /// A step by its first variant: what it is made of, and the shader files in order, with those of the
    /// libraries they use. A chain on its own is made of its functions. A kernel is made of its op, whatever
    /// functions of these libraries follow: they come from the same emitter as in a chain on its own.
    Step(String, Vec<&'static str>),
    /// A further variant's kernels, one after the other.
    Kernels(Vec<&'static str>),
    /// One of its kernels, with one of the files it is put together from.
    Part(&'static str, &'static str),
}

impl Once {
    /// What running a variant of a step shows.
    fn of(step: &StepSketch, variant: usize, kernels: &[KernelSketch]) -> Vec<Once> {
        if variant == 0 {
            let files = kernels.iter().flat_map(|k| k.files.iter().copied());
            return vec![Once::Step(step.kind.clone(), files.collect())];
        }
        let labels = kernels.iter().map(|k| k.label).collect();
        let parts = kernels
            .iter()
            .flat_map(|k| k.files.iter().map(|f| Once::Part(k.label, f)));
        std::iter::once(Once::Kernels(labels))
            .chain(parts)
            .collect()
    }
}

/// The trials to run, in order, each with the variants to run: see the module's words.
pub(super) fn choose(mut all: Vec<Trial>, limits: &KernelLimits) -> Vec<Trial> {
    let sketches: Vec<Option<Sketch>> = all.iter().map(|t| sketch(t, limits)).collect();
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
    let mut shown: HashMap<Once, usize> = HashMap::new();
    let mut shows: Vec<Option<Vec<Once>>> = (0..all.len()).map(|_| None).collect();
    for &(_, at) in &order {
        let (Some(trial), Some(place)) = (all.get_mut(at), shows.get_mut(at)) else {
            continue;
        };
        // What does not even become a plan is run: that says why.
        let Some(Some(sketch)) = sketches.get(at) else {
            *place = Some(Vec::new());
            continue;
        };
        let (always, further) = sketch.shows(&trial.op);
        let is_new = |once: &Once| !shown.contains_key(once);
        let mut variants = BTreeSet::new();
        let mut run: Vec<Once> = Vec::new();
        for (variant, once) in further {
            if is_new(&once) && !run.contains(&once) {
                variants.insert(variant);
                run.push(once);
            }
        }
        if !run.is_empty() || always.iter().any(is_new) {
            run.extend(always);
            run.iter()
                .for_each(|once| *shown.entry(once.clone()).or_default() += 1);
            *place = Some(run);
        }
        trial.variants = Some(variants);
    }
    order.sort_by_key(|&(_, at)| Reverse(elements(at)));
    for (_, at) in order {
        let Some(place) = shows.get_mut(at) else {
            continue;
        };
        let Some(run) = place.as_ref().filter(|run| !run.is_empty()) else {
            continue;
        };
        if run
            .iter()
            .all(|once| shown.get(once).is_some_and(|n| *n > 1))
        {
            for once in run {
                if let Some(n) = shown.get_mut(once) {
                    *n -= 1;
                }
            }
            *place = None;
        }
    }
    let chosen = all.into_iter().zip(shows);
    let chosen = chosen.filter_map(|(trial, shows)| shows.map(|_| trial));
    chosen.collect()
}

/// What a trial would run.
struct Sketch {
    steps: Vec<StepSketch>,
    /// Of the step with the most.
    elements: usize,
}

impl Sketch {
    /// What running the first variants shows, each thing once; and what each of the further ones does.
    fn shows(&self, op: &str) -> (HashSet<Once>, Vec<((usize, usize), Once)>) {
        let (mut always, mut further) = (HashSet::new(), Vec::new());
        if self.steps.is_empty() {
            always.insert(Once::Op(op.to_string(), None));
        }
        for step in &self.steps {
            always.insert(Once::Op(op.to_string(), step.phase));
            for (i, kernels) in step.variants.iter().enumerate() {
                let all = Once::of(step, i, kernels);
                match i {
                    0 => always.extend(all),
                    _ => further.extend(all.into_iter().map(|once| ((step.at, i), once))),
                }
            }
        }
        (always, further)
    }
}

struct StepSketch {
    at: usize,
    phase: Option<Phase>,
    /// See [`Once::Step`].
    kind: String,
    variants: Vec<Vec<KernelSketch>>,
}

struct KernelSketch {
    label: &'static str,
    files: Vec<&'static str>,
}

fn sketch(trial: &Trial, limits: &KernelLimits) -> Option<Sketch> {
    let (graph, _) = trial.trace().ok()?;
    let plan = plan(&graph, &Layout::new(&graph.variables), limits).ok()?;
    let outputs = |s: &Step| s.outputs.first().map(|(id, _)| plan.graph.node(*id));
    let elements = |s: &Step| outputs(s).map_or(0, |node| node.meta.shape.len());
    let steps = plan.steps.iter().enumerate().map(|(at, step)| StepSketch {
        at,
        phase: outputs(step).map(|node| node.phase),
        kind: match step.anchor {
            Some(op) => plan.graph.node(op).op.name().to_string(),
            None => step.label.clone(),
        },
        variants: step.variants.iter().map(|v| kernels(v)).collect(),
    });
    Some(Sketch {
        steps: steps.collect(),
        elements: plan.steps.iter().map(elements).max().unwrap_or(0),
    })
}

fn kernels(dispatches: &[Dispatch]) -> Vec<KernelSketch> {
    let kernels = dispatches.iter().map(|d| &d.kernel);
    let kernels = kernels.map(|kernel| KernelSketch {
        label: kernel.label,
        files: kernel.parts.iter().map(|part| part.file).collect(),
    });
    kernels.collect()
}
