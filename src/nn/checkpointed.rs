//! Gradient checkpointing: a block's activations are computed again in the backward pass instead of kept.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use std::collections::{BTreeSet, HashMap};

use crate::Tensor;
use crate::autodiff::pull_back;
use crate::graph::{Backward, Grads, Graph, Node, NodeId, Rule};

use super::{LayerSpec, Module, Settings, Unfit, Visitor, spec};
use crate::schema::Path;

/// A module that keeps nothing of its forward pass but its input: the backward pass computes the inside
/// again. A stack of such blocks needs memory for one of them at a time, and a third more arithmetic
/// (Chen et al., "Training deep nets with sublinear memory cost", 2016). The same bits: dropout inside
/// draws the same numbers again.
///
/// Names of parameters stay as they are without it.
pub struct Checkpointed<M>(M);

impl<M: Module> Checkpointed<M> {
    /// The module, checkpointed.
    pub fn new(module: M) -> Self {
        Checkpointed(module)
    }
}

impl<M: Module> Module for Checkpointed<M> {
    #[track_caller]
    fn forward(&self, x: &Tensor) -> Tensor {
        checkpointed(x, |x| self.0.forward(x))
    }

    fn visit(&self, visitor: &mut Visitor) {
        self.0.visit(visitor);
    }
}

/// What `block` makes of `x`, with everything inside computed again for the gradient; see
/// [`Checkpointed`]. The block may read other tensors as well.
#[track_caller]
pub fn checkpointed(x: &Tensor, block: impl FnOnce(&Tensor) -> Tensor) -> Tensor {
    let first = x.graph().nodes().len();
    let y = block(x);
    let Some(last) = y.id().filter(|id| id.index() >= first) else {
        return y;
    };
    let inside: Vec<NodeId> = y.graph().ids().take(last.index() + 1).skip(first).collect();
    let inputs = read_from_outside(&y.graph(), &inside);
    // The block's last node may have a rule of its own, which this one takes the place of.
    let own = y.graph().rules.get(&last).cloned();
    let handles: Vec<Tensor> = inputs
        .iter()
        .map(|&id| Tensor::new(y.shared_graph(), id))
        .collect();
    let handles: Vec<&Tensor> = handles.iter().collect();
    y.with_gradient(&handles, move |b| {
        backward(b, &inputs, &inside, own.as_ref())
    })
}

/// What the nodes read from before them, and the leaves among them.
fn read_from_outside(graph: &Graph, inside: &[NodeId]) -> Vec<NodeId> {
    let Some(&first) = inside.first() else {
        return Vec::new();
    };
    let outside = |id: &NodeId| *id < first || graph.node(*id).inputs.is_empty();
    let read = inside.iter().flat_map(|&id| &graph.node(id).inputs);
    let read: BTreeSet<NodeId> = read.copied().filter(outside).collect();
    read.into_iter().collect()
}

/// Appends the nodes once more, in the backward phase, and their gradient.
fn backward(b: &Backward, inputs: &[NodeId], inside: &[NodeId], own: Option<&Rule>) -> Grads {
    let shared = b.dy.shared_graph();
    let given = b.x.iter().filter_map(Tensor::id);
    let mut map: HashMap<NodeId, NodeId> = inputs.iter().copied().zip(given).collect();
    let first = NodeId(shared.borrow().nodes().len() as u32);
    for &id in inside {
        let mut graph = shared.borrow_mut();
        let node = graph.node(id).clone();
        if node.inputs.is_empty() {
            continue;
        }
        let mapped = |ids: &[NodeId]| -> Option<Vec<NodeId>> {
            ids.iter().map(|id| map.get(id).copied()).collect()
        };
        let rule = match Some(&id) == inside.last() {
            true => own,
            false => graph.rules.get(&id),
        };
        let rule = rule.and_then(|rule| {
            Some(Rule {
                inputs: mapped(&rule.inputs)?,
                grad: rule.grad.clone(),
            })
        });
        let Some(inputs) = mapped(&node.inputs) else {
            return Err("reads a node that the block does not know".to_string());
        };
        let phase = graph.phase;
        let copy = graph.push(Node {
            inputs,
            phase,
            ..node
        });
        if let Some(rule) = rule {
            graph.rules.insert(copy, rule);
        }
        map.insert(id, copy);
    }
    let y = inside.last().and_then(|last| map.get(last));
    let Some(&y) = y else {
        return Err("has nothing to compute again".to_string());
    };
    let y = Tensor::new(shared, y);
    pull_back(&y, b.dy, first, b.x).map_err(|error| error.to_string())
}

/// Layers whose values are computed again in the backward pass instead of kept; see [`Checkpointed`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckpointedSpec {
    /// The layers, in order.
    #[schemars(length(min = 1), extend("x-expected" = "a list of at least one layer", "examples" = [["relu"]]))]
    pub layers: Vec<LayerSpec>,
}

impl Settings for CheckpointedSpec {
    fn build(&self, sample: &[usize], at: &Path) -> std::result::Result<Box<dyn Module>, Unfit> {
        let (layers, _) = spec::sequence(&self.layers, sample, &at.key("layers"))?;
        Ok(Box::new(Checkpointed::new(layers)))
    }

    fn inside(&self, key: &str) -> &[LayerSpec] {
        match key {
            "layers" => &self.layers,
            _ => &[],
        }
    }
}
