//! What running a trial would show, from its plan alone: nothing is compiled.

use std::collections::{BTreeMap, HashSet};

use crate::graph::Phase;
use crate::kernel::KernelLimits;
use crate::plan::{Dispatch, Layout, Step, plan};

use super::trial::Trial;

/// What is to be run once.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) enum Once {
    /// An op in a phase; in none where nothing is computed.
    Op(String, Option<Phase>),
    /// A step by its first variant: what it is made of, and the shader files in order, with those of the
    /// libraries they use. A chain on its own is made of its functions. A kernel is made of its op, whatever
    /// functions of these libraries follow: they come from the same emitter as in a chain on its own.
    Step(String, Vec<&'static str>),
    /// A variant's kernels, one after the other.
    Kernels(Vec<&'static str>),
    /// Kernels that only the first variant has, and those in their place, to compare the bits.
    Same(Vec<&'static str>, Vec<&'static str>),
    /// One of its kernels, with one of the files it is put together from.
    Part(&'static str, &'static str),
}

impl Once {
    /// What running a step by these kernels shows, whichever variant they are.
    fn of(kernels: &[KernelSketch]) -> HashSet<Once> {
        let labels = kernels.iter().map(|k| k.label).collect();
        let parts = kernels
            .iter()
            .flat_map(|k| k.files.iter().map(|f| Once::Part(k.label, f)));
        std::iter::once(Once::Kernels(labels))
            .chain(parts)
            .collect()
    }

    /// What a further variant shows beside the first.
    fn after(first: &[KernelSketch], kernels: &[KernelSketch]) -> HashSet<Once> {
        let only = |all: &[KernelSketch], others: &[KernelSketch]| {
            let labels = all.iter().map(|k| k.label);
            let is_other = |l: &&str| others.iter().all(|k| k.label != *l);
            labels.filter(is_other).collect()
        };
        let mut all = Once::of(kernels);
        all.insert(Once::Same(only(first, kernels), only(kernels, first)));
        all
    }
}

/// What running a trial shows.
#[derive(Default)]
pub(super) struct Shows {
    /// By its first variants.
    pub always: Vec<Once>,
    /// By these as well, which is no reason to run them.
    pub besides: Vec<Once>,
    /// By each further variant of a step.
    pub further: BTreeMap<(usize, usize), Vec<Once>>,
}

impl Shows {
    pub(super) fn is_empty(&self) -> bool {
        self.all().next().is_none()
    }

    /// What it is run for.
    pub(super) fn all(&self) -> impl Iterator<Item = &Once> {
        self.always.iter().chain(self.further.values().flatten())
    }
}

/// What a trial would run.
pub(super) struct Sketch {
    steps: Vec<StepSketch>,
    /// Of the step with the most.
    pub elements: usize,
}

impl Sketch {
    /// Of a trial on a device with these limits; none where it does not become a plan.
    pub(super) fn of(trial: &Trial, limits: &KernelLimits) -> Option<Self> {
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

    /// What running it in all variants shows.
    pub(super) fn shows(&self, op: &str) -> Shows {
        let (mut always, mut besides) = (HashSet::new(), HashSet::new());
        let mut further = BTreeMap::new();
        if self.steps.is_empty() {
            always.insert(Once::Op(op.to_string(), None));
        }
        for step in &self.steps {
            always.insert(Once::Op(op.to_string(), step.phase));
            let Some((first, others)) = step.variants.split_first() else {
                continue;
            };
            let files = first.iter().flat_map(|k| k.files.iter().copied());
            always.insert(Once::Step(step.kind.clone(), files.collect()));
            besides.extend(Once::of(first));
            for (i, kernels) in (1..).zip(others) {
                let all = Once::after(first, kernels);
                further.insert((step.at, i), all.into_iter().collect());
            }
        }
        Shows {
            always: always.into_iter().collect(),
            besides: besides.into_iter().collect(),
            further,
        }
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

fn kernels(dispatches: &[Dispatch]) -> Vec<KernelSketch> {
    let kernels = dispatches.iter().map(|d| &d.kernel);
    let kernels = kernels.map(|kernel| KernelSketch {
        label: kernel.label,
        files: kernel.parts.iter().map(|part| part.file).collect(),
    });
    kernels.collect()
}
