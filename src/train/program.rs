//! Planning: from a training specification and data sets to the plans of a session. Allocates and
//! compiles nothing.

use std::sync::Arc;

use crate::data::Dataset;
use crate::device::Device;
use crate::exec::Program;
use crate::graph::{Graph, NodeId, Variable};
use crate::passes::{recompute, saved, simplify};
use crate::plan::{Layout, Plan, plan};
use crate::{Error, Result};

use super::feed::Feed;
use super::spec::{DataSpec, TrainSpec};
use super::trace::{Purpose, trace};

/// Identifies a plan: its purpose, its batch size and its data set, by index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PlanKey {
    pub purpose: Purpose,
    pub batch: usize,
    pub set: usize,
}

/// How plans save memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MemoryStrategy {
    /// Streams data sets batch by batch, even where they fit on the device.
    pub streamed: bool,
    /// The fraction of a step's saved values that is recomputed, in units of 1 /
    /// [`MemoryStrategy::PARTS`].
    pub recomputed: usize,
}

impl MemoryStrategy {
    /// Saves no memory.
    pub const NONE: MemoryStrategy = MemoryStrategy {
        streamed: false,
        recomputed: 0,
    };

    /// The number of units that all saved values are divided into.
    pub const PARTS: usize = 64;

    /// Returns the number of `values` that are recomputed.
    pub fn share(self, values: usize) -> usize {
        (values * self.recomputed).div_ceil(Self::PARTS)
    }
}

/// Creates plans.
#[derive(Clone, Copy)]
pub(super) struct Planner<'a> {
    pub device: &'a Device,
    pub train_spec: &'a TrainSpec,
    pub spec: &'a DataSpec,
    pub variables: &'a [Variable],
    pub bound: &'a [u64],
    pub sets: &'a [(String, Dataset)],
}

/// The plans of a session, before it is opened.
pub(super) struct Planned {
    pub program: Program,
    pub keys: Vec<PlanKey>,
    pub strategy: MemoryStrategy,
    /// By data set.
    pub feeds: Vec<Feed>,
}

impl Planner<'_> {
    /// Creates the plans, and checks them against the device's limits.
    pub fn plan(&self, keys: &[PlanKey], strategy: MemoryStrategy) -> Result<Planned> {
        let predicts = keys.iter().any(|w| w.purpose == Purpose::Predict);
        let (feeds, variables) = self.feeds(keys, predicts || strategy.streamed);
        let layout = Layout::new(&variables);
        let mut plans = Vec::with_capacity(keys.len());
        for key in keys {
            let graph = self.trace(*key, &feeds, &variables)?;
            let graph = match key.purpose {
                Purpose::Train | Purpose::Accumulate if strategy.recomputed > 0 => {
                    Steps::new(&graph)?.graph(strategy)?
                }
                _ => graph,
            };
            plans.push(Arc::new(self.lower(&graph, &layout)?));
        }
        let program = Program {
            layout: Arc::new(layout),
            plans,
        };
        Ok(Planned {
            program,
            keys: keys.to_vec(),
            strategy,
            feeds,
        })
    }

    /// Returns the graph of the first of these plans, a training step, and the layout of all
    /// variables.
    pub fn steps(&self, keys: &[PlanKey], streamed: bool) -> Result<(Steps, Layout)> {
        let none = || Error::internal("planning", "a training without a step");
        let first = *keys.first().ok_or_else(none)?;
        let (feeds, variables) = self.feeds(keys, streamed);
        let graph = self.trace(first, &feeds, &variables)?;
        Ok((Steps::new(&graph)?, Layout::new(&variables)))
    }

    /// Returns the plan of a graph.
    pub fn lower(&self, graph: &Graph, layout: &Layout) -> Result<Plan> {
        let limits = self.device.kernel_limits();
        let plan = plan(graph, layout, &limits)?;
        plan.check(layout, &limits, &self.device.name())?;
        Ok(plan)
    }

    /// Returns the source of the batches of each set, and all variables.
    fn feeds(&self, keys: &[PlanKey], streamed: bool) -> (Vec<Feed>, Vec<Variable>) {
        let limits = self.device.kernel_limits();
        let resident = self.device.is_gpu().then_some(&limits);
        let mut variables = self.variables.to_vec();
        let mut feeds = Vec::with_capacity(self.sets.len());
        for (at, (name, set)) in self.sets.iter().enumerate() {
            let batches = keys.iter().filter(|w| w.set == at).map(|w| w.batch);
            let batch = batches.max().unwrap_or(0);
            feeds.push(match streamed {
                true => Feed::Streamed,
                false => Feed::choose(set, self.spec, batch, resident, name, &mut variables),
            });
        }
        (feeds, variables)
    }

    /// Traces the graph of a plan.
    pub fn trace(&self, w: PlanKey, feeds: &[Feed], variables: &[Variable]) -> Result<Graph> {
        let feed = feeds.get(w.set).ok_or_else(|| {
            Error::internal("planning", format!("there is no data set {}", w.set))
        })?;
        let of = (variables, self.bound);
        trace(self.train_spec, w.purpose, self.spec, (feed, w.batch), of)
    }
}

/// The graph of a training step, with the values that may be recomputed.
pub(super) struct Steps {
    graph: Graph,
    /// The values, in the order in which they are best recomputed.
    pub saved: Vec<NodeId>,
}

impl Steps {
    pub fn new(graph: &Graph) -> Result<Self> {
        let graph = simplify(graph)?;
        let saved = saved(&graph);
        Ok(Steps { graph, saved })
    }

    pub fn graph(&self, strategy: MemoryStrategy) -> Result<Graph> {
        let count = strategy.share(self.saved.len());
        recompute(&self.graph, self.saved.get(..count).unwrap_or_default())
    }
}
