//! Waves: small steps in a row that need nothing of each other, so that they may run at once.
//!
//! A dispatch costs a device the same few or many microseconds whatever it does, so an executor may put a wave's
//! kernels into one. For that, values of a wave live until its end, and no buffer is read by one of its steps and
//! written by another.

use std::collections::HashSet;
use std::ops::Range;

use crate::graph::Graph;
use crate::kernel::{KernelLimits, Operand};

use super::layout::value_bytes;
use super::memory::Places;
use super::{Slot, Step};

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
    let mut found = Vec::new();
    let mut wave = Wave::default();
    let mut start = 0;
    for (i, step) in steps.iter().enumerate() {
        let touched = Touched::new(step, places);
        let small = is_small(step, graph, limits);
        if small && i > start && i - start < STEPS && wave.takes(&touched) {
            wave.add(touched);
            continue;
        }
        if i - start > 1 {
            found.push(start..i);
        }
        (wave, start) = match small {
            true => (Wave::of(touched), i),
            false => (Wave::default(), i + 1),
        };
    }
    if steps.len() > start + 1 {
        found.push(start..steps.len());
    }
    found
}

fn is_small(step: &Step, graph: &Graph, limits: &KernelLimits) -> bool {
    let bytes = |id: &crate::graph::NodeId| {
        let node = graph.nodes().get(id.index());
        node.map_or(0, |n| value_bytes(&n.meta, limits))
    };
    let all = step.reads.iter().chain(&step.writes);
    step.flops <= FLOPS && all.map(|(id, _)| bytes(id)).sum::<u64>() <= BYTES
}

/// What a step reads or writes: a value that is placed later, which has a buffer of its own, or a fixed place.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Memory {
    Value(Operand),
    Fixed(super::BufferId),
}

struct Touched {
    read: HashSet<Memory>,
    written: HashSet<Memory>,
    /// The fixed places that are written.
    slots: Vec<Slot>,
}

impl Touched {
    fn new(step: &Step, places: &Places) -> Self {
        let known = |id| places.known(id);
        let memory = |(id, _): &(crate::graph::NodeId, Slot)| match known(*id) {
            Some(slot) => Memory::Fixed(slot.buffer),
            None => Memory::Value(Operand::Node(*id)),
        };
        Touched {
            read: step.reads.iter().map(memory).collect(),
            written: step.writes.iter().map(memory).collect(),
            slots: step
                .writes
                .iter()
                .filter_map(|(id, slot)| {
                    if slot.bytes > 0 {
                        Some(*slot)
                    } else {
                        known(*id)
                    }
                })
                .collect(),
        }
    }
}

/// What the steps of a wave touch.
#[derive(Default)]
struct Wave {
    read: HashSet<Memory>,
    written: HashSet<Memory>,
    slots: Vec<Slot>,
}

impl Wave {
    fn of(first: Touched) -> Self {
        Wave {
            read: first.read,
            written: first.written,
            slots: first.slots,
        }
    }

    fn takes(&self, step: &Touched) -> bool {
        let overlap = |a: &Slot, b: &Slot| {
            a.buffer == b.buffer && a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes
        };
        let value = |m: &&Memory| matches!(m, Memory::Value(_));
        self.written.is_disjoint(&step.read)
            && self.read.is_disjoint(&step.written)
            && !self
                .written
                .iter()
                .filter(value)
                .any(|m| step.written.contains(m))
            && !self
                .slots
                .iter()
                .any(|a| step.slots.iter().any(|b| overlap(a, b)))
    }

    fn add(&mut self, step: Touched) {
        self.read.extend(step.read);
        self.written.extend(step.written);
        self.slots.extend(step.slots);
    }
}
