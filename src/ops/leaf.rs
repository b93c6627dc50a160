//! Leaves: inputs, variables and constants.

use std::cell::RefCell;
use std::rc::Rc;

use crate::graph::{
    Backward, Constant, Grads, Graph, Input, Meta, Op, Scalar, VariableId, VariableOp,
};
use crate::ops::{Array, OpDef, OpDoc, OpKind, Precision, Tolerance};
use crate::{DType, Shape, Source, Tensor};

/// Implements [`OpDef`] for an op type without inputs.
macro_rules! leaf {
    ($op:ident, $name:literal, $doc:literal, $work:expr, $reference:expr) => {
        impl OpDef for $op {
            fn name(&self) -> &'static str {
                $name
            }
            fn doc(&self) -> OpDoc {
                OpDoc {
                    formula: $doc,
                    shapes: "no inputs; any shape",
                    dtypes: "any",
                    gradient: "none: it has no inputs",
                }
            }
            fn infer(&self, _: &[Meta]) -> Result<Meta, String> {
                match self.dtype.is_half() {
                    true => Err(
                        "expected f32, i32, u32 or bool; use `Tensor::cast` for f16 and bf16"
                            .to_string(),
                    ),
                    false => Ok(Meta::new(self.shape.clone(), self.dtype)),
                }
            }
            fn grad(&self, _: &Backward) -> Grads {
                Ok(Vec::new())
            }
            fn reference(&self, _: &[&Array], y: &mut Array) {
                let f: fn(&$op, &mut Array) = $reference;
                f(self, y);
            }
            fn tolerance(&self, _: &[&Array], _: &Array) -> Tolerance {
                Tolerance::EXACT
            }
            fn flops(&self, _: &[Meta], _: &Meta) -> f64 {
                0.0
            }
            fn precision(&self) -> Precision {
                Precision::Full
            }
            fn kind(&self) -> OpKind<'_> {
                let f: fn(&$op) -> OpKind<'_> = $work;
                f(self)
            }
        }
    };
}

// The executor provides the values of inputs and variables.
leaf!(
    Input,
    "input",
    "the value that the caller provides in each run",
    |_| OpKind::Leaf,
    |_, _| ()
);
leaf!(
    VariableOp,
    "variable",
    "the value of a variable at the start of the run",
    |_| OpKind::Leaf,
    |_, _| ()
);
leaf!(
    Constant,
    "constant",
    "the same number in each element",
    |c| OpKind::Constant(c.value.0),
    |c, y| y.data.fill(c.value.0)
);

fn leaf_at(graph: &Rc<RefCell<Graph>>, op: Op, caller: Source) -> Tensor {
    let pushed = graph.borrow_mut().append(op, Vec::new(), caller);
    match pushed {
        Ok(id) => Tensor::new(Rc::clone(graph), id),
        Err(error) => {
            graph.borrow_mut().record(error);
            Tensor::broken(Rc::clone(graph))
        }
    }
}

/// Creates an input: a tensor that the caller provides under `name` in each run.
#[track_caller]
pub fn input(
    graph: &Rc<RefCell<Graph>>,
    name: &str,
    shape: impl Into<Shape>,
    dtype: DType,
) -> Tensor {
    let op = Op::Input(Input {
        name: name.to_string(),
        shape: shape.into(),
        dtype,
    });
    leaf_at(graph, op, Source::caller())
}

/// Returns the value of a variable at the start of the run. Repeated calls return the same node, so
/// that a gradient with respect to it includes all uses.
#[track_caller]
pub fn variable(graph: &Rc<RefCell<Graph>>, id: VariableId) -> Tensor {
    let (known, meta) = {
        let graph = graph.borrow();
        let variable = graph.variables.get(id.index());
        (
            graph.read.get(&id).copied(),
            variable.map(|v| v.meta.clone()),
        )
    };
    if let Some(known) = known {
        return Tensor::new(Rc::clone(graph), known);
    }
    let Some(Meta { shape, dtype }) = meta else {
        return Tensor::broken(Rc::clone(graph));
    };
    let op = Op::Variable(VariableOp { id, shape, dtype });
    let tensor = leaf_at(graph, op, Source::caller());
    if let Some(node) = tensor.id() {
        graph.borrow_mut().read.insert(id, node);
    }
    tensor
}

/// Creates a tensor with the same number in each element.
#[track_caller]
pub fn constant(
    graph: &Rc<RefCell<Graph>>,
    value: f64,
    shape: impl Into<Shape>,
    dtype: DType,
) -> Tensor {
    let op = Op::Constant(Constant {
        value: Scalar(value),
        shape: shape.into(),
        dtype,
    });
    leaf_at(graph, op, Source::caller())
}

impl Tensor {
    /// Creates a scalar constant of the same type, which broadcasts to any shape.
    #[track_caller]
    pub fn constant_like(&self, value: f64) -> Tensor {
        let broken = self.id().is_none();
        let graph = self.shared_graph();
        if broken {
            return Tensor::broken(graph);
        }
        constant(&graph, value, Shape::scalar(), self.dtype().computed())
    }

    /// Creates an `f32` tensor of this shape, filled with `value`.
    pub(crate) fn constant(&self, value: f64, shape: impl Into<Shape>) -> Tensor {
        let graph = self.shared_graph();
        match self.id() {
            Some(_) => constant(&graph, value, shape.into(), DType::F32),
            None => Tensor::broken(graph),
        }
    }

    /// Creates a tensor of the same shape and type, filled with `value`.
    #[track_caller]
    pub fn full_like(&self, value: f64) -> Tensor {
        if self.id().is_none() {
            return Tensor::broken(self.shared_graph());
        }
        let dtype = self.dtype().computed();
        constant(&self.shared_graph(), value, self.shape(), dtype)
    }

    /// Creates a tensor of zeros of the same shape and type.
    #[track_caller]
    pub fn zeros_like(&self) -> Tensor {
        self.full_like(0.0)
    }
}
