//! Builds the elementwise chain of a group.

use std::collections::HashMap;

use crate::graph::{Meta, NodeId};
use crate::kernel::{Expr, Instr, Leaf, Operand, Store, Value};
use crate::ops::OpKind;
use crate::passes::ViewSource;
use crate::{DType, Error, Result, Shape};

use super::lower::Lowering;
use super::memory::FixedPlacements;

pub(super) struct ChainBuilder<'a> {
    cx: &'a Lowering<'a>,
    placements: &'a FixedPlacements,
    expr: Expr,
    values: HashMap<NodeId, Value>,
}

impl<'a> ChainBuilder<'a> {
    /// Creates an empty chain. For an epilogue, `acc` is the node whose value the kernel passes.
    pub fn new(cx: &'a Lowering<'a>, placements: &'a FixedPlacements, acc: Option<NodeId>) -> Self {
        let expr = Expr {
            domain: Shape::scalar(),
            leaves: Vec::new(),
            constants: Vec::new(),
            code: Vec::new(),
            stores: Vec::new(),
            result: None,
        };
        let values = acc.map(|id| (id, Value::Acc)).into_iter().collect();
        ChainBuilder {
            cx,
            placements,
            expr,
            values,
        }
    }

    /// Appends a node: a function, or a copy of a view or constant.
    pub fn add(&mut self, id: NodeId) -> Result<()> {
        let node = self.cx.graph.node(id);
        let value = match node.op.def().kind() {
            OpKind::Constant(value) => self.constant(value, node.meta.dtype),
            OpKind::Elementwise {
                function,
                constants,
            } => {
                let reads = self.cx.sources.reads(id);
                let mut args: Vec<Value> = reads.iter().map(|from| self.read(from)).collect();
                for (&value, &dtype) in constants.iter().zip(function.constants) {
                    args.push(self.constant(value, dtype));
                }
                self.expr.code.push(Instr { function, args });
                Value::Instr(self.expr.code.len() - 1)
            }
            OpKind::View(_) | OpKind::Alias => match self.cx.sources.copied(self.cx.graph, id) {
                Some(from) => self.read(&from),
                None => return Err(Error::internal("lowering", "a view without an input")),
            },
            _ => {
                let detail = format!("{:?} is not elementwise", node.op);
                return Err(Error::internal("lowering", detail));
            }
        };
        self.values.insert(id, value);
        Ok(())
    }

    /// Returns the chain that computes input 0 of the op `anchor`.
    pub fn prologue(mut self, anchor: NodeId) -> Result<Expr> {
        let from = self.cx.sources.read(anchor, 0);
        let result = self.read(from);
        self.expr.result = Some(result);
        self.expr.domain = Shape::from(from.view.dims.clone());
        Ok(self.expr)
    }

    /// Returns the chain that stores `outputs`, over `len` elements, in the shape of `meta` if it
    /// has as many.
    pub fn epilogue(mut self, outputs: &[NodeId], len: usize, meta: &Meta) -> Expr {
        for &id in outputs {
            let Some(&value) = self.values.get(&id) else {
                continue;
            };
            let operand = Operand::Node(self.placements.operand(id));
            let dtype = self.cx.graph.meta(id).dtype;
            self.expr.stores.push(Store {
                value,
                operand,
                dtype,
            });
        }
        self.expr.domain = if meta.shape.len() == len {
            meta.shape.clone()
        } else {
            Shape::from([len])
        };
        self.expr
    }

    fn read(&mut self, from: &ViewSource) -> Value {
        if let Some(&value) = self.values.get(&from.root) {
            return value;
        }
        let node = self.cx.graph.node(from.root);
        if !self.cx.sources.is_copy(from.root)
            && let OpKind::Constant(value) = node.op.def().kind()
        {
            return self.constant(value, node.meta.dtype);
        }
        let leaf = Leaf {
            operand: Operand::Node(self.placements.operand(from.root)),
            dtype: node.meta.dtype,
            len: node.meta.shape.len(),
            access: from.view.access(),
        };
        let known = self.expr.leaves.iter().position(|l| *l == leaf);
        Value::Leaf(known.unwrap_or_else(|| {
            self.expr.leaves.push(leaf);
            self.expr.leaves.len() - 1
        }))
    }

    fn constant(&mut self, value: f64, dtype: DType) -> Value {
        let same = |c: &(f64, DType)| c.0.to_bits() == value.to_bits() && c.1 == dtype;
        let known = self.expr.constants.iter().position(same);
        Value::Constant(known.unwrap_or_else(|| {
            self.expr.constants.push((value, dtype));
            self.expr.constants.len() - 1
        }))
    }
}
