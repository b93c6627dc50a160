//! Finds the variables whose new values are computed in their own slots.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::Result;
use crate::graph::{NodeId, Op, VariableId};

use super::BufferId;
use super::lower::Lowering;

/// An assignment that may be computed in place if only its own variable is considered.
struct Candidate {
    /// The index of the assignment in the graph.
    assign: usize,
    variable: VariableId,
    buffer: BufferId,
}

/// Returns, for each assignment, whether the value is computed in the variable's slot. It is not if
/// the old value is still needed, if the value already has a slot (`taken`), or if several
/// variables take it. It is also not if its group reads another variable of the same buffer, such
/// as a layer's running statistics and its frozen weight, because no dispatch may read and write a
/// buffer. (If the group writes that variable too, the buffer is only written, in parts.)
pub(super) fn in_place(cx: &Lowering, taken: impl Fn(NodeId) -> bool) -> Result<Vec<bool>> {
    let mut assign_counts: HashMap<NodeId, usize> = HashMap::new();
    for assign in &cx.graph.assigns {
        *assign_counts
            .entry(cx.sources.storage(assign.node))
            .or_default() += 1;
    }
    // From one variable's slot, it could not be copied to another slot in the same buffer.
    let is_shared = |storage| assign_counts.get(&storage).is_some_and(|n| *n > 1);
    let mut by_group: BTreeMap<usize, Vec<Candidate>> = BTreeMap::new();
    for (i, assign) in cx.graph.assigns.iter().enumerate() {
        let storage = cx.sources.storage(assign.node);
        let leaf = cx.graph.variable_node(assign.variable);
        let group = cx.group_of(storage).filter(|&g| {
            !taken(storage)
                && !is_shared(storage)
                && leaf.is_none_or(|leaf| may_replace(cx, leaf, g))
        });
        if let Some(group) = group {
            by_group.entry(group).or_default().push(Candidate {
                assign: i,
                variable: assign.variable,
                buffer: cx.variable_slot(assign.variable)?.buffer,
            });
        }
    }
    let mut in_place = vec![false; cx.graph.assigns.len()];
    for (group, candidates) in by_group {
        for candidate in consistent(cx, group, candidates) {
            if let Some(place) = in_place.get_mut(candidate.assign) {
                *place = true;
            }
        }
    }
    Ok(in_place)
}

/// Returns the candidates of a group whose buffers it does not also read. Removing one may require
/// removing others.
fn consistent(cx: &Lowering, group: usize, mut candidates: Vec<Candidate>) -> Vec<Candidate> {
    let read = variables_read(cx, group);
    loop {
        let written: HashSet<VariableId> = candidates.iter().map(|c| c.variable).collect();
        // The variables that are read but not written, by buffer.
        let only_read: HashSet<BufferId> = read
            .iter()
            .filter(|(variable, _)| !written.contains(variable))
            .map(|(_, buffer)| *buffer)
            .collect();
        let before = candidates.len();
        candidates.retain(|c| !only_read.contains(&c.buffer));
        if candidates.len() == before {
            return candidates;
        }
    }
}

/// Returns the variables that a group reads, and their buffers.
fn variables_read(cx: &Lowering, group: usize) -> Vec<(VariableId, BufferId)> {
    let nodes = cx.groups.get(group).into_iter().flat_map(|g| g.nodes());
    let roots = nodes
        .flat_map(|n| cx.sources.reads(n))
        .map(|from| from.root);
    let variables = roots.filter_map(|root| match &cx.graph.node(root).op {
        Op::Variable(v) => Some(v.id),
        _ => None,
    });
    let with_buffer = variables.filter_map(|v| Some((v, cx.variable_slot(v).ok()?.buffer)));
    with_buffer.collect()
}

/// Returns whether group `g` may overwrite the variable that `leaf` reads: no later group needs the
/// old value, and its own epilogue reads it element by element.
fn may_replace(cx: &Lowering, leaf: NodeId, g: usize) -> bool {
    let Some(group) = cx.groups.get(g) else {
        return false;
    };
    let reads_leaf = |n: NodeId| cx.sources.reads(n).iter().any(|f| f.root == leaf);
    let in_order = |n: NodeId| {
        let mut reads = cx.sources.reads(n).iter();
        reads.all(|f| f.root != leaf || f.view.is_contiguous())
    };
    let copied = |n: NodeId| {
        let from = cx.sources.copied(cx.graph, n);
        from.is_some_and(|f| f.root == leaf)
    };
    let by_later = cx.readers(leaf).last().is_some_and(|last| *last > g);
    let by_prologue = group
        .prologue
        .iter()
        .chain(&group.anchor)
        .copied()
        .any(reads_leaf);
    let mut epilogue = group.epilogue.iter().copied();
    !by_later
        && !by_prologue
        && epilogue.all(|n| in_order(n) && !(cx.sources.is_copy(n) && copied(n)))
}
