//! The simplification of functions: constant folding, neutral elements and involutions.

use crate::graph::{Constant, Elementwise, Graph, Node, NodeId, Op, Scalar};
use crate::ops::Simplified;

pub(super) fn simplify(e: &Elementwise, graph: &Graph, node: &Node) -> Option<Simplified> {
    fold(e, graph, node).or_else(|| algebra(e, graph, node))
}

fn constant(graph: &Graph, id: NodeId) -> Option<f64> {
    match &graph.node(id).op {
        Op::Constant(c) => Some(c.value.0),
        _ => None,
    }
}

/// Replaces a function of constants by a constant.
fn fold(e: &Elementwise, graph: &Graph, node: &Node) -> Option<Simplified> {
    if e.function.uses_index {
        return None;
    }
    let x: Option<Vec<f64>> = node.inputs.iter().map(|&id| constant(graph, id)).collect();
    let constants: Vec<f64> = e.constants.iter().map(|c| c.0).collect();
    let value = (e.function.reference)(0, &x?, &constants);
    let (shape, dtype) = (node.meta.shape.clone(), node.meta.dtype);
    Some(Simplified::Op(
        Op::Constant(Constant {
            value: Scalar(value),
            shape,
            dtype,
        }),
        Vec::new(),
    ))
}

/// Applies the rules of the function's [`Algebra`](crate::graph::Algebra).
fn algebra(e: &Elementwise, graph: &Graph, node: &Node) -> Option<Simplified> {
    let algebra = e.function.algebra;
    let is = |i: usize, neutral: Option<f64>| {
        let value = node.inputs.get(i).and_then(|&id| constant(graph, id));
        neutral.is_some() && value == neutral
    };
    let keep = |i: usize| node.inputs.get(i).map(|&id| Simplified::Node(id));
    if is(1, algebra.right_identity) {
        return keep(0);
    }
    if is(0, algebra.left_identity) {
        return keep(1);
    }
    if !algebra.is_involution {
        return None;
    }
    let inner = graph.node(*node.inputs.first()?);
    match &inner.op {
        Op::Elementwise(inside) if inside.function == e.function => {
            inner.inputs.first().map(|&id| Simplified::Node(id))
        }
        _ => None,
    }
}
