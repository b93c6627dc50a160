//! Concurrent groups: consecutive small steps without dependencies between them, which may run
//! concurrently.
//!
//! A dispatch has a fixed cost, so an executor may fuse the kernels of a group into one. For this,
//! the values of a group live until its end, and no buffer is read by one of its steps and written
//! by another.

use std::collections::HashSet;

use crate::graph::{Graph, NodeId};
use crate::kernel::KernelLimits;

use super::layout::value_bytes;
use super::memory::FixedPlacements;
use super::{BufferId, ConcurrentSteps, Slot, Step};

/// The largest number of floating-point operations of a small step, which takes less time than its
/// dispatch, on GPUs and software adapters.
const MAX_STEP_FLOPS: f64 = 4e6;

/// The largest number of bytes that a small step reads and writes.
const MAX_STEP_BYTES: u64 = 1 << 20;

/// The largest number of steps of a concurrent group; a kernel fused from more would take long to
/// compile.
const MAX_STEPS: usize = 8;

/// Finds the concurrent groups of at least two steps, in order.
pub(super) fn concurrent_groups(
    steps: &[Step],
    graph: &Graph,
    placements: &FixedPlacements,
    limits: &KernelLimits,
) -> Vec<ConcurrentSteps> {
    let mut found: Vec<ConcurrentSteps> = Vec::new();
    let mut group: Option<(ConcurrentSteps, Touched)> = None;
    for (i, step) in steps.iter().enumerate() {
        let own = is_small(step, graph, limits).then(|| Touched::new(step, placements));
        match (&mut group, own) {
            (Some((range, all)), Some(own)) if range.len() < MAX_STEPS && all.takes(&own) => {
                range.end = i + 1;
                all.add(own);
            }
            (_, own) => {
                let next = own.map(|own| (i..i + 1, own));
                found.extend(std::mem::replace(&mut group, next).map(|(range, _)| range));
            }
        }
    }
    found.extend(group.map(|(range, _)| range));
    found.retain(|range| range.len() > 1);
    found
}

fn is_small(step: &Step, graph: &Graph, limits: &KernelLimits) -> bool {
    let bytes = |id: &NodeId| {
        let node = graph.nodes().get(id.index());
        node.map_or(0, |n| value_bytes(&n.meta, limits))
    };
    let all = step.reads.iter().chain(&step.writes);
    step.flops <= MAX_STEP_FLOPS && all.map(|(id, _)| bytes(id)).sum::<u64>() <= MAX_STEP_BYTES
}

/// The memory of a value: its own buffer, which is assigned later, or the buffer of a fixed
/// placement.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Memory {
    Value(NodeId),
    Fixed(BufferId),
}

/// The memory that a step, or all steps of a group, read and write.
struct Touched {
    read: HashSet<Memory>,
    written: HashSet<Memory>,
    /// The fixed placements that are written.
    slots: Vec<Slot>,
}

impl Touched {
    fn new(step: &Step, placements: &FixedPlacements) -> Self {
        let memory = |(id, _): &(NodeId, Slot)| match placements.known(*id) {
            Some(slot) => Memory::Fixed(slot.buffer),
            None => Memory::Value(*id),
        };
        // A merged step already has its whole range.
        let slot = |(id, slot): &(NodeId, Slot)| match slot.bytes {
            0 => placements.known(*id),
            _ => Some(*slot),
        };
        Touched {
            read: step.reads.iter().map(memory).collect(),
            written: step.writes.iter().map(memory).collect(),
            slots: step.writes.iter().filter_map(slot).collect(),
        }
    }

    fn takes(&self, step: &Touched) -> bool {
        let value = |m: &&Memory| matches!(m, Memory::Value(_));
        let mut values = self.written.iter().filter(value);
        let mut slots = self.slots.iter();
        self.written.is_disjoint(&step.read)
            && self.read.is_disjoint(&step.written)
            && !values.any(|m| step.written.contains(m))
            && !slots.any(|a| step.slots.iter().any(|b| a.overlaps(b)))
    }

    fn add(&mut self, step: Touched) {
        self.read.extend(step.read);
        self.written.extend(step.written);
        self.slots.extend(step.slots);
    }
}
