//! The graph: an append-only list of nodes for forward, backward and update.
//!
//! A node is an op with earlier nodes as inputs, and its index is its id. So the list is always in
//! topological order and has no cycles. Shapes and element types are inferred when a node is
//! pushed. Every node has the line of the user's program that created it.
//!
//! Invariant: nodes are never removed or changed; a pass creates a new graph.

mod batch;
mod dump;
mod function;
mod op;
mod tensor;
mod variable;

pub(crate) use batch::{ARRAY, Batch, BatchArray};
pub(crate) use function::Rule;
pub use function::{Algebra, Backward, Function, Grads, Precision};
pub use op::*;
pub use tensor::Tensor;
pub(crate) use variable::Adapter;
pub use variable::{Init, Role, Variable, VariableId};

use std::collections::HashMap;

use crate::{DType, Error, Result, Shape, Source};

/// The index of a node in its graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub(crate) u32);

impl NodeId {
    /// Returns the index into [`Graph::nodes`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// The shape and element type of a tensor.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Meta {
    /// The sizes of the axes.
    pub shape: Shape,
    /// The type of the elements.
    pub dtype: DType,
}

impl Meta {
    /// Creates a tensor's type.
    pub fn new(shape: impl Into<Shape>, dtype: DType) -> Self {
        Meta {
            shape: shape.into(),
            dtype,
        }
    }

    /// Returns the size of the elements in a buffer, in bytes.
    pub fn bytes(&self) -> u64 {
        (self.shape.len() as u64).saturating_mul(self.dtype.bytes() as u64)
    }
}

/// An op with earlier nodes as inputs.
#[derive(Clone, Debug)]
pub struct Node {
    /// The op.
    pub op: Op,
    /// The input nodes, all earlier in the list.
    pub inputs: Vec<NodeId>,
    /// The shape and element type of the result.
    pub meta: Meta,
    /// The line of the user's program that created it.
    pub source: Source,
    /// The layer to which it belongs, as in `state_dict` names; empty outside layers.
    pub scope: String,
    /// The phase of a training step to which it belongs.
    pub phase: Phase,
}

/// The phases of a training step, in the order in which they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// From inputs to losses and metrics.
    Forward,
    /// From the loss to the gradients.
    Backward,
    /// From the gradients to the new parameters. Runs after all other nodes have read the old ones.
    Update,
}

/// Whether a graph is traced for training or for evaluation, which differ in dropout and
/// normalization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Forward, backward and update.
    Train,
    /// Forward only.
    Eval,
}

/// A named result of a run.
#[derive(Clone, Debug)]
pub struct Output {
    /// Its name, e.g. `"loss"`.
    pub name: String,
    /// The node with the value.
    pub node: NodeId,
}

/// An assignment at the end of a run: `variable` takes the value of `node`.
#[derive(Clone, Copy, Debug)]
pub struct Assign {
    /// The variable.
    pub variable: VariableId,
    /// The node with the new value.
    pub node: NodeId,
}

/// A traced layer: a row in the summary of layers.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// Its name, as in `state_dict`; empty for a layer outside any container.
    pub scope: String,
    /// Its kind, e.g. `"Linear(64, 10)"`.
    pub kind: String,
    /// The type of its output.
    pub output: Meta,
}

/// A layer that is being traced.
#[derive(Debug)]
struct Scope {
    /// Its full name.
    name: String,
    /// The line to which its errors are attributed.
    source: Option<Source>,
    /// The line that added it to a container.
    added: Option<Source>,
}

/// The nodes of a traced program.
#[derive(Debug)]
pub struct Graph {
    nodes: Vec<Node>,
    /// Persistent tensors: parameters, optimizer state, data.
    pub variables: Vec<Variable>,
    /// Named results of a run.
    pub outputs: Vec<Output>,
    /// The names of outputs that each run returns although they are not scalars.
    pub returned: Vec<String>,
    /// Assignments to variables at the end of a run.
    pub assigns: Vec<Assign>,
    /// The gradient of each trained parameter. The planner lays these out like the parameters, so
    /// that one dispatch can update all of them.
    pub gradients: Vec<Assign>,
    /// The phase of new nodes.
    pub phase: Phase,
    /// The mode: training or evaluation.
    pub mode: Mode,
    /// The traced layers, in order.
    pub layers: Vec<Layer>,
    /// The variables of modules' parameters, by the ids of the parameters.
    pub(crate) bound: HashMap<u64, VariableId>,
    /// Gradient rules of nodes, which take precedence over those of their ops.
    pub(crate) rules: HashMap<NodeId, Rule>,
    /// The adapters of frozen weights.
    pub(crate) adapters: HashMap<VariableId, Adapter>,
    /// The node of each variable that has been read.
    pub(crate) read: HashMap<VariableId, NodeId>,
    /// What the batch brings beside features and targets. Only tracing needs it.
    pub(crate) batch: Batch,
    streams: u32,
    /// The layers that are being traced, from the outermost to the innermost.
    scope: Vec<Scope>,
    source_override: Option<Source>,
    error: Option<Error>,
}

impl Graph {
    /// Creates an empty graph.
    pub fn new(mode: Mode) -> Self {
        Graph {
            nodes: Vec::new(),
            variables: Vec::new(),
            outputs: Vec::new(),
            returned: Vec::new(),
            assigns: Vec::new(),
            gradients: Vec::new(),
            phase: Phase::Forward,
            mode,
            layers: Vec::new(),
            bound: HashMap::new(),
            rules: HashMap::new(),
            adapters: HashMap::new(),
            read: HashMap::new(),
            batch: Batch::default(),
            streams: 0,
            scope: Vec::new(),
            source_override: None,
            error: None,
        }
    }

    /// Creates an empty graph with the same variables and mode, as the start of a pass.
    pub fn emptied(&self) -> Self {
        let mut g = Graph::new(self.mode);
        g.variables.clone_from(&self.variables);
        g.streams = self.streams;
        g
    }

    /// Copies the outputs, assignments and gradients to a graph that was created from this one.
    /// `of` maps the nodes of this graph to those of the other.
    pub(crate) fn hand_roots_to(&self, other: &mut Graph, of: impl Fn(NodeId) -> NodeId) {
        let assigns = |list: &[Assign]| {
            let list = list.iter();
            list.map(|a| Assign {
                node: of(a.node),
                ..*a
            })
            .collect()
        };
        let outputs = self.outputs.iter();
        other.outputs = outputs
            .map(|o| Output {
                name: o.name.clone(),
                node: of(o.node),
            })
            .collect();
        other.returned.clone_from(&self.returned);
        other.assigns = assigns(&self.assigns);
        other.gradients = assigns(&self.gradients);
    }

    /// Returns all nodes, in topological order.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Returns the node `id`. Ids come from this graph's `push`, so the index exists.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }

    /// Iterates over the ids of all nodes, in topological order.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = NodeId> + use<> {
        (0..self.nodes.len() as u32).map(NodeId)
    }

    /// Returns the shape and element type of the node `id`.
    pub fn meta(&self, id: NodeId) -> &Meta {
        &self.nodes[id.index()].meta
    }

    /// Returns the node that reads the variable `id`, if there is one.
    pub(crate) fn variable_node(&self, id: VariableId) -> Option<NodeId> {
        self.read.get(&id).copied()
    }

    /// Returns the shapes and element types of several nodes.
    pub(crate) fn metas(&self, ids: &[NodeId]) -> Vec<Meta> {
        ids.iter().map(|&id| self.meta(id).clone()).collect()
    }

    /// Appends a node. The caller has inferred `node.meta`.
    pub(crate) fn push(&mut self, node: Node) -> NodeId {
        let id = NodeId(self.nodes.len() as u32);
        if let Op::Variable(variable) = &node.op {
            self.read.entry(variable.id).or_insert(id);
        }
        self.nodes.push(node);
        id
    }

    /// Returns, for each node, the number of later nodes, outputs and assignments that use it.
    pub fn use_counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.nodes.len()];
        let roots = self.roots();
        for id in self
            .nodes
            .iter()
            .flat_map(|n| n.inputs.iter())
            .chain(roots.iter())
        {
            counts[id.index()] += 1;
        }
        counts
    }

    /// Returns the nodes that must be computed: outputs, assigned values and gradients.
    pub fn roots(&self) -> Vec<NodeId> {
        let outputs = self.outputs.iter().map(|o| o.node);
        let assigned = self.assigns.iter().map(|a| a.node);
        let gradients = self.gradients.iter().map(|a| a.node);
        outputs.chain(assigned).chain(gradients).collect()
    }

    /// Returns a unique number for a new source of random values.
    pub(crate) fn next_stream(&mut self) -> u32 {
        self.streams += 1;
        self.streams - 1
    }

    /// Returns the line to which new nodes are attributed: that of the layer, if it is set, else
    /// the caller's.
    pub(crate) fn attributed_source(&self, caller: Source) -> Source {
        let layer = self.scope.iter().rev().find_map(|s| s.source);
        self.source_override.or(layer).unwrap_or(caller)
    }

    /// Returns the full name of the layer that is being traced, e.g. `"2.up"`.
    pub(crate) fn scope_name(&self) -> String {
        self.scope.last().map_or(String::new(), |s| s.name.clone())
    }

    pub(crate) fn enter(&mut self, name: &str, source: Option<Source>) {
        self.scope.push(Scope {
            name: name.to_string(),
            source,
            added: None,
        });
    }

    /// Enters a module that the line `added` put into a container. Errors in a module of the user's
    /// are attributed to a line in its `forward`, and not to `added`.
    pub(crate) fn enter_member(&mut self, name: &str, added: Source) {
        self.scope.push(Scope {
            name: name.to_string(),
            source: None,
            added: Some(added),
        });
    }

    /// Returns the line that created the layer being traced, or else the line that added it to its
    /// container.
    pub(crate) fn layer_source(&self) -> Option<Source> {
        let source = self.scope.iter().rev().find_map(|s| s.source);
        source.or(self.scope.last().and_then(|s| s.added))
    }

    pub(crate) fn leave(&mut self) {
        self.scope.pop();
    }

    pub(crate) fn set_source_override(&mut self, source: Option<Source>) {
        self.source_override = source;
    }

    /// Records an error if it is the first one. Later errors mostly follow from the first.
    pub(crate) fn record(&mut self, error: Error) {
        self.error.get_or_insert(error);
    }

    /// Returns the first error of the trace, if there is one.
    pub fn take_error(&mut self) -> Result<()> {
        self.error.take().map_or(Ok(()), Err)
    }
}
