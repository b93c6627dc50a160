//! Prepared steps of a plan, which need no lookups when they run.

use std::collections::HashMap;

use crate::graph::{Graph, Meta, NodeId, Op};
use crate::kernel::{Expr, Operand, Value};
use crate::ops::{HostRef, OpKind};
use crate::passes::Sources;
use crate::plan::{Plan, Slot, Step};
use crate::{Error, Result};

use super::buffers::Buffers;
use super::chain::{Chain, Registers, compile};
use super::memory::{Accesses, MAX_ACCESSES, Memory, Span};

/// The largest number of inputs of an op.
const MAX_INPUTS: usize = MAX_ACCESSES;

/// The number of operations from which an op is expected to use more than one thread.
const PARALLEL_FLOPS: f64 = 1e6;

/// By node that is a variable's next value: the node of the variable.
pub(super) struct NextValues(HashMap<NodeId, NodeId>);

impl NextValues {
    /// Finds the next values in a graph.
    pub fn new(graph: &Graph, sources: &Sources) -> Self {
        let mut all = HashMap::new();
        for assign in &graph.assigns {
            if let Some(leaf) = graph.variable_node(assign.variable) {
                all.entry(sources.storage(assign.node)).or_insert(leaf);
            }
        }
        NextValues(all)
    }
}

/// A prepared chain or op.
pub(super) enum PreparedDispatch {
    /// An elementwise chain.
    Chain(Chain),
    /// An op with its own kernels.
    Op(PreparedOp),
}

/// An op with its slices: it reads its inputs and writes its result.
pub(super) struct PreparedOp {
    op: Op,
    inputs: Vec<Meta>,
    output: Meta,
    accesses: Accesses,
    flops: f64,
}

impl PreparedDispatch {
    /// Runs the chain or op.
    pub fn run(&self, memory: &mut Memory, registers: &mut [Registers]) {
        match self {
            PreparedDispatch::Chain(chain) => chain.run(memory, registers),
            PreparedDispatch::Op(op) => op.run(memory),
        }
    }

    /// Returns the slices that it reads and writes.
    pub fn accesses(&self) -> &Accesses {
        match self {
            PreparedDispatch::Chain(chain) => chain.accesses(),
            PreparedDispatch::Op(op) => &op.accesses,
        }
    }

    /// Returns the number of registers that it uses.
    pub fn registers(&self) -> usize {
        match self {
            PreparedDispatch::Chain(chain) => chain.registers(),
            PreparedDispatch::Op(_) => 0,
        }
    }

    /// Returns whether it is faster on more than one thread.
    pub fn is_parallel(&self) -> bool {
        match self {
            PreparedDispatch::Chain(chain) => chain.is_parallel(),
            PreparedDispatch::Op(op) => op.flops >= PARALLEL_FLOPS,
        }
    }
}

impl PreparedOp {
    fn run(&self, memory: &mut Memory) {
        let open = memory.open(&self.accesses);
        let mut x = [HostRef {
            meta: &self.output,
            words: &[],
        }; MAX_INPUTS];
        for (x, (meta, words)) in x.iter_mut().zip(self.inputs.iter().zip(open.reads)) {
            *x = HostRef { meta, words };
        }
        let [y, ..] = open.writes;
        if let OpKind::Kernel(kernel) = self.op.def().kind() {
            kernel.cpu(&x[..self.inputs.len()], &self.output, y);
        }
    }
}

/// Prepares a step of a plan: at most a prologue, an op and an epilogue.
pub(super) fn prepare(
    plan: &Plan,
    (sources, next): (&Sources, &NextValues),
    step: &Step,
    buffers: &mut Buffers,
) -> Result<Vec<PreparedDispatch>> {
    let cx = Context { next, step };
    let mut all = Vec::new();
    let Some(anchor) = step.anchor else {
        if let Some(epilogue) = &step.epilogue {
            all.push(PreparedDispatch::Chain(
                cx.chain(buffers, epilogue, None, None)?,
            ));
        }
        return Ok(all);
    };
    let node = plan.graph.node(anchor);
    let mut reads = Vec::with_capacity(node.inputs.len());
    for (i, &input) in node.inputs.iter().enumerate() {
        let len = plan.graph.meta(input).shape.len();
        reads.push(match &step.prologue {
            Some(prologue) if i == 0 && prologue.is_load() => {
                let leaf = &prologue.leaves[0];
                cx.place(buffers, leaf.operand, leaf.len)?
            }
            Some(prologue) if i == 0 => {
                let span = Buffers::workspace(&mut buffers.prologue, prologue.domain.len());
                all.push(PreparedDispatch::Chain(cx.chain(
                    buffers,
                    prologue,
                    None,
                    Some(span),
                )?));
                span
            }
            _ => cx.place(buffers, Operand::Node(sources.read(anchor, i).root), len)?,
        });
    }
    let len = node.meta.shape.len();
    let y = match &step.epilogue {
        None => {
            let place = step
                .writes
                .first()
                .map(|(_, slot)| buffers.span(*slot, len));
            place.ok_or_else(|| broken(format!("{} writes nothing", step.label)))??
        }
        Some(epilogue) => {
            let direct = cx.destination(buffers, epilogue, &reads, len)?;
            direct.unwrap_or_else(|| Buffers::workspace(&mut buffers.acc, len))
        }
    };
    let inputs: Vec<Meta> = node
        .inputs
        .iter()
        .map(|&i| plan.graph.meta(i).clone())
        .collect();
    all.push(PreparedDispatch::Op(PreparedOp {
        op: node.op.clone(),
        inputs,
        output: node.meta.clone(),
        accesses: Accesses::new(reads, &[y])?,
        flops: step.flops,
    }));
    if let Some(epilogue) = &step.epilogue {
        let epilogue = cx.chain(buffers, epilogue, Some(y), None)?;
        if !epilogue.is_empty() {
            all.push(PreparedDispatch::Chain(epilogue));
        }
    }
    Ok(all)
}

/// The step that is being prepared.
struct Context<'a> {
    next: &'a NextValues,
    step: &'a Step,
}

impl Context<'_> {
    /// Returns the index of the epilogue's target in which the op may store its result: the target
    /// that stores the result itself, or else one that neither the op nor the epilogue still reads.
    fn destination(
        &self,
        buffers: &Buffers,
        epilogue: &Expr,
        inputs: &[Span],
        len: usize,
    ) -> Result<Option<Span>> {
        let mut taken = inputs.to_vec();
        for leaf in &epilogue.leaves {
            taken.push(self.place(buffers, leaf.operand, leaf.len)?);
        }
        let itself = epilogue.stores.iter().filter(|s| s.value == Value::Acc);
        for store in itself.chain(&epilogue.stores) {
            let span = self.place(buffers, store.operand, len)?;
            if !taken.iter().any(|t| t.overlaps(span)) {
                return Ok(Some(span));
            }
        }
        Ok(None)
    }

    fn chain(
        &self,
        buffers: &Buffers,
        expr: &Expr,
        acc: Option<Span>,
        result: Option<Span>,
    ) -> Result<Chain> {
        let place = |operand, words| self.place(buffers, operand, words);
        compile(expr, &place, acc, result)
    }

    /// Returns the words of an operand of this step.
    fn place(&self, buffers: &Buffers, operand: Operand, words: usize) -> Result<Span> {
        let slot = self
            .step
            .slot_of(operand)
            .or_else(|| self.next_value(operand));
        let missing = || broken(format!("{} has no slot for {operand:?}", self.step.label));
        buffers.span(slot.ok_or_else(missing)?, words)
    }

    /// Returns the slot of a node that is represented by the variable whose next value it is.
    fn next_value(&self, operand: Operand) -> Option<Slot> {
        let Operand::Node(node) = operand else {
            return None;
        };
        let leaf = *self.next.0.get(&node)?;
        self.step.slot_of(Operand::Node(leaf))
    }
}

fn broken(detail: String) -> Error {
    Error::internal("the CPU executor", detail)
}
