//! The memory plan: variables, inputs and results have fixed placements, and activations share
//! buffers by live range.
//!
//! A dispatch must not write a buffer that it reads, so each activation has a whole buffer during
//! its live range. Values are assigned in order of size, the largest first, each to the smallest
//! buffer that is free during its live range (Pisarchyk and Lee, "Efficient memory management for
//! deep neural net inference", 2020, greedy by size).

use std::collections::{HashMap, HashSet};

use crate::graph::{NodeId, Op};
use crate::kernel::{Binding, Operand};
use crate::{Error, Result};

use super::concurrent::concurrent_groups;
use super::in_place::in_place;
use super::intervals::IntervalAllocator;
use super::layout::{ALIGNMENT, slot_bytes, value_bytes};
use super::lower::{Lowering, UNPLACED};
use super::{BufferId, BufferPlan, BufferRole, ConcurrentSteps, Dispatch, Slot, Step};

/// The placements of everything but activations.
pub(super) struct FixedPlacements {
    slots: HashMap<NodeId, Slot>,
    /// The node that represents another one in kernels. A node that is stored over a variable is
    /// represented by the variable's node, so that a kernel binds the buffer once.
    operands: HashMap<NodeId, NodeId>,
    /// Values that must be copied to their slots at the end of the run.
    copies: Vec<(NodeId, Operand)>,
    results: Vec<Option<Slot>>,
    buffers: Vec<BufferPlan>,
}

impl FixedPlacements {
    pub fn new(cx: &Lowering) -> Result<Self> {
        let mut placements = FixedPlacements {
            slots: HashMap::new(),
            operands: HashMap::new(),
            copies: Vec::new(),
            results: Vec::new(),
            buffers: Vec::new(),
        };
        let mut next = cx.graph.nodes().len() as u32;
        placements.leaves(cx)?;
        placements.results(cx, &mut next);
        placements.gradients(cx)?;
        placements.assigns(cx, &mut next)?;
        Ok(placements)
    }

    /// Returns the node that represents the memory of `id` in kernels.
    pub fn operand(&self, id: NodeId) -> NodeId {
        self.operands.get(&id).copied().unwrap_or(id)
    }

    /// Returns the copies to append: from a node to an operand.
    pub fn copies(&self) -> Vec<(NodeId, Operand)> {
        self.copies.clone()
    }

    /// Returns the slot of output `i`, if it is a result.
    pub fn result(&self, i: usize) -> Option<Slot> {
        self.results.get(i).copied().flatten()
    }

    /// Returns the buffers of the fixed placements.
    pub fn buffers(&self) -> Vec<BufferPlan> {
        self.buffers.clone()
    }

    pub fn known(&self, id: NodeId) -> Option<Slot> {
        self.slots.get(&self.operand(id)).copied()
    }

    /// Returns the slot of `id`, after all slots are assigned.
    pub fn slot(&self, id: NodeId) -> Result<Slot> {
        self.known(id)
            .ok_or_else(|| Error::internal("memory plan", format!("node {} has no slot", id.0)))
    }

    /// Appends a slot to the buffer `buffer`.
    fn append(&mut self, buffer: usize, bytes: u64) -> Slot {
        let Some(plan) = self.buffers.get_mut(buffer) else {
            return UNPLACED;
        };
        let offset = plan.bytes.next_multiple_of(ALIGNMENT);
        plan.bytes = offset.saturating_add(bytes);
        Slot {
            buffer: BufferId::Local(buffer),
            offset,
            bytes,
        }
    }

    fn open(&mut self, role: BufferRole) -> usize {
        self.buffers.push(BufferPlan { bytes: 0, role });
        self.buffers.len() - 1
    }

    fn leaves(&mut self, cx: &Lowering) -> Result<()> {
        let inputs = self.open(BufferRole::Inputs);
        for id in cx.graph.ids() {
            let slot = match &cx.graph.node(id).op {
                Op::Input(_) => self.append(inputs, slot_bytes(cx.graph.meta(id))),
                Op::Variable(v) => cx.variable_slot(v.id)?,
                _ => continue,
            };
            self.slots.insert(id, slot);
        }
        Ok(())
    }

    /// Places the results of each run, most of them scalars, side by side, so that one copy fetches
    /// them.
    fn results(&mut self, cx: &Lowering, next: &mut u32) {
        let buffer = self.open(BufferRole::Results);
        for output in &cx.graph.outputs {
            let meta = cx.graph.meta(output.node);
            let is_returned = cx.graph.returned.contains(&output.name) && !meta.shape.is_empty();
            // Results are copied as words. Half-precision values are packed, so they are outputs
            // instead.
            if meta.shape.len() != 1 && !is_returned || meta.dtype.is_half() {
                self.results.push(None);
                continue;
            }
            let storage = cx.sources.storage(output.node);
            // A value with two names (a loss, and a metric of the mean loss) has one slot.
            if let Some(slot) = self.slots.get(&storage)
                && slot.buffer == BufferId::Local(buffer)
            {
                self.results.push(Some(*slot));
                continue;
            }
            let slot = self.append(buffer, slot_bytes(meta));
            self.results.push(Some(slot));
            if self.slots.contains_key(&storage)
                || cx.group_of(storage).is_none()
                || feeds_others(cx, storage)
            {
                self.copy_to(storage, slot, next);
            } else {
                self.slots.insert(storage, slot);
            }
        }
    }

    fn copy_to(&mut self, from: NodeId, slot: Slot, next: &mut u32) {
        // A slot without a node is represented by an id past the end of the graph.
        let id = NodeId(*next);
        *next += 1;
        self.slots.insert(id, slot);
        self.copies.push((from, Operand::Node(id)));
    }

    /// Places gradients in the layout of their parameters, so that one dispatch can update them
    /// all.
    fn gradients(&mut self, cx: &Lowering) -> Result<()> {
        let mut wanted: Vec<(NodeId, Slot)> = Vec::new();
        let mut among: HashSet<NodeId> = HashSet::new();
        for g in &cx.graph.gradients {
            let storage = cx.sources.storage(g.node);
            let free = !self.slots.contains_key(&storage) && !among.contains(&storage);
            if free && cx.group_of(storage).is_some() {
                wanted.push((storage, cx.variable_slot(g.variable)?));
                among.insert(storage);
            }
        }
        // A step must not read one part of the buffer while it writes another.
        for group in cx.groups {
            if !group.outputs.iter().any(|id| among.contains(id)) {
                continue;
            }
            let own: HashSet<NodeId> = group.nodes().collect();
            for from in group.nodes().flat_map(|id| cx.sources.reads(id)) {
                if !own.contains(&from.root) {
                    among.remove(&from.root);
                }
            }
        }
        wanted.retain(|(id, _)| among.contains(id));
        let Some(bytes) = wanted.iter().map(|(_, s)| s.offset + s.bytes).max() else {
            return Ok(());
        };
        let buffer = self.open(BufferRole::Gradients);
        if let Some(plan) = self.buffers.get_mut(buffer) {
            plan.bytes = bytes;
        }
        for (id, slot) in wanted {
            self.slots.insert(
                id,
                Slot {
                    buffer: BufferId::Local(buffer),
                    ..slot
                },
            );
        }
        Ok(())
    }

    /// Computes new values in the slots of their variables if possible.
    fn assigns(&mut self, cx: &Lowering, next: &mut u32) -> Result<()> {
        let in_place = in_place(cx, |storage| self.slots.contains_key(&storage))?;
        for (assign, in_place) in cx.graph.assigns.iter().zip(in_place) {
            let slot = cx.variable_slot(assign.variable)?;
            let storage = cx.sources.storage(assign.node);
            let leaf = cx.graph.variable_node(assign.variable);
            if leaf == Some(storage) {
                continue;
            }
            match (in_place, leaf) {
                (true, Some(leaf)) => {
                    self.operands.insert(storage, leaf);
                }
                (true, None) => {
                    self.slots.insert(storage, slot);
                }
                (false, Some(leaf)) => self.copies.push((storage, Operand::Node(leaf))),
                (false, None) => self.copy_to(storage, slot, next),
            }
        }
        Ok(())
    }
}

/// Returns whether another group than those that store it reads `id`.
fn feeds_others(cx: &Lowering, id: NodeId) -> bool {
    let others = |g: &usize| {
        let group = cx.groups.get(*g);
        group.is_some_and(|group| !group.outputs.contains(&id))
    };
    cx.readers(id).iter().any(others)
}

/// The size of a value, and the steps during which it needs a buffer.
struct LiveRange {
    bytes: u64,
    /// The first step that writes it.
    first: usize,
    /// The last step that reads it.
    last: usize,
}

/// The steps with all their slots, the concurrent groups, and the sizes of the activation buffers.
pub(super) struct Memory {
    pub steps: Vec<Step>,
    pub concurrent: Vec<ConcurrentSteps>,
    pub activations: Vec<u64>,
}

impl Memory {
    pub fn plan(
        cx: &Lowering,
        mut steps: Vec<Step>,
        placements: &mut FixedPlacements,
    ) -> Result<Self> {
        let end = steps.len();
        let concurrent = concurrent_groups(&steps, cx.graph, placements, cx.limits);
        // No other step of a concurrent group may overwrite what one of them reads or writes.
        let mut until: Vec<usize> = (0..end).collect();
        for group in &concurrent {
            until[group.clone()].fill(group.end - 1);
        }
        let mut order: Vec<NodeId> = Vec::new();
        let mut ranges: Vec<LiveRange> = Vec::new();
        let mut at: HashMap<NodeId, usize> = HashMap::new();
        for (s, step) in steps.iter().enumerate() {
            for (id, _) in &step.writes {
                if placements.known(*id).is_none() && !at.contains_key(id) {
                    at.insert(*id, ranges.len());
                    order.push(*id);
                    ranges.push(LiveRange {
                        bytes: value_bytes(cx.graph.meta(*id), cx.limits),
                        first: s,
                        last: until[s],
                    });
                }
            }
            for (id, _) in &step.reads {
                if let Some(range) = at.get(id).and_then(|&i| ranges.get_mut(i)) {
                    range.last = until[s];
                }
            }
        }
        for output in &cx.graph.outputs {
            if let Some(range) = at
                .get(&cx.sources.storage(output.node))
                .and_then(|&i| ranges.get_mut(i))
            {
                range.last = end;
            }
        }
        let values = ranges.len();
        for (s, step) in steps.iter().enumerate() {
            let scratch = step.scratch.iter();
            ranges.extend(scratch.map(|&bytes| LiveRange {
                bytes: bytes.max(16),
                first: s,
                last: until[s],
            }));
        }
        let (activations, chosen) = assign(&ranges);
        let first = placements.buffers.len();
        let slot = |i: usize| Slot {
            buffer: BufferId::Local(first + chosen.get(i).copied().unwrap_or(0)),
            offset: 0,
            bytes: ranges.get(i).map_or(0, |l| l.bytes.next_multiple_of(16)),
        };
        for (i, id) in order.iter().enumerate() {
            placements.slots.insert(*id, slot(i));
        }
        let mut scratch = values;
        for step in &mut steps {
            let slots: Vec<Slot> = (0..step.scratch.len()).map(|i| slot(scratch + i)).collect();
            scratch += slots.len();
            fill(step, placements, &slots)?;
        }
        Ok(Memory {
            steps,
            concurrent,
            activations,
        })
    }
}

/// Assigns a buffer to each value. Returns the sizes of the buffers, and the buffer of each value.
fn assign(ranges: &[LiveRange]) -> (Vec<u64>, Vec<usize>) {
    let mut by_size: Vec<usize> = (0..ranges.len()).collect();
    by_size.sort_by_key(|&i| (std::cmp::Reverse(ranges[i].bytes), ranges[i].first));
    let mut sizes: Vec<u64> = Vec::new();
    let mut allocator = IntervalAllocator::default();
    let mut chosen = vec![0; ranges.len()];
    for i in by_size {
        let range = &ranges[i];
        // Larger values are already assigned, so every buffer is large enough, and the last one is
        // the smallest.
        let free = allocator.last_free(range.first, range.last);
        let buffer = free.unwrap_or_else(|| {
            sizes.push(range.bytes.next_multiple_of(16));
            allocator.add()
        });
        allocator.reserve(buffer, range.first, range.last);
        chosen[i] = buffer;
    }
    (sizes, chosen)
}

/// Writes the slots into a step, and checks that no dispatch reads a buffer that it writes.
fn fill(step: &mut Step, placements: &FixedPlacements, scratch: &[Slot]) -> Result<()> {
    let kernels = step.reads.iter_mut().chain(&mut step.writes);
    for (id, slot) in kernels.chain(&mut step.inputs).chain(&mut step.outputs) {
        if *slot == UNPLACED {
            *slot = placements.slot(*id)?;
        }
    }
    step.bytes = step
        .reads
        .iter()
        .chain(&step.writes)
        .map(|(_, s)| s.bytes)
        .sum();
    let mut variants = std::mem::take(&mut step.variants);
    for dispatch in variants.iter_mut().flatten() {
        place_dispatch(dispatch, step, scratch)?;
    }
    step.variants = variants;
    Ok(())
}

fn place_dispatch(dispatch: &mut Dispatch, step: &Step, scratch: &[Slot]) -> Result<()> {
    let (mut read, mut written): (Vec<Slot>, Vec<Slot>) = (Vec::new(), Vec::new());
    for binding in &dispatch.kernel.bindings {
        let (operand, list) = match binding {
            Binding::Read(operand) => (*operand, &mut read),
            Binding::Write(operand) => (*operand, &mut written),
            Binding::Uniform(_) => continue,
        };
        let slot = match operand {
            Operand::Node(_) => step.slot_of(operand),
            Operand::Scratch(i) => scratch.get(i).copied(),
        };
        let slot = slot.ok_or_else(|| {
            let detail = format!(
                "{} binds {operand:?}, which the step does not use",
                step.label
            );
            Error::internal("memory plan", detail)
        })?;
        list.push(slot);
        dispatch.slots.push(slot);
    }
    if read
        .iter()
        .any(|r| written.iter().any(|w| w.buffer == r.buffer))
    {
        let detail = format!(
            "{} reads and writes the same buffer: {read:?} {written:?}",
            step.label
        );
        return Err(Error::internal("memory plan", detail));
    }
    Ok(())
}
