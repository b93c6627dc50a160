//! Checks the invariants of a graph. A pass that violates one is a bug in wgrad, which is reported
//! with a dump.

use crate::graph::{Graph, Meta};
use crate::{Error, Result};

/// Checks that inputs precede their users, that shapes and types are those that the ops infer, and
/// that every output and assignment refers to a node of the right type.
pub fn verify(graph: &Graph, pass: &'static str) -> Result<()> {
    let broken = |detail: String| Err(Error::internal(pass, format!("{detail}\n{graph}")));
    for (i, node) in graph.nodes().iter().enumerate() {
        if let Some(id) = node.inputs.iter().find(|id| id.index() >= i) {
            return broken(format!(
                "node {i} uses node {}, which does not precede it",
                id.index()
            ));
        }
        let x: Vec<Meta> = node
            .inputs
            .iter()
            .map(|&id| graph.meta(id).clone())
            .collect();
        match node.op.def().infer(&x) {
            Ok(meta) if meta == node.meta => {}
            Ok(meta) => return broken(format!("node {i}: expected {}{}", meta.dtype, meta.shape)),
            Err(reason) => return broken(format!("node {i}: {reason}")),
        }
    }
    for id in graph.roots() {
        if id.index() >= graph.nodes().len() {
            return broken(format!("root {} does not exist", id.index()));
        }
    }
    for assign in graph.assigns.iter().chain(&graph.gradients) {
        let variable = graph.variables.get(assign.variable.index());
        if variable.map(|v| &v.meta) != Some(graph.meta(assign.node)) {
            return broken(format!(
                "node {} does not have the type of its variable",
                assign.node.index()
            ));
        }
    }
    Ok(())
}
