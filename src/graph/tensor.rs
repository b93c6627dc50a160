//! Tensors: symbolic handles to the nodes of a graph.

use std::cell::{Ref, RefCell, RefMut};
use std::rc::Rc;

use crate::{DType, Shape, Source};

use super::{Graph, Meta, Mode, NodeId};

/// A symbolic tensor: a handle to a node of the graph that is being traced.
///
/// Cloning is cheap. Methods and operators append nodes. An error, such as shapes that do not fit,
/// does not panic and needs no `?`. The graph stores the first error with the line of the call, and
/// compiling returns it. The tensor of a failed call can only be passed on to further calls.
///
/// # Example
/// ```
/// use wgrad::Device;
///
/// let y = wgrad::eval(&Device::cpu(), |g| {
///     let x = g.tensor([2, 3], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
///     let centered = &x - x.mean(&[1]).unsqueeze(1); // broadcasts
///     (centered * 2.0).relu().sum(&[0])
/// })?;
/// assert_eq!(y.data, [0.0, 0.0, 4.0]);
/// # Ok::<(), wgrad::Error>(())
/// ```
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

    /// Returns the node; `None` if an error occurred before.
    pub fn id(&self) -> Option<NodeId> {
        self.id
    }

    /// Returns the shape and element type; those of a scalar `f32` after an error.
    pub fn meta(&self) -> Meta {
        match self.id {
            Some(id) => self.graph.borrow().meta(id).clone(),
            None => Meta::new(Shape::scalar(), DType::F32),
        }
    }

    /// Returns the sizes of the axes.
    pub fn shape(&self) -> Shape {
        self.meta().shape
    }

    /// Returns the size of `axis`; 1 if there is no such axis. A negative axis counts from the last
    /// one.
    pub fn dim(&self, axis: isize) -> usize {
        let shape = self.shape();
        shape
            .axis(axis)
            .and_then(|a| shape.get(a).copied())
            .unwrap_or(1)
    }

    /// Returns the type of the elements.
    pub fn dtype(&self) -> DType {
        self.meta().dtype
    }

    /// Returns whether the graph is traced for training.
    pub fn is_training(&self) -> bool {
        self.graph.borrow().mode == Mode::Train
    }

    /// Runs `body`, whose nodes belong to the layer `name` (`None` keeps the current one). Errors
    /// in it are attributed to the line `source`.
    pub(crate) fn in_scope(
        &self,
        name: Option<String>,
        source: Option<Source>,
        body: impl FnOnce(&Tensor) -> Tensor,
    ) -> Tensor {
        self.enter(name, source);
        let y = body(self);
        self.leave();
        y
    }

    // Functions of their own, so that each layer's `in_scope` is short.
    fn enter(&self, name: Option<String>, source: Option<Source>) {
        let name = name.unwrap_or_else(|| self.graph.borrow().scope_name());
        self.graph.borrow_mut().enter(&name, source);
    }

    fn leave(&self) {
        self.graph.borrow_mut().leave();
    }

    /// Runs `body`, whose nodes belong to the module `name` of a container; see
    /// [`Graph::enter_member`].
    pub(crate) fn in_member(
        &self,
        name: &str,
        added: Source,
        body: impl FnOnce(&Tensor) -> Tensor,
    ) -> Tensor {
        self.graph.borrow_mut().enter_member(name, added);
        let y = body(self);
        self.leave();
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
