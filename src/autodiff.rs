//! Reverse-mode automatic differentiation, as a transformation of the graph.
//!
//! Takes a scalar loss and the tensors to differentiate by; appends the gradient nodes to the same
//! graph, walking the forward nodes once in reverse. It names no op: each brings its own rule, and a tensor
//! may bring one that goes before it.

use std::rc::Rc;
use std::sync::Arc;

use crate::graph::{Backward, Grads, NodeId, Phase, Rule, Tensor};
use crate::{DType, Error, Result, Shape, Source};

impl Tensor {
    /// Gives this tensor, computed from `inputs` by other ops, a gradient rule of its own: the gradient goes
    /// to `inputs` as `rule` says, and none through the ops in between. `rule` sees `inputs` as `x`.
    ///
    /// For a composition whose gradient, written by hand, takes fewer passes through memory or is more
    /// accurate than the one put together from its parts.
    #[track_caller]
    pub fn with_gradient(
        self,
        inputs: &[&Tensor],
        rule: impl Fn(&Backward) -> Grads + Send + Sync + 'static,
    ) -> Tensor {
        let known: Option<Vec<NodeId>> = inputs.iter().map(|x| x.id()).collect();
        let (Some(id), Some(inputs)) = (self.id(), known) else {
            return Tensor::broken(self.shared_graph());
        };
        if inputs.iter().any(|x| *x >= id) {
            let reason = "the inputs of a gradient rule must be made before its tensor";
            return self.record_error("with_gradient", reason.to_string(), Source::caller());
        }
        let grad = Arc::new(rule);
        self.graph_mut().rules.insert(id, Rule { inputs, grad });
        self
    }
}

/// The gradients of `loss` (an `f32` scalar) with respect to each of `wrt`, in order; `None` where
/// the loss does not depend on it. The new nodes belong to the backward phase, and to the layer and
/// the source line of the forward node that they come from.
pub fn gradients(loss: &Tensor, wrt: &[Tensor]) -> Result<Vec<Option<Tensor>>> {
    let shared = loss.shared_graph();
    shared.borrow_mut().take_error()?;
    let Some(root) = loss.id() else {
        return Err(Error::internal(
            "autodiff",
            "the loss is broken but no error was recorded",
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
    let walked = walk(loss, (NodeId(0), root), &needed, &mut grads);
    let mut graph = shared.borrow_mut();
    graph.set_source_override(None);
    graph.phase = Phase::Forward;
    walked?;
    graph.take_error()?;
    drop(graph);
    Ok(taken(&grads, wrt))
}

/// The gradients with respect to each of `wrt`, where the gradient with respect to `y` is `dy`, through the
/// nodes from `first` to `y`. Called while gradients are traced.
pub(crate) fn pull_back(
    y: &Tensor,
    dy: &Tensor,
    first: NodeId,
    wrt: &[Tensor],
) -> Result<Vec<Option<Tensor>>> {
    let Some(root) = y.id() else {
        return Ok(vec![None; wrt.len()]);
    };
    let needed = reaching(y, wrt);
    let mut grads: Vec<Option<Tensor>> = vec![None; root.index() + 1];
    if let Some(slot) = grads.get_mut(root.index()) {
        *slot = Some(dy.clone());
    }
    walk(y, (first, root), &needed, &mut grads)?;
    Ok(taken(&grads, wrt))
}

fn taken(grads: &[Option<Tensor>], wrt: &[Tensor]) -> Vec<Option<Tensor>> {
    let of = |t: &Tensor| grads.get(t.id()?.index()).cloned().flatten();
    wrt.iter().map(of).collect()
}

/// Walks the nodes from `root` back to `first`.
fn walk(
    loss: &Tensor,
    (first, root): (NodeId, NodeId),
    needed: &[bool],
    grads: &mut [Option<Tensor>],
) -> Result<()> {
    let shared = loss.shared_graph();
    for index in (first.index()..=root.index()).rev() {
        let Some(dy) = grads
            .get(index)
            .cloned()
            .flatten()
            .filter(|_| needed[index])
        else {
            continue;
        };
        let id = NodeId(index as u32);
        let (node, own) = {
            let graph = shared.borrow();
            (graph.node(id).clone(), graph.rules.get(&id).cloned())
        };
        let inputs = own.as_ref().map_or(&node.inputs, |own| &own.inputs);
        if inputs.is_empty() {
            continue;
        }
        {
            let mut graph = shared.borrow_mut();
            graph.set_source_override(Some(node.source));
            graph.enter(&node.scope, None);
        }
        let handle = |id: &NodeId| Tensor::new(Rc::clone(&shared), *id);
        let x: Vec<Tensor> = inputs.iter().map(handle).collect();
        let backward = Backward {
            x: &x,
            y: &handle(&id),
            dy: &dy,
        };
        let gradients = match &own {
            Some(own) => (own.grad)(&backward),
            None => node.op.def().grad(&backward),
        };
        let dx = gradients.map_err(|reason| Error::Op {
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
        for (input, dx) in inputs.iter().zip(dx) {
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
        shared.borrow_mut().leave();
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
        let own = graph.rules.get(&NodeId(i as u32)).map(|own| &own.inputs);
        let mut inputs = own.unwrap_or(&node.inputs).iter();
        needed[i] |= inputs.any(|id| needed[id.index()]);
    }
    needed
}
