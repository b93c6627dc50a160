//! Elementwise chains as data: what a fused kernel computes for each element.

use crate::graph::{Function, Meta};
use crate::{DType, Shape};

use super::{Operand, View};

/// An elementwise chain: for each element `i` of `domain`, reads leaves, applies functions, stores.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// The shape of the chain's elements; `i` runs over it in row-major order.
    pub domain: Shape,
    /// What is read.
    pub leaves: Vec<Leaf>,
    /// Numbers that go into the parameters, with their types.
    pub constants: Vec<(f64, DType)>,
    /// The functions, each on earlier values.
    pub code: Vec<Instr>,
    /// What is stored.
    pub stores: Vec<Store>,
    /// For a prologue, the value that is handed to the op.
    pub result: Option<Value>,
}

/// A tensor that a chain reads.
#[derive(Clone, Debug, PartialEq)]
pub struct Leaf {
    /// Where it lies.
    pub operand: Operand,
    /// Its element type.
    pub dtype: DType,
    /// Its elements: how many the tensor has.
    pub len: usize,
    /// Which element belongs to element `i` of the domain.
    pub access: Access,
}

/// Which element of a leaf belongs to element `i` of the domain.
#[derive(Clone, Debug, PartialEq)]
pub enum Access {
    /// Element `i`.
    Same,
    /// Element `at`, always.
    Scalar {
        /// Which element.
        at: usize,
    },
    /// Element `i % n`: repeated along the leading axes, like a bias.
    Row {
        /// Elements of a row.
        n: usize,
    },
    /// Element `i / n`: repeated along the trailing axes, like a mean of rows.
    Column {
        /// Elements of a row.
        n: usize,
    },
    /// Element `i / inner % n`: repeated along leading and trailing axes, like a convolution's bias.
    Channel {
        /// Elements of a channel.
        inner: usize,
        /// Channels.
        n: usize,
    },
    /// Any other: a walk with strides.
    Strided(View),
}

/// A value within a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    /// What the op computed, for an epilogue.
    Acc,
    /// A leaf, by index.
    Leaf(usize),
    /// A constant, by index.
    Constant(usize),
    /// The result of an instruction, by index.
    Instr(usize),
}

/// One function applied to earlier values.
#[derive(Clone, Debug, PartialEq)]
pub struct Instr {
    /// The function.
    pub function: &'static Function,
    /// Its arguments: tensors' elements first, then the row's constants.
    pub args: Vec<Value>,
}

/// A value that is written to memory, to element `i`.
#[derive(Clone, Debug, PartialEq)]
pub struct Store {
    /// What is stored.
    pub value: Value,
    /// Where.
    pub operand: Operand,
    /// The element type.
    pub dtype: DType,
}

impl Expr {
    /// A chain that only stores what the op computed.
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

    /// Whether a prologue only reads a tensor of floats in order.
    pub fn is_load(&self) -> bool {
        let in_order = |leaf: &Leaf| {
            leaf.access == Access::Same && leaf.len == self.domain.len() && leaf.dtype.is_float()
        };
        self.code.is_empty()
            && self.result == Some(Value::Leaf(0))
            && matches!(&self.leaves[..], [leaf] if in_order(leaf))
    }

    /// Whether it stores 16-bit numbers, which only whole vectors of them can be.
    pub fn stores_half(&self) -> bool {
        self.stores.iter().any(|store| store.dtype.is_half())
    }

    /// A chain that is a number, whatever the element.
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

    /// A chain that only reads a tensor, for a prologue.
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
