//! Reverse-mode automatic differentiation, as a transformation of the graph.
//!
//! Takes a scalar loss and the tensors to differentiate by; appends the gradient nodes to the same
//! graph, walking the forward nodes once in reverse. It names no op: each brings its own rule.

use std::rc::Rc;

use crate::graph::{Backward, NodeId, Phase, Tensor};
use crate::{DType, Error, Result, Shape};

/// The gradients of `loss` (an `f32` scalar) with respect to each of `wrt`, in order; `None` where
/// the loss does not depend on it. The new nodes belong to the backward phase and to the source line
/// of the forward node that they come from.
pub fn gradients(loss: &Tensor, wrt: &[Tensor]) -> Result<Vec<Option<Tensor>>> {
    let shared = loss.shared_graph();
    shared.borrow_mut().take_error()?;
    let Some(root) = loss.id() else {
        return Err(Error::internal(
            "autodiff",
            "the loss is broken but no mistake was recorded",
        ));
    };
    let meta = loss.meta();
    if meta.shape != Shape::scalar() || meta.dtype != DType::F32 {
        let (shape, dtype) = (meta.shape, meta.dtype);
        let reason = format!("must be a scalar f32, not {dtype}{shape}; take its mean or sum");
        return Err(Error::model("the loss", reason));
    }
    let needed = reaching(loss, wrt);
    let mut grads: Vec<Option<Tensor>> = vec![None; root.index() + 1];
    shared.borrow_mut().phase = Phase::Backward;
    if let Some(slot) = grads.get_mut(root.index()) {
        *slot = Some(loss.constant_like(1.0));
    }
    let walked = walk(loss, root, &needed, &mut grads);
    let mut graph = shared.borrow_mut();
    graph.set_source_override(None);
    graph.phase = Phase::Forward;
    walked?;
    graph.take_error()?;
    drop(graph);
    let of = |t: &Tensor| {
        t.id()
            .and_then(|id| grads.get(id.index()).cloned().flatten())
    };
    Ok(wrt.iter().map(of).collect())
}

fn walk(loss: &Tensor, root: NodeId, needed: &[bool], grads: &mut [Option<Tensor>]) -> Result<()> {
    let shared = loss.shared_graph();
    for index in (0..=root.index()).rev() {
        let Some(dy) = grads
            .get(index)
            .cloned()
            .flatten()
            .filter(|_| needed[index])
        else {
            continue;
        };
        let id = NodeId(index as u32);
        let node = shared.borrow().node(id).clone();
        if node.inputs.is_empty() {
            continue;
        }
        shared.borrow_mut().set_source_override(Some(node.source));
        let handle = |id: &NodeId| Tensor::new(Rc::clone(&shared), *id);
        let x: Vec<Tensor> = node.inputs.iter().map(handle).collect();
        let rule = node.op.def().grad(&Backward {
            x: &x,
            y: &handle(&id),
            dy: &dy,
        });
        let dx = rule.map_err(|reason| Error::Op {
            op: node.op.name(),
            inputs: x.iter().map(|t| (t.shape(), t.dtype())).collect(),
            reason,
            at: node.source,
            scope: node.scope.clone(),
        })?;
        if dx.len() != x.len() {
            let detail = format!(
                "{:?} has {} inputs but gave {} gradients",
                node.op,
                x.len(),
                dx.len()
            );
            return Err(Error::internal("autodiff", detail));
        }
        for (input, dx) in node.inputs.iter().zip(dx) {
            let Some(dx) = dx.filter(|_| needed[input.index()]) else {
                continue;
            };
            if dx.id().is_some() && dx.shape() != shared.borrow().meta(*input).shape {
                let detail = format!("{:?} gave a gradient of shape {}", node.op, dx.shape());
                return Err(Error::internal("autodiff", detail));
            }
            if let Some(slot) = grads.get_mut(input.index()) {
                *slot = Some(match slot.take() {
                    Some(sum) => sum + dx,
                    None => dx,
                });
            }
        }
    }
    Ok(())
}

/// For each node up to the loss: whether a gradient must flow through it to one of `wrt`.
fn reaching(loss: &Tensor, wrt: &[Tensor]) -> Vec<bool> {
    let graph = loss.graph();
    let mut needed = vec![false; graph.nodes().len()];
    for id in wrt.iter().filter_map(Tensor::id) {
        needed[id.index()] = true;
    }
    for (i, node) in graph.nodes().iter().enumerate() {
        needed[i] |= node.inputs.iter().any(|id| needed[id.index()]);
    }
    needed
}
