//! Which variables' new values are computed in the variables' own places.

use crate::Result;
use crate::graph::{NodeId, Op, VariableId};

use super::BufferId;
use super::lower::Lowering;
use super::memory::group_of;

/// An assignment that may be computed in place, as far as its own variable goes.
struct Candidate {
    /// Which of the graph's assignments.
    assign: usize,
    variable: VariableId,
    buffer: BufferId,
    group: usize,
}

/// By assignment: whether the value is computed in its variable's place. It is not where the old value is still
/// needed then, where the value has a place already (`taken`), or where its group reads another variable of the
/// same buffer, which no dispatch may do: the running statistics of a layer and its frozen weight, say. (If that
/// one is written in the same group too, the buffer is only written, in parts.)
pub(super) fn in_place(cx: &Lowering, taken: impl Fn(NodeId) -> bool) -> Result<Vec<bool>> {
    let mut candidates = Vec::new();
    for (i, assign) in cx.graph.assigns.iter().enumerate() {
        let home = cx.sources.home(assign.node);
        let leaf = cx.graph.variable_node(assign.variable);
        let group = group_of(cx, home)
            .filter(|&g| !taken(home) && leaf.is_none_or(|leaf| may_replace(cx, leaf, g)));
        if let Some(group) = group {
            candidates.push(Candidate {
                assign: i,
                variable: assign.variable,
                buffer: cx.variable_slot(assign.variable)?.buffer,
                group,
            });
        }
    }
    // One that is out may put others out.
    while let Some(out) = candidates
        .iter()
        .position(|c| reads_its_buffer(cx, c, &candidates))
    {
        candidates.remove(out);
    }
    let mut in_place = vec![false; cx.graph.assigns.len()];
    for candidate in candidates {
        if let Some(place) = in_place.get_mut(candidate.assign) {
            *place = true;
        }
    }
    Ok(in_place)
}

/// Whether the candidate's group only reads another variable of the buffer that it writes.
fn reads_its_buffer(cx: &Lowering, c: &Candidate, candidates: &[Candidate]) -> bool {
    let written = |v: VariableId| {
        let mut all = candidates.iter();
        all.any(|other| other.variable == v && other.group == c.group)
    };
    let nodes = cx.groups.get(c.group).into_iter().flat_map(|g| g.nodes());
    let roots = nodes.flat_map(|n| {
        let copied = cx.sources.copied(cx.graph, n).map(|f| f.root);
        cx.sources.reads(n).iter().map(|f| f.root).chain(copied)
    });
    let variables = roots.filter_map(|root| match &cx.graph.node(root).op {
        Op::Variable(v) => Some(v.id),
        _ => None,
    });
    let mut others = variables.filter(|v| *v != c.variable && !written(*v));
    others.any(|v| {
        cx.variable_slot(v)
            .is_ok_and(|slot| slot.buffer == c.buffer)
    })
}

/// Whether group `g` may overwrite the variable that `leaf` reads: no later group needs the old value, and
/// its own tail reads it element by element.
fn may_replace(cx: &Lowering, leaf: NodeId, g: usize) -> bool {
    let reads_leaf = |n: NodeId| cx.sources.reads(n).iter().any(|f| f.root == leaf);
    let in_order = |n: NodeId| {
        cx.sources
            .reads(n)
            .iter()
            .all(|f| f.root != leaf || f.view.is_contiguous())
    };
    let copied = |n: NodeId| {
        cx.sources
            .copied(cx.graph, n)
            .is_some_and(|f| f.root == leaf)
    };
    cx.groups
        .iter()
        .enumerate()
        .all(|(i, group)| match i.cmp(&g) {
            std::cmp::Ordering::Less => true,
            std::cmp::Ordering::Equal => {
                let others = group.head.iter().chain(&group.anchor);
                !others.copied().any(reads_leaf)
                    && group
                        .tail
                        .iter()
                        .all(|&n| in_order(n) && !(cx.sources.is_copy(n) && copied(n)))
            }
            std::cmp::Ordering::Greater => !group.nodes().any(|n| reads_leaf(n) || copied(n)),
        })
}
