//! The graph: one append-only list of nodes for forward, backward and update.
//!
//! A node is an op applied to earlier nodes; its index is its identity, so the list is always in
//! topological order and never has a cycle. Shapes and element types are known when a node is
//! pushed. Every node carries the line of the user's program that asked for it.
//!
//! Invariant: nothing is ever removed or changed; a pass makes a new graph.

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

/// A node's index in its graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub(crate) u32);

impl NodeId {
    /// The index into [`Graph::nodes`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Shape and element type of a tensor.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Meta {
    /// The sizes of the axes.
    pub shape: Shape,
    /// The type of the elements.
    pub dtype: DType,
}

impl Meta {
    /// A tensor's type.
    pub fn new(shape: impl Into<Shape>, dtype: DType) -> Self {
        Meta {
            shape: shape.into(),
            dtype,
        }
    }

    /// Bytes the elements take in a buffer.
    pub fn bytes(&self) -> u64 {
        (self.shape.len() as u64).saturating_mul(self.dtype.bytes() as u64)
    }
}

/// An op applied to earlier nodes.
#[derive(Clone, Debug)]
pub struct Node {
    /// What is computed.
    pub op: Op,
    /// From which nodes, all of them earlier in the list.
    pub inputs: Vec<NodeId>,
    /// Shape and element type of the result.
    pub meta: Meta,
    /// The line of the user's program that asked for it.
    pub source: Source,
    /// The layer it belongs to, as in `state_dict` names; empty outside any.
    pub scope: String,
    /// Which part of a training step it belongs to.
    pub phase: Phase,
}

/// The parts of a training step, in the order they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// From inputs to losses and metrics.
    Forward,
    /// From the loss to the gradients.
    Backward,
    /// From the gradients to new parameters. Runs after everything else has read the old ones.
    Update,
}

/// Whether a graph is traced for training or for evaluation: dropout and normalization differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Forward, backward and update.
    Train,
    /// Forward only.
    Eval,
}

/// A value that a run of the graph hands back, by name.
#[derive(Clone, Debug)]
pub struct Output {
    /// Its name, e.g. `"loss"`.
    pub name: String,
    /// The node whose value it is.
    pub node: NodeId,
}

/// At the end of a run, `variable` takes the value of `node`.
#[derive(Clone, Copy, Debug)]
pub struct Assign {
    /// The variable that changes.
    pub variable: VariableId,
    /// The node whose value it takes.
    pub node: NodeId,
}

/// A layer that was traced: a line of the table of layers.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// Its name, as in `state_dict`; empty for a layer outside any container.
    pub scope: String,
    /// What it is, e.g. `"Linear(64, 10)"`.
    pub kind: String,
    /// What it gives.
    pub output: Meta,
}

/// A layer being traced.
#[derive(Debug)]
struct Scope {
    /// Its full name.
    name: String,
    /// The line that its errors are attributed to.
    source: Option<Source>,
    /// The line that put it into a container.
    added: Option<Source>,
}

/// The nodes of one traced program.
#[derive(Debug)]
pub struct Graph {
    nodes: Vec<Node>,
    /// Persistent tensors: parameters, optimizer state, data.
    pub variables: Vec<Variable>,
    /// Values handed back.
    pub outputs: Vec<Output>,
    /// Names of outputs that a run hands back at once, though they are no scalars.
    pub returned: Vec<String>,
    /// Variables that change at the end of a run.
    pub assigns: Vec<Assign>,
    /// The gradient of each trained parameter. The planner lays these out like the parameters, so
    /// that one dispatch can update all of them.
    pub gradients: Vec<Assign>,
    /// The phase of the nodes that are pushed now.
    pub phase: Phase,
    /// Train or eval.
    pub mode: Mode,
    /// The layers that were traced, in order.
    pub layers: Vec<Layer>,
    /// The variables of modules' parameters, by the parameters' numbers.
    pub(crate) bound: HashMap<u64, VariableId>,
    /// Gradient rules of nodes, which go before those of their ops.
    pub(crate) rules: HashMap<NodeId, Rule>,
    /// What is added to frozen weights.
    pub(crate) adapters: HashMap<VariableId, Adapter>,
    /// The one node of each variable that has been read.
    pub(crate) read: HashMap<VariableId, NodeId>,
    /// What the batch brings beside features and targets. Only tracing needs it.
    pub(crate) batch: Batch,
    streams: u32,
    /// The layers being traced, with their full names and the lines that made them.
    scope: Vec<Scope>,
    source_override: Option<Source>,
    error: Option<Error>,
}

impl Graph {
    /// An empty graph.
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

    /// An empty graph with the same variables and mode: where a pass starts.
    pub fn emptied(&self) -> Self {
        let mut g = Graph::new(self.mode);
        g.variables.clone_from(&self.variables);
        g.streams = self.streams;
        g
    }

    /// Gives a graph made of this one the same outputs, assignments and gradients, where `of` says which node there
    /// stands for one here.
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

    /// All nodes, in topological order.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The node `id`. Ids come from this graph's `push`, so the index exists.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }

    /// The ids of all nodes, in topological order.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = NodeId> + use<> {
        (0..self.nodes.len() as u32).map(NodeId)
    }

    /// Shape and element type of the node `id`.
    pub fn meta(&self, id: NodeId) -> &Meta {
        &self.nodes[id.index()].meta
    }

    /// The node that reads the variable `id`, if any does.
    pub(crate) fn variable_node(&self, id: VariableId) -> Option<NodeId> {
        self.read.get(&id).copied()
    }

    /// Shapes and element types of several nodes.
    pub(crate) fn metas(&self, ids: &[NodeId]) -> Vec<Meta> {
        ids.iter().map(|&id| self.meta(id).clone()).collect()
    }

    /// Appends a node as it is. The caller has inferred `node.meta`.
    pub(crate) fn push(&mut self, node: Node) -> NodeId {
        let id = NodeId(self.nodes.len() as u32);
        if let Op::Variable(variable) = &node.op {
            self.read.entry(variable.id).or_insert(id);
        }
        self.nodes.push(node);
        id
    }

    /// How many later nodes, outputs and assignments use each node.
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

    /// The nodes that must be computed: outputs, assigned values and gradients.
    pub fn roots(&self) -> Vec<NodeId> {
        let outputs = self.outputs.iter().map(|o| o.node);
        let assigned = self.assigns.iter().map(|a| a.node);
        let gradients = self.gradients.iter().map(|a| a.node);
        outputs.chain(assigned).chain(gradients).collect()
    }

    /// A number for a new source of random values, so that no two share theirs.
    pub(crate) fn next_stream(&mut self) -> u32 {
        self.streams += 1;
        self.streams - 1
    }

    /// The line to attributed_source for nodes pushed now: the layer's, where one set it, else the caller's.
    pub(crate) fn attributed_source(&self, caller: Source) -> Source {
        let layer = self.scope.iter().rev().find_map(|s| s.source);
        self.source_override.or(layer).unwrap_or(caller)
    }

    /// The layer being traced, e.g. `"2.up"`. Layers enter with their full names, so the innermost
    /// says it all.
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

    /// Like `enter`, for a module that was put into a container by the line `added`. What goes wrong in
    /// a module of the user's own is attributed to a line in it, and not to that one.
    pub(crate) fn enter_member(&mut self, name: &str, added: Source) {
        self.scope.push(Scope {
            name: name.to_string(),
            source: None,
            added: Some(added),
        });
    }

    /// The line that made the layer being traced, where one is known, or else put it into its
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

    /// Keeps the first error; later ones mostly follow from it.
    pub(crate) fn record(&mut self, error: Error) {
        self.error.get_or_insert(error);
    }

    /// The first error while tracing, if any.
    pub fn take_error(&mut self) -> Result<()> {
        self.error.take().map_or(Ok(()), Err)
    }
}
