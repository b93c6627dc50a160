//! Mixed precision: what the backward pass reads of the forward pass is kept in 16 bits.
//!
//! Micikevicius et al., "Mixed precision training" (2018), as storage: activations that wait for their gradient are
//! most of a training step's memory, so these are rounded, and everything is still computed in f32. Weights, their
//! gradients and the optimizer's state stay f32, so nothing underflows on the way and no loss needs to be scaled.
//!
//! Which values: those of many elements that the backward pass reads, unless the op's result needs the digits
//! ([`Precision::Full`]). Products whose kernels read half-precision values as they lie do so in the forward pass as well, so that the
//! `f32` value need not be stored at all.

use crate::graph::{Function, Graph, Node, NodeId, Op, Phase};
use crate::ops::elementwise::{narrowing, widening};
use crate::ops::{OpKind, Precision};
use crate::{DType, Error, Result};

/// The smallest value to round: fewer elements save nothing.
const MIN_ELEMENTS: usize = 1 << 10;

/// The graph of a training step with its activations in `half`, which is [`DType::F16`] or [`DType::Bf16`].
pub fn mixed_precision(graph: &Graph, half: DType) -> Result<Graph> {
    let saved = saved(graph);
    let mut pass = Pass {
        graph: graph.emptied(),
        half,
        same: Vec::with_capacity(graph.nodes().len()),
        rounded: Vec::with_capacity(graph.nodes().len()),
    };
    for id in graph.ids() {
        let node = graph.node(id);
        let same = pass.add(node)?;
        pass.same.push(same);
        let rounded = match is_view(node) {
            // A view of a rounded value reads the rounded value.
            true => pass.view(node)?,
            false if saved[id.index()] && is_rounded(node) => Some(pass.round(node, same)),
            false => None,
        };
        pass.rounded.push(rounded);
    }
    let roots: Vec<NodeId> = graph.roots();
    let mut of = pass.same.clone();
    for id in roots {
        of[id.index()] = pass.whole(pass.same[id.index()], graph.node(id));
    }
    let mut result = pass.graph;
    graph.hand_roots_to(&mut result, |id| of[id.index()]);
    super::verify(&result, "mixed precision")?;
    Ok(result)
}

fn is_view(node: &Node) -> bool {
    matches!(node.op.def().kind(), OpKind::Alias | OpKind::View(_))
}

fn is_rounded(node: &Node) -> bool {
    node.phase == Phase::Forward
        && node.meta.dtype == DType::F32
        && node.meta.shape.len() >= MIN_ELEMENTS
        && !node.inputs.is_empty()
        && node.op.def().precision() == Precision::Half
}

/// By node: whether the backward pass reads it, perhaps through views.
fn saved(graph: &Graph) -> Vec<bool> {
    let mut saved = vec![false; graph.nodes().len()];
    for id in graph.ids().rev() {
        let node = graph.node(id);
        let reads = node.phase != Phase::Forward || is_view(node) && saved[id.index()];
        for input in node.inputs.iter().filter(|_| reads) {
            saved[input.index()] = true;
        }
    }
    saved
}

struct Pass {
    graph: Graph,
    half: DType,
    /// By node of the old graph: the one that computes it here.
    same: Vec<NodeId>,
    /// By node of the old graph: its value in 16 bits, where there is one.
    rounded: Vec<Option<NodeId>>,
}

impl Pass {
    /// The node, reading rounded inputs where it should.
    fn add(&mut self, node: &Node) -> Result<NodeId> {
        let kind = node.op.def().kind();
        let reads_half = match &kind {
            OpKind::Kernel(op) => op.fusion(&self.metas(node)).reads_half,
            _ => true,
        };
        let wants_half = match kind {
            _ if node.phase != Phase::Forward => true,
            OpKind::Kernel(_) => reads_half,
            _ => false,
        };
        let mut inputs = Vec::with_capacity(node.inputs.len());
        for input in &node.inputs {
            let half = self.rounded[input.index()].filter(|_| wants_half);
            let input = half.unwrap_or(self.same[input.index()]);
            inputs.push(match reads_half {
                true => input,
                false => self.whole(input, node),
            });
        }
        self.push(node, node.op.clone(), inputs)
    }

    /// The same view of the rounded input.
    fn view(&mut self, node: &Node) -> Result<Option<NodeId>> {
        let viewed = node.inputs.first().and_then(|x| self.rounded[x.index()]);
        viewed
            .map(|viewed| self.push(node, node.op.clone(), vec![viewed]))
            .transpose()
    }

    fn round(&mut self, node: &Node, value: NodeId) -> NodeId {
        self.function(narrowing(self.half), self.half, value, node)
    }

    /// A value as `f32`.
    fn whole(&mut self, value: NodeId, reader: &Node) -> NodeId {
        match self.graph.meta(value).dtype {
            half if half.is_half() => self.function(widening(half), DType::F32, value, reader),
            _ => value,
        }
    }

    fn function(
        &mut self,
        function: &'static Function,
        dtype: DType,
        value: NodeId,
        like: &Node,
    ) -> NodeId {
        let mut meta = self.graph.meta(value).clone();
        meta.dtype = dtype;
        self.graph.push(Node {
            op: Op::function(function),
            inputs: vec![value],
            meta,
            ..like.clone()
        })
    }

    fn metas(&self, node: &Node) -> Vec<crate::graph::Meta> {
        let same: Vec<NodeId> = node.inputs.iter().map(|x| self.same[x.index()]).collect();
        self.graph.metas(&same)
    }

    fn push(&mut self, node: &Node, op: Op, inputs: Vec<NodeId>) -> Result<NodeId> {
        let inferred = op.def().infer(&self.graph.metas(&inputs));
        let meta = inferred.map_err(|reason| Error::internal("mixed precision", reason))?;
        Ok(self.graph.push(Node {
            op,
            inputs,
            meta,
            ..node.clone()
        }))
    }
}
