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
//! of each other but the functions between them. So a variant is run where two of its kernels have not yet
//! been run after each other, where their bits have not been compared with the first variant's kernels, or
//! where one of them has a part that it has not been joined with: each tile with each part, but not with each
//! set of parts.
//!
//! An op's trials are looked at in the order of what they say: from the smallest with more than [`ENOUGH`]
//! elements in a step upwards, then from the largest of the others downwards. At last those are left out, the
//! largest first, that show nothing which others do not show as well: first whole trials, then variants.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};

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
    /// Two of a further variant's kernels, one after the other.
    Kernels([&'static str; 2]),
    /// Kernels of the first variant and those in their place, to compare the bits.
    Same(Vec<&'static str>, Vec<&'static str>),
    /// One of its kernels, with one of the files it is put together from.
    Part(&'static str, &'static str),
}

impl Once {
    /// What running a step by these kernels shows, whichever variant they are.
    fn of(kernels: &[KernelSketch]) -> HashSet<Once> {
        let pairs = kernels.iter().zip(kernels.iter().skip(1));
        let pairs = pairs.map(|(a, b)| Once::Kernels([a.label, b.label]));
        let parts = kernels
            .iter()
            .flat_map(|k| k.files.iter().map(|f| Once::Part(k.label, f)));
        pairs.chain(parts).collect()
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

/// The trials to run, in order, each with the variants to run: see the module's words.
pub(super) fn choose(all: Vec<Trial>, limits: &KernelLimits) -> Vec<Trial> {
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
        if let Some(place) = shows.get_mut(at)
            && place.as_ref().is_some_and(|run| shown.can_spare(run))
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
            run.further.retain(|_, all| !shown.take_away(all));
        }
    }
    let chosen = all.into_iter().zip(shows);
    let chosen = chosen.filter_map(|(mut trial, run)| {
        trial.variants = Some(run?.further.into_keys().collect());
        Some(trial)
    });
    chosen.collect()
}

/// What running a trial shows.
#[derive(Default)]
struct Shows {
    /// By its first variants.
    always: Vec<Once>,
    /// By these as well, which is no reason to run them.
    besides: Vec<Once>,
    /// By each further variant of a step.
    further: BTreeMap<(usize, usize), Vec<Once>>,
}

impl Shows {
    fn all(&self) -> impl Iterator<Item = &Once> {
        self.always.iter().chain(self.further.values().flatten())
    }
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

    /// Takes away all that a trial shows where each is shown elsewhere as well, but for what it is not run for.
    fn can_spare(&mut self, run: &Shows) -> bool {
        // A trial that does not become a plan shows nothing, and is to say why.
        let all: Vec<Once> = run.all().cloned().collect();
        !all.is_empty() && self.take_away(&all)
    }

    /// Takes all of them away where each is left over.
    fn take_away(&mut self, all: &[Once]) -> bool {
        let mut own: HashMap<&Once, usize> = HashMap::new();
        for once in all {
            *own.entry(once).or_default() += 1;
        }
        let is_left = |(once, own): (&&Once, &usize)| self.0.get(*once).is_some_and(|n| n > own);
        if !own.iter().all(is_left) {
            return false;
        }
        for (once, own) in own {
            self.0.entry(once.clone()).and_modify(|n| *n -= own);
        }
        true
    }
}

/// What a trial would run.
struct Sketch {
    steps: Vec<StepSketch>,
    /// Of the step with the most.
    elements: usize,
}

impl Sketch {
    /// What running it in all variants shows.
    fn shows(&self, op: &str) -> Shows {
        let (mut always, mut besides) = (HashSet::new(), HashSet::new());
        let mut further = BTreeMap::new();
        if self.steps.is_empty() {
            always.insert(Once::Op(op.to_string(), None));
        }
        for step in &self.steps {
            always.insert(Once::Op(op.to_string(), step.phase));
            for (i, kernels) in step.variants.iter().enumerate() {
                if i > 0 {
                    let first = step.variants.first().map_or(&[][..], Vec::as_slice);
                    let all = Once::after(first, kernels);
                    further.insert((step.at, i), all.into_iter().collect());
                    continue;
                }
                let files = kernels.iter().flat_map(|k| k.files.iter().copied());
                always.insert(Once::Step(step.kind.clone(), files.collect()));
                besides.extend(Once::of(kernels));
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
