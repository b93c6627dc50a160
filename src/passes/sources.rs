//! Where each node's elements really lie: views and reshapes followed back to memory.
//!
//! Reshape, permute, broadcast_to and slice move nothing. Whoever reads one reads the node behind it
//! through a [`View`]. Only where a view cannot be followed (a kernel needs its elements in order, or
//! a reshape of a walk that is not in order) does a copy become a node's own memory.

use crate::Shape;
use crate::graph::{Graph, NodeId};
use crate::kernel::View;
use crate::ops::OpKind;

/// The node whose memory is read, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct ViewSource {
    /// A leaf, a constant, or a node that is computed.
    pub root: NodeId,
    /// Which element of it each element is.
    pub view: View,
}

/// Where all nodes lie, and which views and constants must be copied into memory of their own.
#[derive(Debug)]
pub struct Sources {
    /// By node: what each of its inputs reads.
    reads: Vec<Vec<ViewSource>>,
    /// By node: what reading the node itself reads.
    own: Vec<ViewSource>,
    /// By node: it is a view or a constant, and needs memory of its own.
    copies: Vec<bool>,
}

impl Sources {
    /// Follows all views of a graph.
    pub fn new(graph: &Graph) -> Self {
        let mut s = Sources {
            reads: Vec::new(),
            own: Vec::new(),
            copies: Vec::new(),
        };
        for id in graph.ids() {
            s.add(graph, id);
        }
        // A number that a variable takes is written there and nowhere else.
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

    /// What input `i` of a node reads.
    pub fn read(&self, id: NodeId, i: usize) -> &ViewSource {
        &self.reads[id.index()][i]
    }

    /// What each input of a node reads.
    pub fn reads(&self, id: NodeId) -> &[ViewSource] {
        &self.reads[id.index()]
    }

    /// The node whose memory holds `id`, whose elements lie there in order, for a root of the graph.
    pub fn storage(&self, id: NodeId) -> NodeId {
        self.own[id.index()].root
    }

    /// Whether the node is a view or a constant that needs memory of its own.
    pub fn is_copy(&self, id: NodeId) -> bool {
        self.copies[id.index()]
    }

    /// What a copy copies; `None` for a constant, which is filled in. An alias is a copy only where it
    /// has a single element: of others, what they alias is copied.
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
                // However it is reached, a single element has every shape of one.
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

    /// Makes sure that a kernel can read `id` as plain memory.
    fn need_in_order(&mut self, graph: &Graph, id: NodeId) {
        let from = &self.own[id.index()];
        let root = from.root;
        if !from.view.is_contiguous() {
            self.copy(graph, id);
        } else if matches!(graph.node(root).op.def().kind(), OpKind::Constant(_)) {
            self.copy(graph, root);
        }
    }

    /// Gives a view or a constant memory of its own. Earlier readers go on as they were.
    fn copy(&mut self, graph: &Graph, id: NodeId) {
        self.copies[id.index()] = true;
        self.own[id.index()] = ViewSource {
            root: id,
            view: View::contiguous(&graph.meta(id).shape),
        };
    }
}

/// The one element of `from` under a shape that holds one.
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
