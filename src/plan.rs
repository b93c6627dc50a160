//! Plans: the work of an executor for one run, as plain data.
//!
//! A plan consists of steps (computations) and slots (memory), created from a graph before the
//! first run. Its exact bytes, its largest binding, its dispatches and its floating-point
//! operations are known.

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

/// The index of a buffer: one that persists between runs, or one of the plan's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum BufferId {
    /// A buffer of variables, by index into [`Layout::arenas`].
    Arena(usize),
    /// One of the plan's own buffers, by index into [`Plan::buffers`].
    Local(usize),
}

/// A range of bytes in a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Slot {
    /// The buffer.
    pub buffer: BufferId,
    /// The first byte; a multiple of 256.
    pub offset: u64,
    /// The number of bytes: a multiple of 16, so that the last vector of four words is inside.
    pub bytes: u64,
}

impl Slot {
    /// Returns whether the two slots share a byte.
    pub fn overlaps(&self, other: &Slot) -> bool {
        self.buffer == other.buffer
            && self.offset < other.offset + other.bytes
            && other.offset < self.offset + self.bytes
    }
}

/// The role of one of the plan's own buffers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BufferRole {
    /// The inputs, which the caller provides before each run.
    Inputs,
    /// Values of the run, whose memory is reused after their last use.
    Activations,
    /// The gradients of the trained parameters, with the layout of the parameters.
    Gradients,
    /// The scalars that each run returns.
    Results,
}

impl BufferRole {
    /// All roles.
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
    /// Its size in bytes.
    pub bytes: u64,
    /// Its role.
    pub role: BufferRole,
}

/// A dispatch with its slots.
#[derive(Clone, Debug, PartialEq)]
pub struct Dispatch {
    /// The kernel, whose bindings name operands.
    pub kernel: Kernel,
    /// The slot of each binding that is a buffer, in order.
    pub slots: Vec<Slot>,
}

/// An entry of a plan: a group of nodes that are computed together.
#[derive(Clone, Debug)]
pub struct Step {
    /// The nodes that it computes, in order. Those in `writes` are stored.
    pub nodes: Vec<NodeId>,
    /// The op with its own kernels, if there is one.
    pub anchor: Option<NodeId>,
    /// The chain that computes the op's input 0, if it is fused.
    pub prologue: Option<Expr>,
    /// The chain that is applied to the op's result, or the whole step if there is no op.
    pub epilogue: Option<Expr>,
    /// The nodes that it reads, and their slots.
    pub reads: Vec<(NodeId, Slot)>,
    /// The nodes that it writes, and their slots.
    pub writes: Vec<(NodeId, Slot)>,
    /// The nodes whose values it uses, and their slots before it runs. `reads` and `writes` name a
    /// slot by one node for the kernels. These are the actual nodes, such as a variable's next
    /// value, and each of the parameters in a merged range.
    pub inputs: Vec<(NodeId, Slot)>,
    /// The nodes whose values it computes, and their slots.
    pub outputs: Vec<(NodeId, Slot)>,
    /// The variants on a GPU, all with the same bits; the first one is the default without tuning.
    pub variants: Vec<Vec<Dispatch>>,
    /// The sizes of the workspaces between the dispatches of a variant, in bytes.
    pub scratch: Vec<u64>,
    /// The name of the op, or the names of a chain's functions.
    pub label: String,
    /// The line of the user's program.
    pub source: Source,
    /// The layer, as in `state_dict` names.
    pub scope: String,
    /// The number of floating-point operations.
    pub flops: f64,
    /// The number of bytes read and written.
    pub bytes: u64,
}

impl Step {
    /// Returns the slot of an operand of this step's chains, if it is that of a node.
    pub fn slot_of(&self, operand: Operand) -> Option<Slot> {
        let Operand::Node(id) = operand else {
            return None;
        };
        let mut all = self.writes.iter().chain(&self.reads);
        all.find(|(node, _)| *node == id).map(|(_, slot)| *slot)
    }
}

/// An input or result of a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Port {
    /// Its name.
    pub name: String,
    /// Its shape and element type.
    pub meta: Meta,
    /// Its slot.
    pub slot: Slot,
}

/// A concurrent group: a range of consecutive steps that do not depend on each other.
pub type ConcurrentSteps = Range<usize>;

/// The work of an executor for one run.
#[derive(Debug)]
pub struct Plan {
    /// The graph after the passes. Steps and slots refer to its nodes.
    pub graph: Graph,
    /// The plan's own buffers.
    pub buffers: Vec<BufferPlan>,
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// Groups of small steps whose dispatches may run concurrently.
    pub concurrent: Vec<ConcurrentSteps>,
    /// The inputs, all in the buffer of role `Inputs`.
    pub inputs: Vec<Port>,
    /// The results of each run: scalars and the tensors of [`Graph::returned`], all in the buffer
    /// of role `Results`.
    pub results: Vec<Port>,
    /// Larger values, which are read on demand before the next run.
    pub outputs: Vec<Port>,
}

/// The cost of a plan, known before its first run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// The bytes of all buffers: the plan's own and those of the variables.
    pub bytes: u64,
    /// The bytes of the largest set of values that are alive at once, with the variables: a lower
    /// bound for every plan.
    pub lower_bound: u64,
    /// The bytes of the largest binding.
    pub largest_binding: u64,
    /// The bytes of the largest buffer.
    pub largest_buffer: u64,
    /// The number of dispatches of a run, with the first variant of each step.
    pub dispatches: usize,
    /// The number of floating-point operations of a run.
    pub flops: f64,
    /// The number of bytes that a run reads and writes.
    pub traffic: u64,
}

/// Plans `graph`: runs the passes, then [`lower`].
pub fn plan(graph: &Graph, layout: &Layout, limits: &crate::kernel::KernelLimits) -> Result<Plan> {
    let graph = crate::passes::simplify(graph)?;
    let groups = crate::passes::fuse(&graph, limits);
    lower(graph, groups, layout, limits)
}
