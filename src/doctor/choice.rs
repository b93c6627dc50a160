//! Which trials are run where not all are.
//!
//! Nearly all the time goes into compiling kernels, and most trials differ in their sizes alone. So a
//! trial is run where it has
//!
//! - an op in a phase (forward, backward, update) that none before it has, or
//! - a step that none before it has, of whatever op: in another phase, made of other functions, or with
//!   other shader files.
//!
//! The further variants of a step, which give the same bits, are run where none before them was the same
//! variant with the same shader files. An op's trials are looked at in the order of what they say: from
//! the smallest with more than [`ENOUGH`] elements in a step upwards, then from the largest of the
//! others downwards.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashSet};

use crate::graph::Phase;
use crate::kernel::KernelLimits;
use crate::plan::{Dispatch, Layout, Step, plan};

use super::trial::Trial;

/// More elements than this take several workgroups of most kernels. Of the cases' sizes, the first above
/// it is a prime, 1009, which no vector and no workgroup divides.
const ENOUGH: usize = 1000;

/// What is to be run once.
#[derive(PartialEq, Eq, Hash)]
enum Once {
    /// An op in a phase; in none where nothing is computed.
    Op(String, Option<Phase>),
    /// A step by its first variant: the functions of the chain or the op, and the shader files in order,
    /// with those of the libraries they use.
    Step(Option<Phase>, String, Vec<&'static str>),
    /// A further variant.
    Variant(usize, Vec<&'static str>),
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
    let mut seen: HashSet<Once> = HashSet::new();
    let mut chosen: Vec<bool> = vec![false; all.len()];
    for (_, at) in order {
        let (Some(trial), Some(run)) = (all.get_mut(at), chosen.get_mut(at)) else {
            continue;
        };
        // What does not even become a plan is run: that says why.
        let Some(Some(sketch)) = sketches.get(at) else {
            *run = true;
            continue;
        };
        let mut variants = BTreeSet::new();
        *run = sketch.steps.is_empty() && seen.insert(Once::Op(trial.op.clone(), None));
        for step in &sketch.steps {
            *run |= seen.insert(Once::Op(trial.op.clone(), step.phase));
            for (i, files) in step.files.iter().enumerate() {
                let once = match i {
                    0 => Once::Step(step.phase, step.label.clone(), files.clone()),
                    _ => Once::Variant(i, files.clone()),
                };
                if seen.insert(once) {
                    *run = true;
                    variants.insert((step.at, i));
                }
            }
        }
        trial.variants = Some(variants);
    }
    let chosen = all.into_iter().zip(chosen);
    let chosen = chosen.filter_map(|(trial, run)| run.then_some(trial));
    chosen.collect()
}

/// What a trial would run.
struct Sketch {
    steps: Vec<StepSketch>,
    /// Of the step with the most.
    elements: usize,
}

struct StepSketch {
    at: usize,
    phase: Option<Phase>,
    label: String,
    /// By variant.
    files: Vec<Vec<&'static str>>,
}

fn sketch(trial: &Trial, limits: &KernelLimits) -> Option<Sketch> {
    let (graph, _) = trial.trace().ok()?;
    let plan = plan(&graph, &Layout::new(&graph.variables), limits).ok()?;
    let outputs = |s: &Step| s.outputs.first().map(|(id, _)| plan.graph.node(*id));
    let elements = |s: &Step| outputs(s).map_or(0, |node| node.meta.shape.len());
    let steps = plan.steps.iter().enumerate().map(|(at, step)| StepSketch {
        at,
        phase: outputs(step).map(|node| node.phase),
        label: step.label.clone(),
        files: step.variants.iter().map(|v| files(v)).collect(),
    });
    Some(Sketch {
        steps: steps.collect(),
        elements: plan.steps.iter().map(elements).max().unwrap_or(0),
    })
}

fn files(dispatches: &[Dispatch]) -> Vec<&'static str> {
    let parts = dispatches.iter().flat_map(|d| &d.kernel.parts);
    parts.map(|part| part.file).collect()
}
