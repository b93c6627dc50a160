//! Merges the updates of many parameters into one step.
//!
//! Parameters, gradients and each kind of optimizer state lie in the same order in buffers of their
//! own. So where neighbouring steps apply the same chain to places that follow each other in every
//! buffer, one chain over the whole range does them all, and touches only padding besides.

use crate::Shape;
use crate::graph::NodeId;
use crate::kernel::{Access, Expr, KernelLimits, Operand, View};

use super::layout::ALIGNMENT;
use super::lower::elementwise_kernel;
use super::memory::Places;
use super::{Dispatch, Slot, Step};

/// The steps, with each run of mergeable ones as one.
pub(super) fn merge_updates(steps: Vec<Step>, places: &Places, limits: &KernelLimits) -> Vec<Step> {
    let mut merged: Vec<Step> = Vec::with_capacity(steps.len());
    for step in steps {
        let joined = merged
            .last()
            .and_then(|last| join(last, &step, places, limits));
        match (joined, merged.last_mut()) {
            (Some(joined), Some(last)) => *last = joined,
            _ => merged.push(step),
        }
    }
    merged
}

/// The place of an operand in a step that is not filled in yet.
fn place(step: &Step, operand: Operand, places: &Places) -> Option<Slot> {
    let Operand::Node(id) = operand else {
        return None;
    };
    step.slot_of(operand)
        .filter(|s| s.bytes > 0)
        .or_else(|| places.known(id))
}

fn join(a: &Step, b: &Step, places: &Places, limits: &KernelLimits) -> Option<Step> {
    let (x, y) = (a.tail.as_ref()?, b.tail.as_ref()?);
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
    let mut ranges: Vec<(Operand, Slot)> = Vec::new();
    for (l, m) in x.leaves.iter().zip(&y.leaves) {
        // An equal walk over one element each is element by element, or the same scalar for all.
        let same = is_same(&l.access, l.len) && is_same(&m.access, m.len);
        let shared = l.operand == m.operand
            && l.access == m.access
            && matches!(l.access, Access::Scalar { .. });
        match (same, shared) {
            (_, true) => {}
            (true, _) => ranges.push((l.operand, follow(a, l.operand, b, m.operand, places)?)),
            _ => return None,
        }
    }
    for (s, t) in x.stores.iter().zip(&y.stores) {
        if s.value != t.value || s.dtype != t.dtype {
            return None;
        }
        ranges.push((s.operand, follow(a, s.operand, b, t.operand, places)?));
    }
    let bytes = ranges.first()?.1.bytes;
    if ranges.iter().any(|(_, r)| r.bytes != bytes) || bytes > limits.binding_bytes {
        return None;
    }
    Some(widen(a, b, x, &ranges, bytes, limits))
}

/// Whether a leaf of `len` elements is read element by element.
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

/// The range over both places, where the second begins right after the first.
fn follow(a: &Step, x: Operand, b: &Step, y: Operand, places: &Places) -> Option<Slot> {
    let (x, y) = (place(a, x, places)?, place(b, y, places)?);
    let next = (x.offset + x.bytes).next_multiple_of(ALIGNMENT);
    (x.buffer == y.buffer && y.offset == next).then(|| Slot {
        bytes: y.offset + y.bytes - x.offset,
        ..x
    })
}

fn union(a: &[(NodeId, Slot)], b: &[(NodeId, Slot)]) -> Vec<(NodeId, Slot)> {
    let mut all = a.to_vec();
    all.extend(b.iter().filter(|x| !a.contains(x)));
    all
}

fn widen(
    a: &Step,
    b: &Step,
    chain: &Expr,
    ranges: &[(Operand, Slot)],
    bytes: u64,
    limits: &KernelLimits,
) -> Step {
    let len = (bytes / 4) as usize;
    let mut tail = Expr {
        domain: Shape::from([len]),
        ..chain.clone()
    };
    for leaf in &mut tail.leaves {
        if ranges.iter().any(|(o, _)| *o == leaf.operand) {
            leaf.access = Access::Same;
            leaf.len = len;
        }
    }
    let range = |id| {
        ranges
            .iter()
            .find(|(o, _)| *o == Operand::Node(id))
            .map(|(_, s)| *s)
    };
    let widened = |list: &[(_, Slot)], others: &[(_, Slot)]| {
        let mut all: Vec<_> = list
            .iter()
            .map(|&(id, slot)| (id, range(id).unwrap_or(slot)))
            .collect();
        all.extend(
            others
                .iter()
                .copied()
                .filter(|(id, _)| !list.iter().any(|(n, _)| n == id)),
        );
        all
    };
    let kernel = elementwise_kernel(&tail, limits);
    Step {
        nodes: a.nodes.iter().chain(&b.nodes).copied().collect(),
        reads: widened(&a.reads, &b.reads),
        writes: widened(&a.writes, &b.writes),
        inputs: union(&a.inputs, &b.inputs),
        outputs: union(&a.outputs, &b.outputs),
        variants: vec![vec![Dispatch {
            kernel,
            slots: Vec::new(),
        }]],
        tail: Some(tail),
        flops: a.flops + b.flops,
        ..a.clone()
    }
}
