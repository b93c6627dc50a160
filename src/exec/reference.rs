//! The reference: evaluates the graph with naive mathematics in f64, node by node, without fusion.

use std::collections::HashMap;

use crate::graph::{Graph, NodeId, Op};
use crate::ops::Array;
use crate::{Error, Result};

/// The initial values of a run: inputs (by name) and variables (by index).
#[derive(Clone, Debug, Default)]
pub struct Values {
    /// Inputs, by name.
    pub inputs: HashMap<String, Array>,
    /// Variables, by index.
    pub variables: Vec<Array>,
}

/// Returns the value of every node on which the graph's roots depend; `None` for the others.
pub fn evaluate(graph: &Graph, values: &Values) -> Result<Vec<Option<Array>>> {
    let mut needed = vec![false; graph.nodes().len()];
    for id in graph.roots() {
        needed[id.index()] = true;
    }
    for id in graph
        .ids()
        .rev()
        .filter(|id| needed[id.index()])
        .collect::<Vec<_>>()
    {
        mark(graph, id, &mut needed);
    }
    let mut results: Vec<Option<Array>> = vec![None; graph.nodes().len()];
    for id in graph.ids() {
        if needed[id.index()] {
            results[id.index()] = Some(evaluate_node(graph, id, values, &results)?);
        }
    }
    Ok(results)
}

fn mark(graph: &Graph, id: NodeId, needed: &mut [bool]) {
    let mut stack = vec![id];
    while let Some(id) = stack.pop() {
        for &input in &graph.node(id).inputs {
            if !std::mem::replace(&mut needed[input.index()], true) {
                stack.push(input);
            }
        }
    }
}

/// Evaluates a node from the values of its inputs.
pub fn evaluate_node(
    graph: &Graph,
    id: NodeId,
    values: &Values,
    results: &[Option<Array>],
) -> Result<Array> {
    let node = graph.node(id);
    let missing = |what: String| Error::argument(what, "missing", "a value for this run");
    let given = match &node.op {
        Op::Input(input) => Some(
            values
                .inputs
                .get(&input.name)
                .ok_or_else(|| missing(format!("input {:?}", input.name)))?,
        ),
        Op::Variable(v) => Some(
            values
                .variables
                .get(v.id.index())
                .ok_or_else(|| missing(format!("variable {}", v.id.0)))?,
        ),
        _ => None,
    };
    if let Some(given) = given {
        if given.shape != node.meta.shape {
            let expected = format!("of shape {}", node.meta.shape);
            return Err(Error::argument(
                format!("{:?}", node.op),
                &given.shape,
                expected,
            ));
        }
        return Ok(given.clone());
    }
    let mut x = Vec::with_capacity(node.inputs.len());
    for input in &node.inputs {
        x.push(results[input.index()].as_ref().ok_or_else(|| {
            Error::internal(
                "reference",
                format!("node {} is used before it is computed", input.0),
            )
        })?);
    }
    let mut y = Array::zeros(node.meta.shape.clone());
    node.op.def().reference(&x, &mut y);
    Ok(y)
}
