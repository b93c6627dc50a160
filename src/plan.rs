//! Plans: what an executor does for one run, as plain data.
//!
//! A plan is steps (what is computed) and slots (where it lies), made from a graph before anything
//! runs. It knows its exact bytes, its largest binding, its dispatches and its floating-point work.

mod chain;
mod concurrent;
mod cost;
mod in_place;
mod intervals;
mod layout;
mod lower;
mod memory;
mod merge;
mod shared;
mod table;

use std::ops::Range;

use crate::graph::{Graph, Meta, NodeId};
use crate::kernel::{Expr, Kernel, Operand};
use crate::{Result, Source};

pub use layout::{Arena, Layout, Placement};
pub use lower::lower;
pub use shared::Shared;

/// A buffer's index: one that outlives the plan, or one of the plan's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum BufferId {
    /// Variables that belong together, by index into [`Layout::arenas`].
    Arena(usize),
    /// One of the plan's own, by index into [`Plan::buffers`].
    Local(usize),
}

/// A planned place: a part of a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Slot {
    /// In which buffer.
    pub buffer: BufferId,
    /// From which byte; a multiple of 256.
    pub offset: u64,
    /// How many bytes: a multiple of 16, so that the last vector of four words lies inside.
    pub bytes: u64,
}

impl Slot {
    /// Whether the two share a byte.
    pub fn overlaps(&self, other: &Slot) -> bool {
        self.buffer == other.buffer
            && self.offset < other.offset + other.bytes
            && other.offset < self.offset + self.bytes
    }
}

/// What one of the plan's own buffers is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BufferRole {
    /// What the caller hands over, filled before each run.
    Inputs,
    /// Values of the run, reused as they die.
    Activations,
    /// The gradients of the trained parameters, laid out like them.
    Gradients,
    /// The scalars that each run hands back.
    Results,
}

impl BufferRole {
    /// All of them.
    pub(crate) const ALL: [BufferRole; 4] = [
        BufferRole::Inputs,
        BufferRole::Activations,
        BufferRole::Gradients,
        BufferRole::Results,
    ];
}

/// One of the plan's own buffers.
#[derive(Clone, Debug, PartialEq)]
pub struct BufferPlan {
    /// Its size.
    pub bytes: u64,
    /// What it is for.
    pub role: BufferRole,
}

/// One dispatch with its slots.
#[derive(Clone, Debug, PartialEq)]
pub struct Dispatch {
    /// The kernel. Its bindings name operands...
    pub kernel: Kernel,
    /// ...and this is the slot of each binding that is a buffer, in order.
    pub slots: Vec<Slot>,
}

/// One entry of a plan: a group of nodes computed together.
#[derive(Clone, Debug)]
pub struct Step {
    /// The nodes it computes, in order; the ones in `writes` are stored.
    pub nodes: Vec<NodeId>,
    /// The op with kernels of its own, where there is one.
    pub anchor: Option<NodeId>,
    /// The chain that makes the op's input 0, where it is made on the fly.
    pub prologue: Option<Expr>,
    /// The chain that is applied to the op's result, or the whole step where there is no op.
    pub epilogue: Option<Expr>,
    /// What it reads, and where.
    pub reads: Vec<(NodeId, Slot)>,
    /// What it writes, and where.
    pub writes: Vec<(NodeId, Slot)>,
    /// The nodes whose values it needs, and where they lie before it runs. Kernels know a place by one
    /// node (`reads`, `writes`), these are the nodes that are meant: a variable's next value, say, and
    /// each of the parameters in one range.
    pub inputs: Vec<(NodeId, Slot)>,
    /// The nodes whose values it leaves behind, and where.
    pub outputs: Vec<(NodeId, Slot)>,
    /// The ways to do it on a GPU, all with the same bits; the first is the one to use untuned.
    pub variants: Vec<Vec<Dispatch>>,
    /// Bytes of the workspaces between the dispatches of a variant.
    pub scratch: Vec<u64>,
    /// The op's name, or the names of a chain's functions.
    pub label: String,
    /// The line of the user's program.
    pub source: Source,
    /// The layer, as in `state_dict` names.
    pub scope: String,
    /// Floating-point operations.
    pub flops: f64,
    /// Bytes read and written.
    pub bytes: u64,
}

impl Step {
    /// The slot of an operand of this step's chains, if it is a node's.
    pub fn slot_of(&self, operand: Operand) -> Option<Slot> {
        let Operand::Node(id) = operand else {
            return None;
        };
        let mut all = self.writes.iter().chain(&self.reads);
        all.find(|(node, _)| *node == id).map(|(_, slot)| *slot)
    }
}

/// A value handed over or handed back.
#[derive(Clone, Debug, PartialEq)]
pub struct Port {
    /// Its name.
    pub name: String,
    /// Its type.
    pub meta: Meta,
    /// Where it lies.
    pub slot: Slot,
}

/// A concurrent group: a range of consecutive steps that do not depend on each other.
pub type ConcurrentSteps = Range<usize>;

/// What an executor does for one run.
#[derive(Debug)]
pub struct Plan {
    /// The graph, after the passes. Step and slot refer to its nodes.
    pub graph: Graph,
    /// The plan's own buffers.
    pub buffers: Vec<BufferPlan>,
    /// What is computed, in order.
    pub steps: Vec<Step>,
    /// Groups of small steps whose dispatches may run at the same time.
    pub concurrent: Vec<ConcurrentSteps>,
    /// Values handed over, all in the buffer of role `Inputs`.
    pub inputs: Vec<Port>,
    /// Values handed back after each run, scalars and those that the graph says, all in the buffer of role `Results`.
    pub results: Vec<Port>,
    /// Larger values, to be read on demand before the next run.
    pub outputs: Vec<Port>,
}

/// What a plan takes, known before its first run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// Bytes of all buffers: the plan's own and the variables'.
    pub bytes: u64,
    /// The largest set of values that are alive at once, with the variables: no plan can do with less.
    pub lower_bound: u64,
    /// The largest binding.
    pub largest_binding: u64,
    /// The largest buffer.
    pub largest_buffer: u64,
    /// Dispatches of a run, with each step's first variant.
    pub dispatches: usize,
    /// Floating-point operations of a run.
    pub flops: f64,
    /// Bytes read and written by a run.
    pub traffic: u64,
}

/// Plans `graph`: the passes, then [`lower`].
pub fn plan(graph: &Graph, layout: &Layout, limits: &crate::kernel::KernelLimits) -> Result<Plan> {
    let graph = crate::passes::simplify(graph)?;
    let groups = crate::passes::fuse(&graph, limits);
    lower(graph, groups, layout, limits)
}
