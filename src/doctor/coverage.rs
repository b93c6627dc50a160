//! The coverage of a trial, computed from its plan without compiling kernels.

use std::collections::{BTreeMap, HashSet};

use crate::graph::Phase;
use crate::kernel::KernelLimits;
use crate::plan::{Dispatch, Layout, Step, plan};

use super::trial::Trial;

/// An item that the doctor must run at least once.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) enum CoverageItem {
    /// An op in a phase; `None` if the trial has no steps.
    Op(String, Option<Phase>),
    /// The first variant of a step: its kind, and its shader files in order, including libraries.
    /// The kind of an elementwise chain is its functions. The kind of another kernel is its op
    /// alone, because the functions of its epilogue come from the emitter of elementwise chains.
    Step(String, Vec<&'static str>),
    /// The kernels of a variant, in order.
    Kernels(Vec<&'static str>),
    /// The kernels that only the first variant has, and those that another variant has in their
    /// place. Their bits are compared.
    Same(Vec<&'static str>, Vec<&'static str>),
    /// A kernel with one of the files from which it is assembled.
    Part(&'static str, &'static str),
}

impl CoverageItem {
    /// Returns what running these kernels covers, in any variant.
    fn of(kernels: &[KernelFiles]) -> HashSet<CoverageItem> {
        let labels = kernels.iter().map(|k| k.label).collect();
        let parts = kernels
            .iter()
            .flat_map(|k| k.files.iter().map(|f| CoverageItem::Part(k.label, f)));
        std::iter::once(CoverageItem::Kernels(labels))
            .chain(parts)
            .collect()
    }

    /// Returns what a further variant covers in addition to the first one.
    fn after(first: &[KernelFiles], kernels: &[KernelFiles]) -> HashSet<CoverageItem> {
        let only = |all: &[KernelFiles], others: &[KernelFiles]| {
            let labels = all.iter().map(|k| k.label);
            let is_other = |l: &&str| others.iter().all(|k| k.label != *l);
            labels.filter(is_other).collect()
        };
        let mut all = CoverageItem::of(kernels);
        all.insert(CoverageItem::Same(
            only(first, kernels),
            only(kernels, first),
        ));
        all
    }
}

/// The coverage of a trial.
#[derive(Default)]
pub(super) struct Coverage {
    /// Items of the first variants that are reasons to run the trial.
    pub always: Vec<CoverageItem>,
    /// Items of the first variants that are no reason to run the trial.
    pub besides: Vec<CoverageItem>,
    /// Items of each further variant, by step and variant.
    pub further: BTreeMap<(usize, usize), Vec<CoverageItem>>,
}

impl Coverage {
    pub(super) fn is_empty(&self) -> bool {
        self.all().next().is_none()
    }

    /// Returns the items that are reasons to run the trial.
    pub(super) fn all(&self) -> impl Iterator<Item = &CoverageItem> {
        self.always.iter().chain(self.further.values().flatten())
    }
}

/// The steps and kernels of a trial.
pub(super) struct TrialPlan {
    steps: Vec<StepPlan>,
    /// The number of elements of the largest step.
    pub elements: usize,
}

impl TrialPlan {
    /// Plans a trial for a device with these limits. Returns `None` if planning fails.
    pub(super) fn of(trial: &Trial, limits: &KernelLimits) -> Option<Self> {
        let (graph, _) = trial.trace().ok()?;
        let plan = plan(&graph, &Layout::new(&graph.variables), limits).ok()?;
        let outputs = |s: &Step| s.outputs.first().map(|(id, _)| plan.graph.node(*id));
        let elements = |s: &Step| outputs(s).map_or(0, |node| node.meta.shape.len());
        let steps = plan.steps.iter().enumerate().map(|(at, step)| StepPlan {
            at,
            phase: outputs(step).map(|node| node.phase),
            kind: match step.anchor {
                Some(op) => plan.graph.node(op).op.name().to_string(),
                None => step.label.clone(),
            },
            variants: step.variants.iter().map(|v| kernels(v)).collect(),
        });
        Some(TrialPlan {
            steps: steps.collect(),
            elements: plan.steps.iter().map(elements).max().unwrap_or(0),
        })
    }

    /// Returns the coverage of running the trial with all variants.
    pub(super) fn coverage(&self, op: &str) -> Coverage {
        let (mut always, mut besides) = (HashSet::new(), HashSet::new());
        let mut further = BTreeMap::new();
        if self.steps.is_empty() {
            always.insert(CoverageItem::Op(op.to_string(), None));
        }
        for step in &self.steps {
            always.insert(CoverageItem::Op(op.to_string(), step.phase));
            let Some((first, others)) = step.variants.split_first() else {
                continue;
            };
            let files = first.iter().flat_map(|k| k.files.iter().copied());
            always.insert(CoverageItem::Step(step.kind.clone(), files.collect()));
            besides.extend(CoverageItem::of(first));
            for (i, kernels) in (1..).zip(others) {
                let all = CoverageItem::after(first, kernels);
                further.insert((step.at, i), all.into_iter().collect());
            }
        }
        Coverage {
            always: always.into_iter().collect(),
            besides: besides.into_iter().collect(),
            further,
        }
    }
}

struct StepPlan {
    at: usize,
    phase: Option<Phase>,
    /// See [`CoverageItem::Step`].
    kind: String,
    variants: Vec<Vec<KernelFiles>>,
}

struct KernelFiles {
    label: &'static str,
    files: Vec<&'static str>,
}

fn kernels(dispatches: &[Dispatch]) -> Vec<KernelFiles> {
    let kernels = dispatches.iter().map(|d| &d.kernel);
    let kernels = kernels.map(|kernel| KernelFiles {
        label: kernel.label,
        files: kernel.parts.iter().map(|part| part.file).collect(),
    });
    kernels.collect()
}
