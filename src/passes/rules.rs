//! The rules of simplification: constant folding, algebra, and views that cancel.
//!
//! A rule keeps every bit of the result: `x * 1` and `x + 0` are `x`, but `(x * a) * b` is not
//! `x * (a b)`.

use crate::graph::{
    BroadcastTo, Constant, Elementwise, Graph, Matmul, Node, NodeId, Op, Pad, Permute, Reshape,
    Scalar, Slice,
};

/// Something simpler than a node.
pub(super) enum Simpler {
    /// A node that exists.
    Node(NodeId),
    /// Another op.
    Op(Op, Vec<NodeId>),
}

/// One step of simplification; `None` where nothing applies.
pub(super) fn simplify_node(graph: &Graph, node: &Node) -> Option<Simpler> {
    let input = |i: usize| node.inputs.get(i).map(|&id| (id, graph.node(id)));
    match &node.op {
        Op::Elementwise(e) => fold(graph, node, e).or_else(|| algebra(graph, node, e)),
        Op::Reshape(_) => {
            let (id, x) = input(0)?;
            if x.meta.shape == node.meta.shape {
                return Some(Simpler::Node(id));
            }
            match &x.op {
                Op::Reshape(_) => Some(Simpler::Op(node.op.clone(), x.inputs.clone())),
                Op::Constant(c) => Some(refill(c, node)),
                _ => None,
            }
        }
        Op::Permute(p) => {
            let (_, x) = input(0)?;
            match &x.op {
                Op::Constant(c) => Some(refill(c, node)),
                Op::Permute(q) => {
                    let axes: Vec<usize> = p.axes.iter().map(|&a| q.axes[a]).collect();
                    let identity = axes.iter().copied().eq(0..axes.len());
                    Some(match identity {
                        true => Simpler::Node(*x.inputs.first()?),
                        false => Simpler::Op(Op::Permute(Permute { axes }), x.inputs.clone()),
                    })
                }
                // Only axes of size 1 move: the elements keep their order.
                _ if keeps_order(&p.axes, &x.meta.shape) => Some(as_reshape(node)),
                _ => None,
            }
        }
        Op::BroadcastTo(_) => {
            let (id, x) = input(0)?;
            if x.meta.shape == node.meta.shape {
                return Some(Simpler::Node(id));
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
                    Some(Simpler::Op(op, x.inputs.clone()))
                }
                _ => None,
            }
        }
        Op::Slice(slice) => {
            let (id, x) = input(0)?;
            match &x.op {
                _ if x.meta.shape == node.meta.shape => Some(Simpler::Node(id)),
                Op::Pad(pad) => unpadded(graph, slice, pad, x),
                Op::Constant(c) => Some(refill(c, node)),
                _ => None,
            }
        }
        Op::Reduce(r) => {
            let (_, x) = input(0)?;
            let one = x.meta.shape.get(r.from..r.to)?.iter().all(|&d| d == 1);
            one.then(|| as_reshape(node))
        }
        Op::Matmul(m) => transposed(graph, node, *m),
        _ => None,
    }
}

/// A slice of a padded tensor that takes none of the zeros is a slice of the tensor.
fn unpadded(graph: &Graph, slice: &Slice, pad: &Pad, padded: &Node) -> Option<Simpler> {
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
    Some(Simpler::Op(Op::Slice(slice), vec![inner]))
}

fn as_reshape(node: &Node) -> Simpler {
    Simpler::Op(
        Op::Reshape(Reshape {
            to: node.meta.shape.clone(),
        }),
        node.inputs.clone(),
    )
}

/// The constant `c` in the shape of `node`.
fn refill(c: &Constant, node: &Node) -> Simpler {
    let constant = Constant {
        value: c.value,
        shape: node.meta.shape.clone(),
        dtype: c.dtype,
    };
    Simpler::Op(Op::Constant(constant), Vec::new())
}

fn keeps_order(axes: &[usize], shape: &[usize]) -> bool {
    let long: Vec<usize> = axes
        .iter()
        .copied()
        .filter(|&a| shape.get(a) != Some(&1))
        .collect();
    long.windows(2).all(|w| w[0] < w[1])
}

fn constant(graph: &Graph, id: NodeId) -> Option<f64> {
    match &graph.node(id).op {
        Op::Constant(c) => Some(c.value.0),
        _ => None,
    }
}

/// A function of constants is a constant.
fn fold(graph: &Graph, node: &Node, e: &Elementwise) -> Option<Simpler> {
    if e.function.uses_index {
        return None;
    }
    let x: Option<Vec<f64>> = node.inputs.iter().map(|&id| constant(graph, id)).collect();
    let constants: Vec<f64> = e.constants.iter().map(|c| c.0).collect();
    let value = (e.function.reference)(0, &x?, &constants);
    let (shape, dtype) = (node.meta.shape.clone(), node.meta.dtype);
    Some(Simpler::Op(
        Op::Constant(Constant {
            value: Scalar(value),
            shape,
            dtype,
        }),
        Vec::new(),
    ))
}

/// Neutral elements and double negation.
fn algebra(graph: &Graph, node: &Node, e: &Elementwise) -> Option<Simpler> {
    let at = |i: usize| node.inputs.get(i).copied();
    let value = |i: usize| at(i).and_then(|id| constant(graph, id));
    let keep = |i: usize| at(i).map(Simpler::Node);
    match e.function.name {
        "mul" if value(1) == Some(1.0) => keep(0),
        "mul" if value(0) == Some(1.0) => keep(1),
        "div" if value(1) == Some(1.0) => keep(0),
        "add" if value(1) == Some(0.0) => keep(0),
        "add" if value(0) == Some(0.0) => keep(1),
        "sub" if value(1) == Some(0.0) => keep(0),
        "neg" => {
            let inner = graph.node(at(0)?);
            match &inner.op {
                Op::Elementwise(e) if e.function.name == "neg" => {
                    inner.inputs.first().map(|&id| Simpler::Node(id))
                }
                _ => None,
            }
        }
        _ => None,
    }
}

/// A product of a transposed matrix reads the matrix itself.
fn transposed(graph: &Graph, node: &Node, m: Matmul) -> Option<Simpler> {
    let swaps = |id: NodeId| match &graph.node(id).op {
        Op::Permute(p) => {
            let n = p.axes.len();
            let swapped = n >= 2
                && p.axes[..n - 2].iter().copied().eq(0..n - 2)
                && p.axes[n - 2..] == [n - 1, n - 2];
            swapped
                .then(|| graph.node(id).inputs.first().copied())
                .flatten()
        }
        _ => None,
    };
    let (&a, &b) = (node.inputs.first()?, node.inputs.get(1)?);
    match (swaps(a), swaps(b)) {
        (None, None) => None,
        (x, y) => {
            let op = Op::Matmul(Matmul {
                ta: m.ta ^ x.is_some(),
                tb: m.tb ^ y.is_some(),
            });
            Some(Simpler::Op(op, vec![x.unwrap_or(a), y.unwrap_or(b)]))
        }
    }
}
