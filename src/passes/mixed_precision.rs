//! Mixed precision: the values of the forward pass that the backward pass reads are stored in 16
//! bits.
//!
//! This is the storage part of Micikevicius et al., "Mixed precision training" (2018). Most of a
//! training step's memory holds activations for the backward pass, so these are rounded, and all
//! computation stays in f32. Weights, gradients and optimizer state stay f32, so nothing underflows
//! and no loss scaling is needed.
//!
//! A value is rounded if it has many elements and the backward pass reads it, unless the op's
//! result requires full precision ([`Precision::Full`]). Products whose kernels read half-precision
//! values directly do so in the forward pass as well, so that the `f32` value need not be stored.

use crate::graph::{Function, Graph, Node, NodeId, Op, Phase};
use crate::ops::elementwise::{narrowing, widening};
use crate::ops::{OpKind, Precision};
use crate::{DType, Error, Result};

/// The smallest number of elements of a rounded value; less saves nothing.
const MIN_ELEMENTS: usize = 1 << 10;

/// Returns the graph of a training step with its activations in `half`, which is [`DType::F16`] or
/// [`DType::Bf16`].
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

/// Returns, for each node, whether the backward pass reads it, directly or through views.
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
    /// By node of the old graph: the node that computes it here.
    same: Vec<NodeId>,
    /// By node of the old graph: its value in 16 bits, if there is one.
    rounded: Vec<Option<NodeId>>,
}

impl Pass {
    /// Adds a node, which reads rounded inputs where this is intended.
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

    /// Adds the same view of the rounded input.
    fn view(&mut self, node: &Node) -> Result<Option<NodeId>> {
        let viewed = node.inputs.first().and_then(|x| self.rounded[x.index()]);
        viewed
            .map(|viewed| self.push(node, node.op.clone(), vec![viewed]))
            .transpose()
    }

    fn round(&mut self, node: &Node, value: NodeId) -> NodeId {
        self.function(narrowing(self.half), self.half, value, node)
    }

    /// Returns a value as `f32`.
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
