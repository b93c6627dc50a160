//! Where values lie: variables and hand-overs at fixed places, the rest in buffers that are reused as
//! values die.
//!
//! A dispatch must not write a buffer that it reads, so each activation has a whole buffer while it
//! lives. Which buffer: the largest values choose first, each the smallest buffer that is free during
//! its whole life (Pisarchyk and Lee, "Efficient memory management for deep neural net inference",
//! 2020, greedy by size).

use std::collections::{HashMap, HashSet};

use crate::graph::{NodeId, Op};
use crate::kernel::{Binding, Operand};
use crate::{Error, Result};

use super::concurrent::concurrent_groups;
use super::in_place::in_place;
use super::layout::{ALIGNMENT, slot_bytes, value_bytes};
use super::lower::{Lowering, UNPLACED};
use super::tenants::Tenants;
use super::{BufferId, BufferPlan, BufferRole, ConcurrentSteps, Dispatch, Slot, Step};

/// The fixed places: everything but activations.
pub(super) struct Places {
    slots: HashMap<NodeId, Slot>,
    /// A node that is stored over a variable is known by the variable's own node, so that a kernel
    /// binds the buffer once.
    operands: HashMap<NodeId, NodeId>,
    /// Values that must be copied to their places at the end of the run.
    copies: Vec<(NodeId, Operand)>,
    results: Vec<Option<Slot>>,
    buffers: Vec<BufferPlan>,
}

impl Places {
    pub fn new(cx: &Lowering) -> Result<Self> {
        let mut places = Places {
            slots: HashMap::new(),
            operands: HashMap::new(),
            copies: Vec::new(),
            results: Vec::new(),
            buffers: Vec::new(),
        };
        let mut next = cx.graph.nodes().len() as u32;
        places.leaves(cx)?;
        places.results(cx, &mut next);
        places.gradients(cx)?;
        places.assigns(cx, &mut next)?;
        Ok(places)
    }

    /// The node that stands for the memory of `id` in kernels.
    pub fn operand(&self, id: NodeId) -> NodeId {
        self.operands.get(&id).copied().unwrap_or(id)
    }

    /// Copies to append: from a node to an operand.
    pub fn copies(&self) -> Vec<(NodeId, Operand)> {
        self.copies.clone()
    }

    /// The slot of output `i`, where it is a result.
    pub fn result(&self, i: usize) -> Option<Slot> {
        self.results.get(i).copied().flatten()
    }

    /// The buffers of the fixed places.
    pub fn buffers(&self) -> Vec<BufferPlan> {
        self.buffers.clone()
    }

    pub fn known(&self, id: NodeId) -> Option<Slot> {
        self.slots.get(&self.operand(id)).copied()
    }

    /// Where `id` lies, once everything is placed.
    pub fn slot(&self, id: NodeId) -> Result<Slot> {
        self.known(id)
            .ok_or_else(|| Error::internal("memory plan", format!("node {} has no place", id.0)))
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

    /// Values that each run hands back, most of them scalars, get places side by side, so that one copy fetches them.
    fn results(&mut self, cx: &Lowering, next: &mut u32) {
        let buffer = self.open(BufferRole::Results);
        for output in &cx.graph.outputs {
            let meta = cx.graph.meta(output.node);
            let is_returned = cx.graph.returned.contains(&output.name) && !meta.shape.is_empty();
            // Results come back as they lie, so halves, which are packed, do not.
            if meta.shape.len() != 1 && !is_returned || meta.dtype.is_half() {
                self.results.push(None);
                continue;
            }
            let home = cx.sources.home(output.node);
            // A value with two names (a loss, and a metric of the mean loss) has one place.
            if let Some(slot) = self.slots.get(&home)
                && slot.buffer == BufferId::Local(buffer)
            {
                self.results.push(Some(*slot));
                continue;
            }
            let slot = self.append(buffer, slot_bytes(meta));
            self.results.push(Some(slot));
            if self.slots.contains_key(&home)
                || cx.group_of(home).is_none()
                || feeds_others(cx, home)
            {
                self.copy_to(home, slot, next);
            } else {
                self.slots.insert(home, slot);
            }
        }
    }

    fn copy_to(&mut self, from: NodeId, slot: Slot, next: &mut u32) {
        // A place without a node of its own is known by a number past the graph's end.
        let id = NodeId(*next);
        *next += 1;
        self.slots.insert(id, slot);
        self.copies.push((from, Operand::Node(id)));
    }

    /// Gradients lie like their parameters, so that one dispatch can update them all.
    fn gradients(&mut self, cx: &Lowering) -> Result<()> {
        let mut wanted: Vec<(NodeId, Slot)> = Vec::new();
        let mut among: HashSet<NodeId> = HashSet::new();
        for g in &cx.graph.gradients {
            let home = cx.sources.home(g.node);
            let free = !self.slots.contains_key(&home) && !among.contains(&home);
            if free && cx.group_of(home).is_some() {
                wanted.push((home, cx.variable_slot(g.variable)?));
                among.insert(home);
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

    /// A new value is computed in the variable's own place where it can be.
    fn assigns(&mut self, cx: &Lowering, next: &mut u32) -> Result<()> {
        let in_place = in_place(cx, |home| self.slots.contains_key(&home))?;
        for (assign, in_place) in cx.graph.assigns.iter().zip(in_place) {
            let slot = cx.variable_slot(assign.variable)?;
            let home = cx.sources.home(assign.node);
            let leaf = cx.graph.variable_node(assign.variable);
            if leaf == Some(home) {
                continue;
            }
            match (in_place, leaf) {
                (true, Some(leaf)) => {
                    self.operands.insert(home, leaf);
                }
                (true, None) => {
                    self.slots.insert(home, slot);
                }
                (false, Some(leaf)) => self.copies.push((home, Operand::Node(leaf))),
                (false, None) => self.copy_to(home, slot, next),
            }
        }
        Ok(())
    }
}

/// Whether another group than those that store it reads `id`.
fn feeds_others(cx: &Lowering, id: NodeId) -> bool {
    let others = |g: &usize| {
        let group = cx.groups.get(*g);
        group.is_some_and(|group| !group.outputs.contains(&id))
    };
    cx.readers(id).iter().any(others)
}

/// A value that needs a buffer for a time.
struct Life {
    bytes: u64,
    /// The steps that write it first and read it last.
    from: usize,
    to: usize,
}

/// The steps with all their slots, which of them may run at once, and the sizes of the activation buffers.
pub(super) struct Memory {
    pub steps: Vec<Step>,
    pub concurrent: Vec<ConcurrentSteps>,
    pub activations: Vec<u64>,
}

impl Memory {
    pub fn plan(cx: &Lowering, mut steps: Vec<Step>, places: &mut Places) -> Result<Self> {
        let end = steps.len();
        let concurrent = concurrent_groups(&steps, cx.graph, places, cx.limits);
        // No other step of a concurrent group may overwrite what one of them reads or writes.
        let mut until: Vec<usize> = (0..end).collect();
        for group in &concurrent {
            until[group.clone()].fill(group.end - 1);
        }
        let mut order: Vec<NodeId> = Vec::new();
        let mut lives: Vec<Life> = Vec::new();
        let mut at: HashMap<NodeId, usize> = HashMap::new();
        for (s, step) in steps.iter().enumerate() {
            for (id, _) in &step.writes {
                if places.known(*id).is_none() && !at.contains_key(id) {
                    at.insert(*id, lives.len());
                    order.push(*id);
                    lives.push(Life {
                        bytes: value_bytes(cx.graph.meta(*id), cx.limits),
                        from: s,
                        to: until[s],
                    });
                }
            }
            for (id, _) in &step.reads {
                if let Some(life) = at.get(id).and_then(|&i| lives.get_mut(i)) {
                    life.to = until[s];
                }
            }
        }
        for output in &cx.graph.outputs {
            if let Some(life) = at
                .get(&cx.sources.home(output.node))
                .and_then(|&i| lives.get_mut(i))
            {
                life.to = end;
            }
        }
        let values = lives.len();
        for (s, step) in steps.iter().enumerate() {
            let scratch = step.scratch.iter();
            lives.extend(scratch.map(|&bytes| Life {
                bytes: bytes.max(16),
                from: s,
                to: until[s],
            }));
        }
        let (activations, chosen) = assign(&lives);
        let first = places.buffers.len();
        let slot = |i: usize| Slot {
            buffer: BufferId::Local(first + chosen.get(i).copied().unwrap_or(0)),
            offset: 0,
            bytes: lives.get(i).map_or(0, |l| l.bytes.next_multiple_of(16)),
        };
        for (i, id) in order.iter().enumerate() {
            places.slots.insert(*id, slot(i));
        }
        let mut scratch = values;
        for step in &mut steps {
            let slots: Vec<Slot> = (0..step.scratch.len()).map(|i| slot(scratch + i)).collect();
            scratch += slots.len();
            fill(step, places, &slots)?;
        }
        Ok(Memory {
            steps,
            concurrent,
            activations,
        })
    }
}

/// Chooses a buffer for each value: the sizes of the buffers, and the buffer of each value.
fn assign(lives: &[Life]) -> (Vec<u64>, Vec<usize>) {
    let mut by_size: Vec<usize> = (0..lives.len()).collect();
    by_size.sort_by_key(|&i| (std::cmp::Reverse(lives[i].bytes), lives[i].from));
    let mut sizes: Vec<u64> = Vec::new();
    let mut tenants = Tenants::default();
    let mut chosen = vec![0; lives.len()];
    for i in by_size {
        let life = &lives[i];
        // Larger values were placed before, so every buffer is large enough; the last is smallest.
        let free = tenants.last_free(life.from, life.to);
        let buffer = free.unwrap_or_else(|| {
            sizes.push(life.bytes.next_multiple_of(16));
            tenants.add()
        });
        tenants.move_in(buffer, life.from, life.to);
        chosen[i] = buffer;
    }
    (sizes, chosen)
}

/// Writes the slots into a step, and checks that no dispatch reads a buffer that it writes.
fn fill(step: &mut Step, places: &Places, scratch: &[Slot]) -> Result<()> {
    let kernels = step.reads.iter_mut().chain(&mut step.writes);
    for (id, slot) in kernels.chain(&mut step.inputs).chain(&mut step.outputs) {
        if *slot == UNPLACED {
            *slot = places.slot(*id)?;
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
            "{} reads and writes one buffer: {read:?} {written:?}",
            step.label
        );
        return Err(Error::internal("memory plan", detail));
    }
    Ok(())
}
