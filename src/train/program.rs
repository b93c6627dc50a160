//! Planning: from a recipe and data sets to the plans of a session. Nothing is allocated or compiled here.

use std::sync::Arc;

use crate::data::Dataset;
use crate::device::Device;
use crate::exec::Program;
use crate::graph::{Graph, NodeId, Variable};
use crate::passes::{recompute, saved, simplify};
use crate::plan::{Layout, Plan, plan};
use crate::{Error, Result};

use super::feed::Feed;
use super::recipe::{DataSpec, Recipe};
use super::trace::{Purpose, trace};

/// One plan to make: what for, for how many samples, from which data set (by index).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub purpose: Purpose,
    pub batch: usize,
    pub set: usize,
}

/// How plans spare memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Thrift {
    /// Data sets are handed over batch by batch, also where they would fit on the device.
    pub streamed: bool,
    /// So many of a step's saved values are computed again, in parts of [`Thrift::PARTS`].
    pub recomputed: usize,
}

impl Thrift {
    /// Spares nothing.
    pub const NONE: Thrift = Thrift {
        streamed: false,
        recomputed: 0,
    };

    /// What all saved values are divided into.
    pub const PARTS: usize = 64;

    /// How many of `values` are computed again.
    pub fn share(self, values: usize) -> usize {
        (values * self.recomputed).div_ceil(Self::PARTS)
    }
}

/// What plans are made from.
#[derive(Clone, Copy)]
pub(super) struct Planner<'a> {
    pub device: &'a Device,
    pub recipe: &'a Recipe,
    pub spec: &'a DataSpec,
    pub variables: &'a [Variable],
    pub bound: &'a [u64],
    pub sets: &'a [(String, Dataset)],
}

/// A session before it is opened.
pub(super) struct Planned {
    pub program: Program,
    pub wanted: Vec<Wanted>,
    pub thrift: Thrift,
    /// By data set.
    pub feeds: Vec<Feed>,
}

impl Planner<'_> {
    /// The plans, checked against the device's limits.
    pub fn plan(&self, wanted: &[Wanted], thrift: Thrift) -> Result<Planned> {
        let predicts = wanted.iter().any(|w| w.purpose == Purpose::Predict);
        let (feeds, variables) = self.feeds(wanted, predicts || thrift.streamed);
        let layout = Layout::new(&variables);
        let mut plans = Vec::with_capacity(wanted.len());
        for w in wanted {
            let graph = self.trace(*w, &feeds, &variables)?;
            let graph = match w.purpose {
                Purpose::Train | Purpose::Accumulate if thrift.recomputed > 0 => {
                    Steps::new(&graph)?.graph(thrift)?
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
            wanted: wanted.to_vec(),
            thrift,
            feeds,
        })
    }

    /// The graph of the first of these plans, a training step, and where all their variables lie.
    pub fn steps(&self, wanted: &[Wanted], streamed: bool) -> Result<(Steps, Layout)> {
        let none = || Error::internal("planning", "a training without a step");
        let first = *wanted.first().ok_or_else(none)?;
        let (feeds, variables) = self.feeds(wanted, streamed);
        let graph = self.trace(first, &feeds, &variables)?;
        Ok((Steps::new(&graph)?, Layout::new(&variables)))
    }

    /// The plan of a graph.
    pub fn lower(&self, graph: &Graph, layout: &Layout) -> Result<Plan> {
        let limits = self.device.kernel_limits();
        let plan = plan(graph, layout, &limits)?;
        plan.check(layout, &limits, &self.device.name())?;
        Ok(plan)
    }

    /// Where batches come from, and all variables.
    fn feeds(&self, wanted: &[Wanted], streamed: bool) -> (Vec<Feed>, Vec<Variable>) {
        let limits = self.device.kernel_limits();
        let resident = self.device.is_gpu().then_some(&limits);
        let mut variables = self.variables.to_vec();
        let mut feeds = Vec::with_capacity(self.sets.len());
        for (at, (name, set)) in self.sets.iter().enumerate() {
            let batches = wanted.iter().filter(|w| w.set == at).map(|w| w.batch);
            let batch = batches.max().unwrap_or(0);
            feeds.push(match streamed {
                true => Feed::Streamed,
                false => Feed::choose(set, self.spec, batch, resident, name, &mut variables),
            });
        }
        (feeds, variables)
    }

    fn trace(&self, w: Wanted, feeds: &[Feed], variables: &[Variable]) -> Result<Graph> {
        let feed = feeds.get(w.set).ok_or_else(|| {
            Error::internal("planning", format!("there is no data set {}", w.set))
        })?;
        let of = (variables, self.bound);
        trace(self.recipe, w.purpose, self.spec, (feed, w.batch), of)
    }
}

/// A training step's graph, with what it may compute again.
pub(super) struct Steps {
    graph: Graph,
    /// In the order in which they are best computed again.
    pub saved: Vec<NodeId>,
}

impl Steps {
    pub fn new(graph: &Graph) -> Result<Self> {
        let graph = simplify(graph)?;
        let saved = saved(&graph);
        Ok(Steps { graph, saved })
    }

    pub fn graph(&self, thrift: Thrift) -> Result<Graph> {
        let count = thrift.share(self.saved.len());
        recompute(&self.graph, self.saved.get(..count).unwrap_or_default())
    }
}
