//! Waves: small steps in a row that need nothing of each other, so that they may run at once.
//!
//! A dispatch costs a device the same few or many microseconds whatever it does, so an executor may put a wave's
//! kernels into one. For that, values of a wave live until its end, and no buffer is read by one of its steps and
//! written by another.

use std::collections::HashSet;
use std::ops::Range;

use crate::graph::{Graph, NodeId};
use crate::kernel::KernelLimits;

use super::layout::value_bytes;
use super::memory::Places;
use super::{BufferId, Slot, Step};

/// Floating-point operations of a small step: less than a dispatch costs, on a GPU and where a CPU plays one.
const FLOPS: f64 = 4e6;

/// Bytes that a small step reads and writes.
const BYTES: u64 = 1 << 20;

/// Steps of a wave at most: a kernel made of more would take long to compile.
const STEPS: usize = 8;

/// The waves of at least two steps, in order.
pub(super) fn waves(
    steps: &[Step],
    graph: &Graph,
    places: &Places,
    limits: &KernelLimits,
) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut wave: Option<(Range<usize>, Touched)> = None;
    for (i, step) in steps.iter().enumerate() {
        let own = is_small(step, graph, limits).then(|| Touched::new(step, places));
        match (&mut wave, own) {
            (Some((range, all)), Some(own)) if range.len() < STEPS && all.takes(&own) => {
                range.end = i + 1;
                all.add(own);
            }
            (_, own) => {
                let next = own.map(|own| (i..i + 1, own));
                found.extend(std::mem::replace(&mut wave, next).map(|(range, _)| range));
            }
        }
    }
    found.extend(wave.map(|(range, _)| range));
    found.retain(|range| range.len() > 1);
    found
}

fn is_small(step: &Step, graph: &Graph, limits: &KernelLimits) -> bool {
    let bytes = |id: &NodeId| {
        let node = graph.nodes().get(id.index());
        node.map_or(0, |n| value_bytes(&n.meta, limits))
    };
    let all = step.reads.iter().chain(&step.writes);
    step.flops <= FLOPS && all.map(|(id, _)| bytes(id)).sum::<u64>() <= BYTES
}

/// A value that is placed later, which has a buffer of its own, or the buffer of a fixed place.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Memory {
    Value(NodeId),
    Fixed(BufferId),
}

/// What a step reads and writes, or all steps of a wave.
struct Touched {
    read: HashSet<Memory>,
    written: HashSet<Memory>,
    /// The fixed places that are written.
    slots: Vec<Slot>,
}

impl Touched {
    fn new(step: &Step, places: &Places) -> Self {
        let memory = |(id, _): &(NodeId, Slot)| match places.known(*id) {
            Some(slot) => Memory::Fixed(slot.buffer),
            None => Memory::Value(*id),
        };
        // A merged step has its whole range already.
        let slot = |(id, slot): &(NodeId, Slot)| match slot.bytes {
            0 => places.known(*id),
            _ => Some(*slot),
        };
        Touched {
            read: step.reads.iter().map(memory).collect(),
            written: step.writes.iter().map(memory).collect(),
            slots: step.writes.iter().filter_map(slot).collect(),
        }
    }

    fn takes(&self, step: &Touched) -> bool {
        let overlap = |a: &Slot, b: &Slot| {
            a.buffer == b.buffer && a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes
        };
        let value = |m: &&Memory| matches!(m, Memory::Value(_));
        let mut values = self.written.iter().filter(value);
        let mut slots = self.slots.iter();
        self.written.is_disjoint(&step.read)
            && self.read.is_disjoint(&step.written)
            && !values.any(|m| step.written.contains(m))
            && !slots.any(|a| step.slots.iter().any(|b| overlap(a, b)))
    }

    fn add(&mut self, step: Touched) {
        self.read.extend(step.read);
        self.written.extend(step.written);
        self.slots.extend(step.slots);
    }
}
