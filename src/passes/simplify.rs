//! Simplification: creates a smaller graph with the same values.
//!
//! It walks once over the nodes that are needed, which removes dead code. For each node it first
//! tries the rule of its op ([`OpDef::simplify`](crate::ops::OpDef::simplify)), and then searches
//! for an equal node (common subexpressions).

use std::collections::HashMap;

use crate::Result;
use crate::graph::{Graph, Node, NodeId, Op};
use crate::ops::Simplified;

use super::verify;

/// Returns the simplified graph. Outputs, assignments and variables keep their names and order.
pub fn simplify(graph: &Graph) -> Result<Graph> {
    verify(graph, "tracing")?;
    let mut rewriter = Rewriter {
        graph: graph.emptied(),
        seen: HashMap::new(),
    };
    let mut map: Vec<Option<NodeId>> = vec![None; graph.nodes().len()];
    let needed = needed(graph);
    for id in graph.ids().filter(|id| needed[id.index()]) {
        let node = graph.node(id);
        let inputs: Vec<NodeId> = node.inputs.iter().filter_map(|i| map[i.index()]).collect();
        map[id.index()] = Some(rewriter.add(&Node {
            inputs,
            ..node.clone()
        })?);
    }
    let of = |id: NodeId| map[id.index()].unwrap_or(id);
    let mut result = rewriter.graph;
    graph.hand_roots_to(&mut result, of);
    let result = without_dead(result);
    verify(&result, "simplify")?;
    Ok(result)
}

/// Returns, for each node, whether the roots depend on it.
fn needed(graph: &Graph) -> Vec<bool> {
    let mut needed = vec![false; graph.nodes().len()];
    for id in graph.roots() {
        needed[id.index()] = true;
    }
    for id in graph.ids().rev() {
        if needed[id.index()] {
            for input in &graph.node(id).inputs {
                needed[input.index()] = true;
            }
        }
    }
    needed
}

/// Removes the nodes that the rules have made unused.
fn without_dead(graph: Graph) -> Graph {
    let needed = needed(&graph);
    let mut result = graph.emptied();
    let mut map: Vec<NodeId> = graph.ids().collect();
    for id in graph.ids().filter(|id| needed[id.index()]) {
        let node = graph.node(id);
        let inputs = node.inputs.iter().map(|i| map[i.index()]).collect();
        map[id.index()] = result.push(Node {
            inputs,
            ..node.clone()
        });
    }
    let of = |id: NodeId| map[id.index()];
    graph.hand_roots_to(&mut result, of);
    result
}

struct Rewriter {
    graph: Graph,
    seen: HashMap<(Op, Vec<NodeId>), NodeId>,
}

impl Rewriter {
    /// Returns the node that computes the same value: an existing one, a simpler one, or the node
    /// itself.
    fn add(&mut self, node: &Node) -> Result<NodeId> {
        // Each rule makes the node strictly simpler, so this terminates.
        match node.op.def().simplify(&self.graph, node) {
            Some(Simplified::Node(id)) => return Ok(id),
            Some(Simplified::Op(op, inputs)) => {
                let metas: Vec<_> = inputs.iter().map(|&i| self.graph.meta(i).clone()).collect();
                let inferred = op.def().infer(&metas);
                let meta = inferred.map_err(|reason| crate::Error::internal("simplify", reason))?;
                return self.add(&Node {
                    op,
                    inputs,
                    meta,
                    ..node.clone()
                });
            }
            None => {}
        }
        // Equal nodes of different phases stay separate, so that the update does not move
        // computation forward.
        let key = (node.op.clone(), node.inputs.clone());
        if let Some(&id) = self.seen.get(&key)
            && (self.graph.node(id).phase == node.phase || node.inputs.is_empty())
        {
            return Ok(id);
        }
        let id = self.graph.push(node.clone());
        self.seen.insert(key, id);
        Ok(id)
    }
}
