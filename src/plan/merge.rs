//! Merges the updates of many parameters into one step.
//!
//! Parameters, gradients and each kind of optimizer state have the same order in separate buffers.
//! So if adjacent steps apply the same chain to adjacent slots in every buffer, one chain over the
//! whole range computes them all. It also processes the padding between them.

use std::collections::{HashMap, HashSet};

use crate::graph::NodeId;
use crate::kernel::{Access, Expr, KernelLimits, Operand, View};
use crate::{DType, Shape};

use super::layout::ALIGNMENT;
use super::lower::elementwise_kernel;
use super::memory::FixedPlacements;
use super::{Dispatch, Slot, Step};

/// Returns the steps, with each run of mergeable ones merged.
pub(super) fn merge_updates(
    steps: Vec<Step>,
    placements: &FixedPlacements,
    limits: &KernelLimits,
) -> Vec<Step> {
    let mut merged: Vec<Step> = Vec::with_capacity(steps.len());
    let mut run: Option<Run> = None;
    for step in steps {
        match run
            .as_ref()
            .and_then(|run| run.with(&step, placements, limits))
        {
            Some(ranges) => {
                if let Some(run) = &mut run {
                    run.ranges = ranges;
                    run.more.push(step);
                }
            }
            None => merged.extend(run.replace(Run::new(step)).map(|run| run.merge(limits))),
        }
    }
    merged.extend(run.map(|run| run.merge(limits)));
    merged
}

/// Consecutive steps that are merged. The merged step is assembled once, when all are known.
struct Run {
    first: Step,
    /// The ranges over all of them, by the operands of the first one; empty for a single step.
    ranges: Vec<(Operand, Slot)>,
    more: Vec<Step>,
}

/// Returns the slot of an operand in a step whose slots are not filled in yet.
fn place(step: &Step, operand: Operand, placements: &FixedPlacements) -> Option<Slot> {
    let Operand::Node(id) = operand else {
        return None;
    };
    step.slot_of(operand)
        .filter(|s| s.bytes > 0)
        .or_else(|| placements.known(id))
}

impl Run {
    fn new(first: Step) -> Self {
        Run {
            first,
            ranges: Vec::new(),
            more: Vec::new(),
        }
    }

    /// Returns the range of the first step's operand over all steps of the run.
    fn place(&self, operand: Operand, placements: &FixedPlacements) -> Option<Slot> {
        let known = self.ranges.iter().find(|(o, _)| *o == operand);
        match known {
            Some((_, slot)) => Some(*slot),
            None => place(&self.first, operand, placements),
        }
    }

    /// Returns the ranges with one more step, if it can be merged.
    fn with(
        &self,
        step: &Step,
        placements: &FixedPlacements,
        limits: &KernelLimits,
    ) -> Option<Vec<(Operand, Slot)>> {
        let (a, b) = (&self.first, step);
        let (x, y) = (a.epilogue.as_ref()?, b.epilogue.as_ref()?);
        let alike = a.anchor.is_none()
            && b.anchor.is_none()
            && x.code == y.code
            && x.constants == y.constants
            && x.leaves.len() == y.leaves.len()
            && x.stores.len() == y.stores.len()
            && !x.code.iter().any(|i| i.function.uses_index);
        if !alike {
            return None;
        }
        let follow = |x: Operand, y: Operand| {
            follow(self.place(x, placements)?, place(step, y, placements)?)
        };
        let mut ranges: Vec<(Operand, Slot)> = Vec::new();
        for (l, m) in x.leaves.iter().zip(&y.leaves) {
            // An operand that is already in the run is read element by element in all its steps.
            let known = self.ranges.iter().any(|(o, _)| *o == l.operand);
            // An equal walk over one element each is element by element, or the same scalar for
            // all.
            let same = (known || is_same(&l.access, l.len)) && is_same(&m.access, m.len);
            let shared = !known
                && l.operand == m.operand
                && l.access == m.access
                && matches!(l.access, Access::Scalar { .. });
            match (same, shared) {
                (_, true) => {}
                (true, _) => ranges.push((l.operand, follow(l.operand, m.operand)?)),
                _ => return None,
            }
        }
        let stores_half = |e: &Expr| {
            let mut types = e
                .leaves
                .iter()
                .map(|l| l.dtype)
                .chain(e.stores.iter().map(|s| s.dtype));
            types.any(DType::is_half)
        };
        // Packed values have other slots than values that are not packed.
        if stores_half(x) {
            return None;
        }
        for (s, t) in x.stores.iter().zip(&y.stores) {
            if s.value != t.value || s.dtype != t.dtype {
                return None;
            }
            ranges.push((s.operand, follow(s.operand, t.operand)?));
        }
        let bytes = ranges.first()?.1.bytes;
        let fit = ranges.iter().all(|(_, r)| r.bytes == bytes) && bytes <= limits.binding_bytes;
        fit.then_some(ranges)
    }

    /// Returns the merged step.
    fn merge(self, limits: &KernelLimits) -> Step {
        let Run {
            first,
            ranges,
            more,
        } = self;
        let (Some(chain), Some((_, range))) = (&first.epilogue, ranges.first()) else {
            return first;
        };
        widen(&first, &more, chain, &ranges, range.bytes, limits)
    }
}

/// Returns whether a leaf of `len` elements is read element by element.
fn is_same(access: &Access, len: usize) -> bool {
    match access {
        Access::Same => true,
        Access::Scalar { at: 0 } => len == 1,
        Access::Strided(View {
            strides, offset: 0, ..
        }) => strides.is_empty(),
        _ => false,
    }
}

/// Returns the range over both slots, if the second one begins right after the first.
fn follow(x: Slot, y: Slot) -> Option<Slot> {
    let next = (x.offset + x.bytes).next_multiple_of(ALIGNMENT);
    (x.buffer == y.buffer && y.offset == next).then(|| Slot {
        bytes: y.offset + y.bytes - x.offset,
        ..x
    })
}

/// Returns all entries of the lists, each once.
fn union<'a>(lists: impl Iterator<Item = &'a Vec<(NodeId, Slot)>>) -> Vec<(NodeId, Slot)> {
    let mut seen = HashSet::new();
    lists
        .flatten()
        .copied()
        .filter(|x| seen.insert(*x))
        .collect()
}

fn widen(
    first: &Step,
    more: &[Step],
    chain: &Expr,
    ranges: &[(Operand, Slot)],
    bytes: u64,
    limits: &KernelLimits,
) -> Step {
    let len = (bytes / 4) as usize;
    let mut epilogue = Expr {
        domain: Shape::from([len]),
        ..chain.clone()
    };
    let ranges: HashMap<Operand, Slot> = ranges.iter().copied().collect();
    for leaf in &mut epilogue.leaves {
        if ranges.contains_key(&leaf.operand) {
            leaf.access = Access::Same;
            leaf.len = len;
        }
    }
    let all = || [first].into_iter().chain(more);
    // The slots of the first step are extended over all of them; those of the others are kept.
    let widened = |of: fn(&Step) -> &Vec<(NodeId, Slot)>| {
        let mut seen = HashSet::new();
        let each = all().flat_map(of).filter(|(id, _)| seen.insert(*id));
        let own =
            each.map(|&(id, slot)| (id, ranges.get(&Operand::Node(id)).copied().unwrap_or(slot)));
        own.collect::<Vec<_>>()
    };
    let kernel = elementwise_kernel(&epilogue, limits);
    Step {
        nodes: all().flat_map(|step| &step.nodes).copied().collect(),
        reads: widened(|step| &step.reads),
        writes: widened(|step| &step.writes),
        inputs: union(all().map(|step| &step.inputs)),
        outputs: union(all().map(|step| &step.outputs)),
        variants: vec![vec![Dispatch {
            kernel,
            slots: Vec::new(),
        }]],
        epilogue: Some(epilogue),
        flops: all().map(|step| step.flops).sum(),
        ..first.clone()
    }
}
