//! The simplification of views: views of views, of constants and of padded tensors.

use crate::graph::{BroadcastTo, Constant, Graph, Node, NodeId, Op, Pad, Permute, Reshape, Slice};
use crate::ops::Simplified;

/// Returns the only input of a node.
fn input<'a>(graph: &'a Graph, node: &Node) -> Option<(NodeId, &'a Node)> {
    node.inputs.first().map(|&id| (id, graph.node(id)))
}

pub(super) fn reshape(op: &Reshape, graph: &Graph, node: &Node) -> Option<Simplified> {
    let (id, x) = input(graph, node)?;
    if x.meta.shape == node.meta.shape {
        return Some(Simplified::Node(id));
    }
    match &x.op {
        Op::Reshape(_) => Some(Simplified::Op(Op::Reshape(op.clone()), x.inputs.clone())),
        Op::Constant(c) => Some(refill(c, node)),
        _ => None,
    }
}

pub(super) fn permute(op: &Permute, graph: &Graph, node: &Node) -> Option<Simplified> {
    let (_, x) = input(graph, node)?;
    match &x.op {
        Op::Constant(c) => Some(refill(c, node)),
        Op::Permute(inner) => {
            let axes: Vec<usize> = op.axes.iter().map(|&a| inner.axes[a]).collect();
            let identity = axes.iter().copied().eq(0..axes.len());
            Some(match identity {
                true => Simplified::Node(*x.inputs.first()?),
                false => Simplified::Op(Op::Permute(Permute { axes }), x.inputs.clone()),
            })
        }
        // Only axes of size 1 move, so the elements keep their order.
        _ if keeps_order(&op.axes, &x.meta.shape) => Some(as_reshape(node)),
        _ => None,
    }
}

pub(super) fn broadcast_to(_: &BroadcastTo, graph: &Graph, node: &Node) -> Option<Simplified> {
    let (id, x) = input(graph, node)?;
    if x.meta.shape == node.meta.shape {
        return Some(Simplified::Node(id));
    }
    if x.meta.shape.len() == node.meta.shape.len() {
        return Some(as_reshape(node));
    }
    match &x.op {
        Op::Constant(c) => Some(refill(c, node)),
        Op::BroadcastTo(_) => {
            let op = Op::BroadcastTo(BroadcastTo {
                to: node.meta.shape.clone(),
            });
            Some(Simplified::Op(op, x.inputs.clone()))
        }
        _ => None,
    }
}

pub(super) fn slice(op: &Slice, graph: &Graph, node: &Node) -> Option<Simplified> {
    let (id, x) = input(graph, node)?;
    match &x.op {
        _ if x.meta.shape == node.meta.shape => Some(Simplified::Node(id)),
        Op::Pad(pad) => unpadded(graph, op, pad, x),
        Op::Constant(c) => Some(refill(c, node)),
        _ => None,
    }
}

/// A slice of a padded tensor that excludes the padding is a slice of the tensor.
fn unpadded(graph: &Graph, slice: &Slice, pad: &Pad, padded: &Node) -> Option<Simplified> {
    let inner = *padded.inputs.first()?;
    let size = *graph.meta(inner).shape.get(pad.axis)?;
    let (start, len) = (*slice.start.get(pad.axis)?, *slice.len.get(pad.axis)?);
    let reach = len.checked_sub(1)? * slice.step.get(pad.axis)? + 1;
    let from = start.checked_sub(pad.before)?;
    if pad.step != 1 || from + reach > size {
        return None;
    }
    let mut slice = slice.clone();
    *slice.start.get_mut(pad.axis)? = from;
    Some(Simplified::Op(Op::Slice(slice), vec![inner]))
}

/// Returns the node as a reshape of its input.
pub(in crate::ops) fn as_reshape(node: &Node) -> Simplified {
    Simplified::Op(
        Op::Reshape(Reshape {
            to: node.meta.shape.clone(),
        }),
        node.inputs.clone(),
    )
}

/// Returns the constant `c` in the shape of `node`.
fn refill(c: &Constant, node: &Node) -> Simplified {
    let constant = Constant {
        value: c.value,
        shape: node.meta.shape.clone(),
        dtype: c.dtype,
    };
    Simplified::Op(Op::Constant(constant), Vec::new())
}

fn keeps_order(axes: &[usize], shape: &[usize]) -> bool {
    let long: Vec<usize> = axes
        .iter()
        .copied()
        .filter(|&a| shape.get(a) != Some(&1))
        .collect();
    long.windows(2).all(|w| w[0] < w[1])
}
