//! Gradient checkpointing: the activations of a block are recomputed in the backward pass instead
//! of stored.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use std::collections::{BTreeSet, HashMap};

use crate::Tensor;
use crate::autodiff::pull_back;
use crate::graph::{Backward, Grads, Graph, Node, NodeId, Rule};

use super::{LayerSpec, Module, Settings, Unfit, Visitor, spec};
use crate::schema::Path;

/// Recomputes the activations of a module in the backward pass instead of storing them (Chen et
/// al., "Training deep nets with sublinear memory cost", 2016).
///
/// Only the module's input is stored. A stack of such blocks needs memory for one block at a time,
/// and about a third more arithmetic. The results have the same bits: dropout inside the module
/// draws the same numbers again.
///
/// The names of the parameters do not change.
///
/// # Example
/// ```
/// use wgrad::{Device, nn::{Checkpointed, Module, Tanh}};
///
/// let (y, dx) = wgrad::eval(&Device::cpu(), |g| {
///     let x = g.tensor([1, 1], [0.0]);
///     let y = Checkpointed::new(Tanh).forward(&x);
///     let dx = g.gradients(&y.sum(&[]), &[&x]);
///     (y, dx)
/// })?;
/// assert_eq!((y.data[0], dx[0].data[0]), (0.0, 1.0));
/// # Ok::<(), wgrad::Error>(())
/// ```
pub struct Checkpointed<M>(M);

impl<M: Module> Checkpointed<M> {
    /// Wraps a module.
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

/// Applies `block` to `x`, and recomputes its activations in the backward pass.
///
/// See [`Checkpointed`]. The block may read other tensors as well.
#[track_caller]
pub fn checkpointed(x: &Tensor, block: impl FnOnce(&Tensor) -> Tensor) -> Tensor {
    let first = x.graph().nodes().len();
    let y = block(x);
    let Some(last) = y.id().filter(|id| id.index() >= first) else {
        return y;
    };
    let inside: Vec<NodeId> = y.graph().ids().take(last.index() + 1).skip(first).collect();
    let inputs = read_from_outside(&y.graph(), &inside);
    // The block's last node may have a gradient rule of its own; the rule set here replaces it.
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

/// Returns the inputs of `inside` that precede it, and the leaves that it reads.
fn read_from_outside(graph: &Graph, inside: &[NodeId]) -> Vec<NodeId> {
    let Some(&first) = inside.first() else {
        return Vec::new();
    };
    let outside = |id: &NodeId| *id < first || graph.node(*id).inputs.is_empty();
    let read = inside.iter().flat_map(|&id| &graph.node(id).inputs);
    let read: BTreeSet<NodeId> = read.copied().filter(outside).collect();
    read.into_iter().collect()
}

/// Appends the nodes again in the backward phase, followed by their gradient nodes.
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
            return Err(
                "reads a node that is neither in the block nor one of its inputs".to_string(),
            );
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
        return Err("the block has no node to recompute".to_string());
    };
    let y = Tensor::new(shared, y);
    pull_back(&y, b.dy, first, b.x).map_err(|error| error.to_string())
}

/// Layers whose activations are recomputed in the backward pass instead of stored.
///
/// See [`Checkpointed`].
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
