//! Appends the nodes of tensor methods to the graph.

use std::cell::RefCell;
use std::rc::Rc;

use crate::graph::{Graph, Meta, Mode, Node, NodeId, Op, Tensor};
use crate::ops::{OpKind, elementwise};
use crate::{Error, Result, Source};

impl Tensor {
    /// Appends `op` with `inputs` to the graph of the first input, or records the error. The tensor
    /// methods use this function; it is public for ops without a method.
    pub fn apply(op: Op, inputs: &[&Tensor], caller: Source) -> Tensor {
        let Some(first) = inputs.first() else {
            // Ops without inputs are created by `constant`, `input` and `variable`, never here.
            let graph = std::rc::Rc::new(std::cell::RefCell::new(Graph::new(
                crate::graph::Mode::Eval,
            )));
            return Tensor::broken(graph);
        };
        let shared = first.shared_graph();
        for input in inputs
            .iter()
            .filter(|t| t.id().is_none() && !t.same_graph(first))
        {
            // An error without any tensor has its own graph and moves to this one.
            if let Err(error) = input.graph_mut().take_error() {
                shared.borrow_mut().record(error);
            }
        }
        let Some(ids) = inputs
            .iter()
            .map(|t| t.id())
            .collect::<Option<Vec<NodeId>>>()
        else {
            return Tensor::broken(shared);
        };
        if !inputs.iter().all(|t| t.same_graph(first)) {
            let reason = "the inputs belong to different traces; all inputs of an op must come from the same trace".to_string();
            let mut graph = shared.borrow_mut();
            let error = op_error(&graph, &op, &[], reason, caller);
            graph.record(error);
            drop(graph);
            return Tensor::broken(shared);
        }
        let pushed = shared.borrow_mut().append(op, ids, caller);
        match pushed {
            Ok(id) => Tensor::new(shared, id),
            Err(error) => {
                shared.borrow_mut().record(error);
                Tensor::broken(shared)
            }
        }
    }

    /// Records an error that occurs before there is an op to append.
    pub(crate) fn record_error(&self, op: &'static str, reason: String, caller: Source) -> Tensor {
        Tensor::record_error_of(&[self], op, reason, caller)
    }

    /// Records an error of an op with several tensors, at least one. Errors that follow from an
    /// earlier one are not recorded.
    pub(crate) fn record_error_of(
        tensors: &[&Tensor],
        op: &'static str,
        reason: String,
        caller: Source,
    ) -> Tensor {
        let Some(first) = tensors.first() else {
            return Tensor::broken(Rc::new(RefCell::new(Graph::new(Mode::Eval))));
        };
        if tensors.iter().all(|t| t.id().is_some()) {
            let metas = tensors.iter().map(|t| t.meta());
            let inputs = metas.map(|m| (m.shape, m.dtype)).collect();
            let mut graph = first.graph_mut();
            let error = Error::Op {
                op,
                inputs,
                reason,
                at: graph.attributed_source(caller),
                scope: graph.scope_name(),
            };
            graph.record(error);
        }
        Tensor::broken(first.shared_graph())
    }
}

impl Graph {
    /// Infers the type of a node and appends it.
    pub(crate) fn append(&mut self, op: Op, inputs: Vec<NodeId>, caller: Source) -> Result<NodeId> {
        let inputs = self.readable(&op, inputs, caller)?;
        let metas = self.metas(&inputs);
        let inferred = op.def().infer(&metas).and_then(|meta| {
            // Kernels count elements and words in 32 bits.
            if meta.shape.len() > i32::MAX as usize / 4 {
                return Err(format!(
                    "the result {} has more than 2^29 elements",
                    meta.shape
                ));
            }
            Ok(meta)
        });
        match inferred {
            Ok(meta) => {
                let source = self.attributed_source(caller);
                let scope = self.scope_name();
                let phase = self.phase;
                Ok(self.push(Node {
                    op,
                    inputs,
                    meta,
                    source,
                    scope,
                    phase,
                }))
            }
            Err(reason) => Err(op_error(self, &op, &metas, reason, caller)),
        }
    }
}

impl Graph {
    /// Returns the inputs as the op reads them, converted to `f32` if its kernels do not read half
    /// precision.
    fn readable(&mut self, op: &Op, inputs: Vec<NodeId>, caller: Source) -> Result<Vec<NodeId>> {
        let reads_half = match op.def().kind() {
            OpKind::Kernel(op) => op.fusion(&self.metas(&inputs)).reads_half,
            _ => true,
        };
        let mut readable = inputs;
        for input in readable.iter_mut().filter(|_| !reads_half) {
            let widened = self.meta(*input).dtype;
            if widened.is_half() {
                let function = elementwise::widening(widened);
                *input = self.append(Op::function(function), vec![*input], caller)?;
            }
        }
        Ok(readable)
    }
}

fn op_error(graph: &Graph, op: &Op, metas: &[Meta], reason: String, caller: Source) -> Error {
    Error::Op {
        op: op.name(),
        inputs: metas.iter().map(|m| (m.shape.clone(), m.dtype)).collect(),
        reason,
        at: graph.attributed_source(caller),
        scope: graph.scope_name(),
    }
}
