//! Prepares a chain: assigns sources and targets to all leaves and values, so that blocks need no
//! decisions.

use crate::DType;
use crate::graph::Function;
use crate::kernel::{Access, Expr, Leaf, Operand, Value, View};
use crate::{Error, Result};

use super::super::memory::{Accesses, Span};
use super::{BLOCK, Call, Chain, Fetch, MAX_ARGS, Source, Target, Walk};

/// Prepares `expr`. `place` returns the span of an operand with the given number of words. `acc` is
/// the span of the op's result, and `result` that of a prologue's result.
pub(in super::super) fn compile(
    expr: &Expr,
    place: &dyn Fn(Operand, usize) -> Result<Span>,
    acc: Option<Span>,
    result: Option<Span>,
) -> Result<Chain> {
    let len = expr.domain.len();
    let mut stores = Vec::new();
    for store in &expr.stores {
        stores.push((store.value, place(store.operand, len)?));
    }
    stores.extend(expr.result.zip(result));
    let mut c = Compiler::new(len, &stores, expr);
    c.block_size(expr);
    if let Some(span) = acc {
        c.acc = c.in_order(span);
    }
    for leaf in &expr.leaves {
        let source = c.leaf(leaf, place(leaf.operand, leaf.len)?)?;
        c.leaves.push(source);
    }
    c.code(expr, &stores)?;
    c.finish()
}

struct Compiler {
    chain: Chain,
    reads: Vec<Span>,
    writes: Vec<Span>,
    acc: Source,
    leaves: Vec<Source>,
    /// The source of each instruction's result.
    values: Vec<Source>,
    /// Registers that are free.
    free: Vec<usize>,
}

impl Compiler {
    fn new(len: usize, stores: &[(Value, Span)], expr: &Expr) -> Self {
        let writes: Vec<Span> = stores.iter().map(|s| s.1).collect();
        let splat = |&(value, dtype)| vec![word(value, dtype); len.min(BLOCK)];
        Compiler {
            chain: Chain {
                writes: writes.len(),
                len,
                block: BLOCK,
                row: usize::MAX,
                constants: expr.constants.iter().map(splat).collect(),
                ..Chain::default()
            },
            reads: Vec::new(),
            writes,
            // A chain without an op never reads an op's result.
            acc: Source::Read(0),
            leaves: Vec::new(),
            values: Vec::new(),
            free: Vec::new(),
        }
    }

    /// Aligns blocks with the longest repeated row, so that the row is the same in each block.
    fn block_size(&mut self, expr: &Expr) {
        let rows = expr.leaves.iter().filter_map(|leaf| match leaf.access {
            Access::Row { n } => Some(n),
            _ => None,
        });
        match rows.max() {
            Some(n) if n > BLOCK => {
                self.chain.row = n;
                self.chain.block = n.div_ceil(n.div_ceil(BLOCK)).next_multiple_of(16);
            }
            Some(n) if n > 0 => self.chain.block = BLOCK / n * n,
            _ => {}
        }
    }

    /// Returns the source of a tensor whose elements are in the chain's order.
    fn in_order(&mut self, span: Span) -> Source {
        match self.writes.iter().position(|w| *w == span) {
            Some(write) => Source::Write(write),
            None => Source::Read(self.read(span)),
        }
    }

    fn read(&mut self, span: Span) -> usize {
        let known = self.reads.iter().position(|r| *r == span);
        known.unwrap_or_else(|| {
            self.reads.push(span);
            self.reads.len() - 1
        })
    }

    fn leaf(&mut self, leaf: &Leaf, span: Span) -> Result<Source> {
        let (len, block) = (self.chain.len, self.chain.block);
        let strided = |dims: [usize; 2], strides: [isize; 2]| View {
            dims: dims.to_vec(),
            strides: strides.to_vec(),
            offset: 0,
        };
        let (view, once) = match &leaf.access {
            _ if len == 0 => return Ok(Source::Read(self.read(span))),
            Access::Same if leaf.len >= len => return Ok(self.in_order(Span { len, ..span })),
            Access::Scalar { at: 0 } if len == 1 => {
                return Ok(self.in_order(Span { len, ..span }));
            }
            Access::Scalar { at } => (
                View {
                    offset: *at,
                    ..strided([1, len], [0, 0])
                },
                true,
            ),
            Access::Row { n } if *n == self.chain.row && leaf.len >= *n => {
                return Ok(Source::Row(self.read(span)));
            }
            Access::Row { n } if *n > 0 => {
                let once = self.chain.row == usize::MAX && block % n == 0;
                (strided([len.div_ceil(*n), *n], [0, 1]), once)
            }
            Access::Column { n } if *n > 0 => (strided([len.div_ceil(*n), *n], [1, 0]), false),
            Access::Channel { inner, n } if *inner > 0 && *n > 0 => {
                let view = View {
                    dims: vec![len.div_ceil(n * inner), *n, *inner],
                    strides: vec![0, 1, 0],
                    offset: 0,
                };
                (view, false)
            }
            Access::Strided(view) => (view.clone(), false),
            access => {
                let detail = format!("{access:?} of {} elements, for {len}", leaf.len);
                return Err(Error::internal("the CPU executor", detail));
            }
        };
        let walk = Walk::new(&view, leaf.len)?;
        let fetch = Fetch {
            read: self.read(span),
            walk,
            register: self.register(),
        };
        let source = Source::Register(fetch.register);
        match once {
            true => self.chain.once.push(fetch),
            false => self.chain.fetches.push(fetch),
        }
        Ok(source)
    }

    fn register(&mut self) -> usize {
        self.free.pop().unwrap_or_else(|| {
            self.chain.registers += 1;
            self.chain.registers - 1
        })
    }

    fn source(&self, value: Value) -> Result<Source> {
        let known = match value {
            Value::Acc => Some(self.acc),
            Value::Leaf(i) => self.leaves.get(i).copied(),
            Value::Constant(i) => Some(Source::Constant(i)),
            Value::Instr(i) => self.values.get(i).copied(),
        };
        let missing = || Error::internal("the CPU executor", format!("{value:?} has no value yet"));
        known.ok_or_else(missing)
    }

    fn code(&mut self, expr: &Expr, stores: &[(Value, Span)]) -> Result<()> {
        let end = expr.code.len();
        let mut direct: Vec<bool> = vec![false; stores.len()];
        for (i, instr) in expr.code.iter().enumerate() {
            // A result is computed in place, unless the old values there are still needed.
            let place = (0..stores.len()).find(|&w| {
                let last = self.last_read(expr, stores, Source::Write(w));
                stores[w].0 == Value::Instr(i) && last.is_none_or(|last| last < i)
            });
            let to = match place {
                Some(write) => {
                    direct[write] = true;
                    Target::Write(write)
                }
                None => Target::Register(self.register()),
            };
            let call = self.call(expr, instr.function, &instr.args, to)?;
            self.chain.calls.push(call);
            self.values.push(match to {
                Target::Register(r) => Source::Register(r),
                Target::Write(w) => Source::Write(w),
            });
            for j in 0..=i {
                let Source::Register(register) = self.values[j] else {
                    continue;
                };
                let used = last_use(expr, stores, Value::Instr(j), end).unwrap_or(j);
                if used == i {
                    self.free.push(register);
                }
            }
        }
        self.copies(stores, &direct)
    }

    /// Returns the last instruction that reads old values in a slice that is written, or the number
    /// of instructions if a store does.
    fn last_read(&self, expr: &Expr, stores: &[(Value, Span)], place: Source) -> Option<usize> {
        let leaves = (0..self.leaves.len())
            .filter(|&i| self.leaves[i] == place)
            .map(Value::Leaf);
        let acc = (self.acc == place).then_some(Value::Acc);
        let end = expr.code.len();
        leaves
            .chain(acc)
            .filter_map(|v| last_use(expr, stores, v, end))
            .max()
    }

    fn call(&self, expr: &Expr, f: &Function, args: &[Value], to: Target) -> Result<Call> {
        let count = f.inputs.len();
        if count > MAX_ARGS || args.len() != count + f.constants.len() {
            let detail = format!("{} has {} arguments", f.name, args.len());
            return Err(Error::internal("the CPU executor", detail));
        }
        let (tensors, numbers) = args.split_at(count);
        let mut sources = [Source::Constant(0); MAX_ARGS];
        for (source, &value) in sources.iter_mut().zip(tensors) {
            *source = self.source(value)?;
        }
        let number = |value: &Value| match value {
            Value::Constant(i) => expr.constants.get(*i).map(|c| c.0),
            _ => None,
        };
        let missing = || Error::internal("the CPU executor", format!("{}: no constant", f.name));
        let constants = numbers
            .iter()
            .map(number)
            .collect::<Option<_>>()
            .ok_or_else(missing)?;
        Ok(Call {
            function: f.block,
            args: sources,
            count,
            constants,
            to,
        })
    }

    /// Adds the remaining stores. Old values that move to another slice are copied first.
    fn copies(&mut self, stores: &[(Value, Span)], direct: &[bool]) -> Result<()> {
        let mut moves = Vec::new();
        for (write, &(value, _)) in stores.iter().enumerate().filter(|(w, _)| !direct[*w]) {
            let mut source = self.source(value)?;
            if source == Source::Write(write) {
                continue;
            }
            if matches!(source, Source::Write(_)) && !matches!(value, Value::Instr(_)) {
                let register = self.register();
                self.chain.copies.push((source, Target::Register(register)));
                source = Source::Register(register);
            }
            moves.push((source, Target::Write(write)));
        }
        self.chain.copies.append(&mut moves);
        Ok(())
    }

    fn finish(mut self) -> Result<Chain> {
        self.chain.accesses = Accesses::new(self.reads, &self.writes)?;
        Ok(self.chain)
    }
}

/// Returns the last instruction that reads `value`, or `end` if it is stored.
fn last_use(expr: &Expr, stores: &[(Value, Span)], value: Value, end: usize) -> Option<usize> {
    if stores.iter().any(|s| s.0 == value) {
        return Some(end);
    }
    expr.code
        .iter()
        .rposition(|instr| instr.args.contains(&value))
}

pub(super) fn word(value: f64, dtype: DType) -> u32 {
    match dtype {
        DType::F32 | DType::F16 | DType::Bf16 => (value as f32).to_bits(),
        DType::I32 => value as i32 as u32,
        DType::U32 => value as u32,
        DType::Bool => u32::from(value != 0.0),
    }
}
