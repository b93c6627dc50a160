//! Tensors: symbolic handles to a graph's nodes.

use std::cell::{Ref, RefCell, RefMut};
use std::rc::Rc;

use crate::{DType, Shape, Source};

use super::{Graph, Meta, Mode, NodeId};

/// A symbolic tensor: a handle to a node of the graph that is being traced.
///
/// Cloning is cheap. Methods and operators append nodes. An error (shapes that do not fit) does
/// not panic and needs no `?`: the graph keeps it, with the line of the call, and compiling returns
/// it; the handle that comes back is then good for nothing but further calls.
#[derive(Clone)]
pub struct Tensor {
    graph: Rc<RefCell<Graph>>,
    /// `None` after an error.
    id: Option<NodeId>,
}

impl Tensor {
    pub(crate) fn new(graph: Rc<RefCell<Graph>>, id: NodeId) -> Self {
        Tensor {
            graph,
            id: Some(id),
        }
    }

    pub(crate) fn broken(graph: Rc<RefCell<Graph>>) -> Self {
        Tensor { graph, id: None }
    }

    /// The node, unless an error occurred on the way to it.
    pub fn id(&self) -> Option<NodeId> {
        self.id
    }

    /// Shape and element type; a scalar `f32` after an error.
    pub fn meta(&self) -> Meta {
        match self.id {
            Some(id) => self.graph.borrow().meta(id).clone(),
            None => Meta::new(Shape::scalar(), DType::F32),
        }
    }

    /// The sizes of the axes.
    pub fn shape(&self) -> Shape {
        self.meta().shape
    }

    /// The size of `axis`, counted from the back where negative; 1 where there is no such axis.
    pub fn dim(&self, axis: isize) -> usize {
        let shape = self.shape();
        shape
            .axis(axis)
            .and_then(|a| shape.get(a).copied())
            .unwrap_or(1)
    }

    /// The type of the elements.
    pub fn dtype(&self) -> DType {
        self.meta().dtype
    }

    /// Whether the graph is traced for training.
    pub fn is_training(&self) -> bool {
        self.graph.borrow().mode == Mode::Train
    }

    /// Runs `body` with its nodes belonging to the layer `name` (`None` keeps the current one), whose
    /// errors are attributed to the line `source`.
    pub(crate) fn in_scope(
        &self,
        name: Option<String>,
        source: Option<Source>,
        body: impl FnOnce(&Tensor) -> Tensor,
    ) -> Tensor {
        let name = name.unwrap_or_else(|| self.graph.borrow().scope_name());
        self.graph.borrow_mut().enter(&name, source);
        let y = body(self);
        self.graph.borrow_mut().leave();
        y
    }

    /// Runs `body`, whose nodes belong to the module `name` of a container; see [`Graph::enter_member`].
    pub(crate) fn in_member(
        &self,
        name: &str,
        added: Source,
        body: impl FnOnce(&Tensor) -> Tensor,
    ) -> Tensor {
        self.graph.borrow_mut().enter_member(name, added);
        let y = body(self);
        self.graph.borrow_mut().leave();
        y
    }

    pub(crate) fn shared_graph(&self) -> Rc<RefCell<Graph>> {
        Rc::clone(&self.graph)
    }

    pub(crate) fn graph(&self) -> Ref<'_, Graph> {
        self.graph.borrow()
    }

    pub(crate) fn graph_mut(&self) -> RefMut<'_, Graph> {
        self.graph.borrow_mut()
    }

    pub(crate) fn same_graph(&self, other: &Tensor) -> bool {
        Rc::ptr_eq(&self.graph, &other.graph)
    }
}

impl std::fmt::Debug for Tensor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Meta { shape, dtype } = self.meta();
        match self.id {
            Some(id) => write!(f, "%{} {dtype}{shape}", id.0),
            None => f.write_str("%broken"),
        }
    }
}
