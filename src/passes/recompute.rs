//! Recomputation: values that the backward pass reads are computed again instead of stored.
//!
//! Chen et al., "Training deep nets with sublinear memory cost" (2016). The values of the forward
//! pass stay in memory until their gradients are computed, and take most of a training step's
//! memory. A value that is computed again just before it is used does not stay in memory. It is the
//! same op on the same inputs, so the bits are the same.
//!
//! [`saved`] returns these values in the order in which they should be recomputed; [`recompute`]
//! creates the graph that does so. The memory limit of a training run determines how many, by
//! planning: see `train`.

use crate::Result;
use crate::graph::{Graph, Node, NodeId, Phase};
use crate::ops::OpKind;

/// Returns the values that the forward pass stores for the backward pass, those first that cost the
/// least time for their bytes. Of equal ones, the earlier stay in memory longer and come first.
pub fn saved(graph: &Graph) -> Vec<NodeId> {
    let kept = waiting(graph);
    let ids = graph.ids().filter(|id| kept[id.index()]);
    let mut all: Vec<(f64, NodeId)> = ids
        .map(|id| {
            let time: f64 = needed(graph, id, |of| kept[of.index()] && of != id)
                .iter()
                .map(|&n| seconds(graph, graph.node(n)))
                .sum();
            (time / graph.meta(id).bytes().max(1) as f64, id)
        })
        .collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    all.into_iter().map(|(_, id)| id).collect()
}

/// Returns the graph in which the backward pass computes these of its [`saved`] values again.
pub fn recompute(graph: &Graph, values: &[NodeId]) -> Result<Graph> {
    let mut kept = waiting(graph);
    for id in graph.roots() {
        kept[base(graph, id).index()] = true;
    }
    for id in values {
        kept[id.index()] = false;
    }
    let mut pass = Pass {
        old: graph,
        graph: graph.emptied(),
        kept,
        same: Vec::with_capacity(graph.nodes().len()),
        again: vec![None; graph.nodes().len()],
    };
    for id in graph.ids() {
        let node = graph.node(id);
        let inputs = node.inputs.iter().map(|&x| match node.phase {
            Phase::Forward => pass.same[x.index()],
            _ => pass.again(x),
        });
        let inputs = inputs.collect();
        let same = pass.graph.push(Node {
            inputs,
            ..node.clone()
        });
        pass.same.push(same);
    }
    let Pass {
        graph: mut result,
        same,
        ..
    } = pass;
    graph.hand_roots_to(&mut result, |id| same[id.index()]);
    super::verify(&result, "recomputation")?;
    Ok(result)
}

/// Estimates the time to compute a node, for comparisons. A laptop's GPU computes 50 operations in
/// the time in which it moves five bytes.
fn seconds(graph: &Graph, node: &Node) -> f64 {
    let x = graph.metas(&node.inputs);
    let def = node.op.def();
    match def.kind() {
        OpKind::Leaf | OpKind::Constant(_) | OpKind::Alias | OpKind::View(_) => 0.0,
        OpKind::Elementwise { .. } | OpKind::Kernel(_) => {
            let read: u64 = x.iter().map(|meta| meta.bytes()).sum();
            let bytes = read + node.meta.bytes();
            def.flops(&x, &node.meta) / 50e9 + bytes as f64 / 5e9
        }
    }
}

fn is_computed(node: &Node) -> bool {
    matches!(
        node.op.def().kind(),
        OpKind::Elementwise { .. } | OpKind::Kernel(_)
    )
}

/// Returns the node whose elements a view reads.
fn base(graph: &Graph, mut id: NodeId) -> NodeId {
    while let OpKind::Alias | OpKind::View(_) = graph.node(id).op.def().kind() {
        match graph.node(id).inputs.first() {
            Some(&viewed) => id = viewed,
            None => break,
        }
    }
    id
}

/// Returns, for each node, whether only the backward pass still reads it, directly or through
/// views. Outputs and assigned values have their own slots in any case.
fn waiting(graph: &Graph) -> Vec<bool> {
    let mut waiting = vec![false; graph.nodes().len()];
    for id in graph.ids() {
        let node = graph.node(id);
        for &x in node
            .inputs
            .iter()
            .filter(|_| node.phase != Phase::Forward && is_computed(node))
        {
            let base = base(graph, x);
            let read = graph.node(base);
            waiting[base.index()] |= read.phase == Phase::Forward && is_computed(read);
        }
    }
    for id in graph.roots() {
        waiting[base(graph, id).index()] = false;
    }
    waiting
}

/// Returns the nodes that must be computed for `id`, in order, if the `kept` values are in memory.
fn needed(graph: &Graph, id: NodeId, kept: impl Fn(NodeId) -> bool) -> Vec<NodeId> {
    let mut needed = Vec::new();
    let mut open = vec![id];
    let mut seen = std::collections::HashSet::new();
    while let Some(id) = open.pop() {
        let node = graph.node(id);
        if kept(id) || node.inputs.is_empty() || !seen.insert(id) {
            continue;
        }
        needed.push(id);
        open.extend(&node.inputs);
    }
    needed.sort();
    needed
}

struct Pass<'a> {
    old: &'a Graph,
    graph: Graph,
    /// By node of the old graph: whether its value is in memory when the backward pass needs it.
    kept: Vec<bool>,
    /// By node of the old graph: the node that computes it here.
    same: Vec<NodeId>,
    /// By node of the old graph: the node that computes it again here, if it exists already.
    again: Vec<Option<NodeId>>,
}

impl Pass<'_> {
    /// Returns a value for the backward pass: the stored one, or one computed again.
    fn again(&mut self, id: NodeId) -> NodeId {
        if self.old.node(id).phase != Phase::Forward {
            return self.same[id.index()];
        }
        let needed = needed(self.old, id, |of| {
            self.kept[of.index()] || self.again[of.index()].is_some()
        });
        for id in needed {
            let node = self.old.node(id);
            let inputs: Vec<NodeId> = node.inputs.iter().map(|&x| self.value(x)).collect();
            // A view of a stored value needs no copy.
            let as_before = node
                .inputs
                .iter()
                .zip(&inputs)
                .all(|(x, y)| self.same[x.index()] == *y);
            let again = match as_before && !is_computed(node) {
                true => self.same[id.index()],
                false => self.graph.push(Node {
                    inputs,
                    phase: Phase::Backward,
                    ..node.clone()
                }),
            };
            self.again[id.index()] = Some(again);
        }
        self.value(id)
    }

    fn value(&self, id: NodeId) -> NodeId {
        self.again[id.index()].unwrap_or(self.same[id.index()])
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::cell::RefCell;
    use std::rc::Rc;

    use super::*;
    use crate::autodiff::gradients;
    use crate::exec::reference::{Values, evaluate};
    use crate::graph::{Assign, Init, Mode, Output, Role, Variable, VariableId};
    use crate::kernel::KernelLimits;
    use crate::ops::{self, Array};
    use crate::plan::{Layout, plan};
    use crate::{DType, Shape, Source};

    const SIZE: usize = 32;

    /// A network of `layers` square matrices with a shortcut around each activation, and its
    /// gradients.
    fn network(layers: usize) -> Graph {
        let mut graph = Graph::new(Mode::Train);
        graph.variables = (0..layers)
            .map(|i| Variable {
                name: format!("{i}.weight"),
                meta: crate::graph::Meta::new([SIZE, SIZE], DType::F32),
                role: Role::Parameter,
                init: Init::Constant(0.0),
                source: Source::caller(),
            })
            .collect();
        let shared = Rc::new(RefCell::new(graph));
        let mut x = ops::input(&shared, "x", [SIZE, SIZE], DType::F32);
        let weights: Vec<_> = (0..layers as u32)
            .map(|i| ops::variable(&shared, VariableId(i)))
            .collect();
        for weight in &weights {
            let h = x.matmul(weight);
            // The transpose is a view of a stored value.
            x = h.tanh() + h.permute(&[1, 0]).sigmoid();
        }
        let loss = x.square().mean(&[0, 1]);
        let grads = gradients(&loss, &weights).unwrap();
        let mut graph = shared.replace(Graph::new(Mode::Train));
        graph.take_error().unwrap();
        graph.outputs.push(Output {
            name: "loss".to_string(),
            node: loss.id().unwrap(),
        });
        for (i, grad) in (0..).zip(grads) {
            let node = grad.unwrap().id().unwrap();
            let variable = VariableId(i);
            graph.gradients.push(Assign { variable, node });
        }
        crate::passes::simplify(&graph).unwrap()
    }

    /// Returns the values of all roots.
    fn values(graph: &Graph) -> Vec<Array> {
        let square = |seed: usize| {
            let number = |i: usize| ((i * 37 + seed * 11) % 97) as f64 / 97.0 - 0.5;
            Array::new(
                Shape::from([SIZE, SIZE]),
                (0..SIZE * SIZE).map(number).collect(),
            )
        };
        let given = Values {
            inputs: [("x".to_string(), square(0))].into(),
            variables: (1..=graph.variables.len()).map(square).collect(),
        };
        let mut all = evaluate(graph, &given).unwrap();
        let roots = graph.roots();
        roots
            .iter()
            .map(|id| all[id.index()].take().unwrap())
            .collect()
    }

    #[test]
    fn whatever_is_computed_again_the_values_are_the_same() {
        let graph = network(3);
        let all = saved(&graph);
        assert!(all.len() >= 6, "{all:?}");
        let want = values(&graph);
        for set in 0..1usize << all.len().min(7) {
            let some = all.iter().enumerate().filter(|(i, _)| set >> i & 1 == 1);
            let some: Vec<NodeId> = some.map(|(_, id)| *id).collect();
            let found = recompute(&graph, &some).unwrap();
            assert!(values(&found) == want, "{some:?}");
            assert!(some.is_empty() || found.nodes().len() > graph.nodes().len());
        }
    }

    #[test]
    fn a_deep_network_takes_less_memory_and_more_work() {
        let graph = network(12);
        let cost = |count: usize| {
            let graph = recompute(&graph, &saved(&graph)[..count]).unwrap();
            let layout = Layout::new(&graph.variables);
            plan(&graph, &layout, &KernelLimits::WEBGPU)
                .unwrap()
                .cost(&layout)
        };
        let (whole, half) = (cost(0), cost(saved(&graph).len() / 2));
        let values = (SIZE * SIZE * 4) as u64;
        assert!(half.bytes + 6 * values <= whole.bytes, "{half:?} {whole:?}");
        assert!(half.flops > whole.flops, "{half:?} {whole:?}");
        assert!(half.flops < 1.5 * whole.flops, "{half:?} {whole:?}");
    }
}
