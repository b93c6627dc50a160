//! The sources of each node's elements: views and reshapes, resolved to memory.
//!
//! Reshape, permute, broadcast_to and slice copy nothing. Kernels read the node behind them through
//! a [`View`]. A copy is only needed if a view cannot be resolved: a kernel requires its elements
//! in order, or a reshape follows a walk that is not in order.

use crate::Shape;
use crate::graph::{Graph, NodeId};
use crate::kernel::View;
use crate::ops::OpKind;

/// The node whose memory is read, and the walk over it.
#[derive(Clone, Debug, PartialEq)]
pub struct ViewSource {
    /// A leaf, a constant, or a computed node.
    pub root: NodeId,
    /// The walk over its elements.
    pub view: View,
}

/// The sources of all nodes, and the views and constants that must be copied to memory.
#[derive(Debug)]
pub struct Sources {
    /// By node: the sources of its inputs.
    reads: Vec<Vec<ViewSource>>,
    /// By node: the source for readers of the node.
    own: Vec<ViewSource>,
    /// By node: whether it is a view or a constant that needs its own memory.
    copies: Vec<bool>,
}

impl Sources {
    /// Resolves all views of a graph.
    pub fn new(graph: &Graph) -> Self {
        let mut s = Sources {
            reads: Vec::new(),
            own: Vec::new(),
            copies: Vec::new(),
        };
        for id in graph.ids() {
            s.add(graph, id);
        }
        // A number that a variable takes is only written there.
        let is_number =
            |id: &NodeId| matches!(graph.node(*id).op.def().kind(), OpKind::Constant(_));
        let assigned = graph.assigns.iter().map(|assign| assign.node);
        let outputs = graph.outputs.iter().map(|output| output.node);
        let gradients = graph.gradients.iter().map(|gradient| gradient.node);
        let assigned = assigned.filter(|id| !is_number(id));
        for id in outputs.chain(gradients).chain(assigned) {
            s.need_in_order(graph, id);
        }
        s
    }

    /// Returns the source of input `i` of a node.
    pub fn read(&self, id: NodeId, i: usize) -> &ViewSource {
        &self.reads[id.index()][i]
    }

    /// Returns the sources of all inputs of a node.
    pub fn reads(&self, id: NodeId) -> &[ViewSource] {
        &self.reads[id.index()]
    }

    /// Returns the node whose memory stores the elements of `id` in order, for a root of the graph.
    pub fn storage(&self, id: NodeId) -> NodeId {
        self.own[id.index()].root
    }

    /// Returns whether the node is a view or a constant that needs its own memory.
    pub fn is_copy(&self, id: NodeId) -> bool {
        self.copies[id.index()]
    }

    /// Returns the source of a copy; `None` for a constant, which is filled in. An alias is a copy
    /// only if it has a single element; for others, the aliased node is copied.
    pub fn copied(&self, graph: &Graph, id: NodeId) -> Option<ViewSource> {
        match graph.node(id).op.def().kind() {
            OpKind::View(op) => {
                let inner = self.reads[id.index()].first()?;
                Some(ViewSource {
                    root: inner.root,
                    view: op.view(&inner.view),
                })
            }
            OpKind::Alias => {
                let inner = self.reads[id.index()].first()?;
                Some(single(inner, &graph.meta(id).shape))
            }
            _ => None,
        }
    }

    fn add(&mut self, graph: &Graph, id: NodeId) {
        let node = graph.node(id);
        self.copies.push(false);
        let itself = ViewSource {
            root: id,
            view: View::contiguous(&node.meta.shape),
        };
        let own = match node.op.def().kind() {
            OpKind::Leaf | OpKind::Constant(_) => itself,
            OpKind::Alias => match node.inputs.first() {
                // A single element has every shape of size 1, whatever the walk.
                Some(&input) if node.meta.shape.len() == 1 => {
                    single(&self.own[input.index()], &node.meta.shape)
                }
                Some(&input) => {
                    if !self.own[input.index()].view.is_contiguous() {
                        self.copy(graph, input);
                    }
                    ViewSource {
                        root: self.own[input.index()].root,
                        ..itself
                    }
                }
                None => itself,
            },
            OpKind::View(op) => match node.inputs.first() {
                Some(input) => {
                    let inner = &self.own[input.index()];
                    ViewSource {
                        root: inner.root,
                        view: op.view(&inner.view),
                    }
                }
                None => itself,
            },
            OpKind::Elementwise { .. } => itself,
            OpKind::Kernel(op) => {
                let takes_prologue = op.fusion(&graph.metas(&node.inputs)).prologue;
                for (i, &input) in node.inputs.iter().enumerate() {
                    if i > 0 || !takes_prologue {
                        self.need_in_order(graph, input);
                    }
                }
                itself
            }
        };
        let reads = node
            .inputs
            .iter()
            .map(|i| self.own[i.index()].clone())
            .collect();
        self.reads.push(reads);
        self.own.push(own);
    }

    /// Makes `id` readable for kernels as contiguous memory.
    fn need_in_order(&mut self, graph: &Graph, id: NodeId) {
        let from = &self.own[id.index()];
        let root = from.root;
        if !from.view.is_contiguous() {
            self.copy(graph, id);
        } else if matches!(graph.node(root).op.def().kind(), OpKind::Constant(_)) {
            self.copy(graph, root);
        }
    }

    /// Gives a view or a constant its own memory. Earlier readers do not change.
    fn copy(&mut self, graph: &Graph, id: NodeId) {
        self.copies[id.index()] = true;
        self.own[id.index()] = ViewSource {
            root: id,
            view: View::contiguous(&graph.meta(id).shape),
        };
    }
}

/// Returns the single element of `from` in a shape with one element.
fn single(from: &ViewSource, shape: &Shape) -> ViewSource {
    ViewSource {
        root: from.root,
        view: View {
            dims: shape.to_vec(),
            strides: vec![0; shape.rank()],
            offset: from.view.at(0),
        },
    }
}
