//! Elementwise chains as data: the computation of a fused kernel for each element.

use crate::graph::{Function, Meta};
use crate::{DType, Shape};

use super::{Operand, View};

/// An elementwise chain: for each element `i` of `domain`, it reads leaves, applies functions and
/// stores values.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// The shape of the chain's elements; `i` is a row-major index into it.
    pub domain: Shape,
    /// The tensors that it reads.
    pub leaves: Vec<Leaf>,
    /// The numbers in its parameters, with their types.
    pub constants: Vec<(f64, DType)>,
    /// The functions, each applied to earlier values.
    pub code: Vec<Instr>,
    /// The values that it stores.
    pub stores: Vec<Store>,
    /// The value that a prologue returns.
    pub result: Option<Value>,
}

/// A tensor that a chain reads.
#[derive(Clone, Debug, PartialEq)]
pub struct Leaf {
    /// The buffer.
    pub operand: Operand,
    /// Its element type.
    pub dtype: DType,
    /// The number of elements of the tensor.
    pub len: usize,
    /// The element of the tensor for element `i` of the domain.
    pub access: Access,
}

/// The element of a leaf for element `i` of the domain.
#[derive(Clone, Debug, PartialEq)]
pub enum Access {
    /// Element `i`.
    Same,
    /// Always element `at`.
    Scalar {
        /// The index of the element.
        at: usize,
    },
    /// Element `i % n`: repeated along the leading axes, like a bias.
    Row {
        /// The number of elements of a row.
        n: usize,
    },
    /// Element `i / n`: repeated along the trailing axes, like a mean of rows.
    Column {
        /// The number of elements of a row.
        n: usize,
    },
    /// Element `i / inner % n`: repeated along leading and trailing axes, like a convolution's bias.
    Channel {
        /// The number of elements of a channel.
        inner: usize,
        /// The number of channels.
        n: usize,
    },
    /// Any other walk, with strides.
    Strided(View),
}

/// A value in a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    /// The result of the op, for an epilogue.
    Acc,
    /// A leaf, by index.
    Leaf(usize),
    /// A constant, by index.
    Constant(usize),
    /// The result of an instruction, by index.
    Instr(usize),
}

/// A function applied to earlier values.
#[derive(Clone, Debug, PartialEq)]
pub struct Instr {
    /// The function.
    pub function: &'static Function,
    /// Its arguments: the elements of tensors, then the constants of the row.
    pub args: Vec<Value>,
}

/// A value that is written to element `i` of a buffer.
#[derive(Clone, Debug, PartialEq)]
pub struct Store {
    /// The value.
    pub value: Value,
    /// The buffer.
    pub operand: Operand,
    /// The element type.
    pub dtype: DType,
}

impl Expr {
    /// Creates a chain that only stores the result of the op.
    pub fn store_acc(domain: Shape, operand: Operand, dtype: DType) -> Self {
        Expr {
            domain,
            leaves: Vec::new(),
            constants: Vec::new(),
            code: Vec::new(),
            stores: vec![Store {
                value: Value::Acc,
                operand,
                dtype,
            }],
            result: None,
        }
    }

    /// Returns whether a prologue only reads a float tensor in order.
    pub fn is_load(&self) -> bool {
        let in_order = |leaf: &Leaf| {
            leaf.access == Access::Same && leaf.len == self.domain.len() && leaf.dtype.is_float()
        };
        self.code.is_empty()
            && self.result == Some(Value::Leaf(0))
            && matches!(&self.leaves[..], [leaf] if in_order(leaf))
    }

    /// Returns whether the chain stores half precision, which must be stored in whole vectors.
    pub fn stores_half(&self) -> bool {
        self.stores.iter().any(|store| store.dtype.is_half())
    }

    /// Creates a prologue with the same number for each element.
    pub fn constant(meta: &Meta, number: f64) -> Self {
        Expr {
            domain: meta.shape.clone(),
            leaves: Vec::new(),
            constants: vec![(number, meta.dtype)],
            code: Vec::new(),
            stores: Vec::new(),
            result: Some(Value::Constant(0)),
        }
    }

    /// Creates a prologue that only reads a tensor.
    pub fn load(meta: &Meta, operand: Operand) -> Self {
        let (dtype, len) = (meta.dtype, meta.shape.len());
        Expr {
            domain: meta.shape.clone(),
            leaves: vec![Leaf {
                operand,
                dtype,
                len,
                access: Access::Same,
            }],
            constants: Vec::new(),
            code: Vec::new(),
            stores: Vec::new(),
            result: Some(Value::Leaf(0)),
        }
    }
}
