//! Reverse-mode automatic differentiation, as a transformation of the graph.
//!
//! From a scalar loss and the tensors to differentiate with respect to, it appends the gradient
//! nodes to the same graph, in one walk over the forward nodes in reverse. It names no op: each op
//! has its own rule, and a tensor may have a rule that takes precedence.

use std::rc::Rc;
use std::sync::Arc;

use crate::graph::{Backward, Grads, NodeId, Phase, Rule, Tensor};
use crate::{DType, Error, Result, Shape, Source};

impl Tensor {
    /// Gives this tensor, which other ops compute from `inputs`, its own gradient rule. The
    /// gradients that `rule` returns flow to `inputs`, and none flows through the ops in between.
    /// In `rule`, `x` are the `inputs`.
    ///
    /// It is for a composition whose gradient, written by hand, takes fewer passes through memory
    /// or is more accurate than that of the composed ops.
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
            let reason = "the inputs of a gradient rule must be created before its tensor";
            return self.record_error("with_gradient", reason.to_string(), Source::caller());
        }
        let grad = Arc::new(rule);
        self.graph_mut().rules.insert(id, Rule { inputs, grad });
        self
    }
}

/// Returns the gradients of `loss` (an `f32` scalar) with respect to each of `wrt`, in order;
/// `None` if the loss does not depend on it. The new nodes belong to the backward phase, and to the
/// layer and the source line of their forward node.
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
        let reason = format!("expected a scalar f32, found {dtype}{shape}; take its mean or sum");
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

/// Returns the gradients with respect to each of `wrt`, through the nodes from `first` to `y`,
/// where `dy` is the gradient with respect to `y`. It is called while gradients are traced.
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

/// Returns, for each node up to the loss, whether a gradient must flow through it to one of `wrt`.
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
