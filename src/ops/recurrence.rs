//! Recurrent layers over all time steps: plain (tanh or ReLU), LSTM and GRU.
//!
//! The inputs are `x [batch, time, gates hidden]` (the part of each gate that depends on the
//! layer's input, which is one matrix product for all steps), `w [gates hidden, hidden]`,
//! `bias [gates hidden]`, `mask [batch, time]` and the initial state. The result is the reserve
//! space `[batch, records, hidden]`, with the states of all steps and the values for the gradient;
//! see [`ReserveLayout`]. Where the mask is 0, the state does not change.
//!
//! The layer is one op because, unrolled, 64 steps of an LSTM are thousands of nodes and hundreds
//! of dispatches, and the gradient of `w` is a sum of 64 products. As one op, a step is one
//! dispatch in each direction, a CPU thread computes all steps of its samples without waiting, and
//! the gradient of `w` is one product over all steps.

mod backward;
mod cpu;
mod kernels;
mod reference;

use crate::graph::{Backward, Cell, Grads, Matmul, Meta, Op, Recurrence, RecurrenceGrad};
use crate::kernel::Variant;
use crate::ops::sized_op::SizedOp;
use crate::ops::{Array, HostRef, LowerContext, OpDef, OpDoc, OpKind, Precision, Tolerance};
use crate::{DType, Shape, Source, Tensor};

impl Cell {
    /// Returns the number of gates whose sum includes the state.
    pub fn gates(self) -> usize {
        match self {
            Cell::Tanh | Cell::Relu => 1,
            Cell::Gru => 3,
            Cell::Lstm => 4,
        }
    }

    /// Returns whether the state consists of `h` and `c`.
    pub fn has_memory(self) -> bool {
        self == Cell::Lstm
    }

    /// Returns the number of records that a step keeps for the gradient: an LSTM keeps its gates; a
    /// GRU keeps its gates and `q = h w^T + bias` of the last one.
    fn kept(self) -> usize {
        match self {
            Cell::Tanh | Cell::Relu => 0,
            Cell::Lstm | Cell::Gru => 4,
        }
    }

    /// Returns the number of planes of a step's gradient: one for the sum of each gate. A GRU has
    /// `n, r, z, q`, because `q` is only a part of the sum of `n`.
    fn planes(self) -> usize {
        match self {
            Cell::Tanh | Cell::Relu => 1,
            Cell::Lstm | Cell::Gru => 4,
        }
    }

    /// Returns the index of the first plane of the sums over the state.
    fn first_sum(self) -> usize {
        usize::from(self == Cell::Gru)
    }
}

/// The layout of a reserve space `[batch, records, hidden]` (cuDNN's term): the states of all
/// steps, then the values for the gradient.
///
/// The first records are the outputs of the layer: `h` before the first step and after each, in the
/// order of time (so the first one is the last if time is reversed), then `c` after the last step.
/// The next records are the other `c`, in reverse order, and the values that each step keeps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ReserveLayout {
    op: Recurrence,
    /// The number of time steps.
    pub time: usize,
}

impl ReserveLayout {
    /// Returns the record of `h` after `done` steps.
    pub fn h(self, done: usize) -> usize {
        match self.op.reverse {
            false => done,
            true => self.time - done,
        }
    }

    /// Returns the record of `c` after `done` steps.
    pub fn c(self, done: usize) -> usize {
        self.time + 1 + (self.time - done)
    }

    /// Returns the first record that step `step` keeps. Steps are counted from 0 in the order of
    /// execution.
    fn kept(self, step: usize) -> usize {
        self.states() + step * self.op.cell.kept()
    }

    /// Returns the time index of step `step`.
    pub fn at(self, step: usize) -> usize {
        match self.op.reverse {
            false => step,
            true => self.time - 1 - step,
        }
    }

    /// Returns the first record of `h` before each step, in the order of time: `time` records.
    fn before(self) -> usize {
        usize::from(self.op.reverse)
    }

    /// Returns the first record of `h` after each step, in the order of time: `time` records.
    pub fn after(self) -> usize {
        usize::from(!self.op.reverse)
    }

    /// Returns the number of records that the layer outputs.
    pub fn outputs(self) -> usize {
        self.time + 1 + usize::from(self.op.cell.has_memory())
    }

    fn states(self) -> usize {
        match self.op.cell.has_memory() {
            true => 2 * (self.time + 1),
            false => self.time + 1,
        }
    }

    /// Returns the number of all records.
    pub fn records(self) -> usize {
        match self.op.record {
            true => self.kept(self.time),
            false => self.states(),
        }
    }
}

/// Returns the layout of the reserve space of `op` over `time` steps.
pub(crate) fn reserve_layout(op: Recurrence, time: usize) -> ReserveLayout {
    ReserveLayout { op, time }
}

/// The sizes of a recurrent layer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sizes {
    batch: usize,
    time: usize,
    hidden: usize,
}

impl Recurrence {
    fn sizes(&self, x: &[Meta]) -> Result<Sizes, String> {
        let states = 1 + usize::from(self.cell.has_memory());
        if x.len() != 4 + states {
            return Err(format!("expected {} inputs, found {}", 4 + states, x.len()));
        }
        if x.iter().any(|x| x.dtype != DType::F32) {
            return Err("all inputs must be f32".to_string());
        }
        let (gates, [x, w, bias, mask, state @ ..]) = (self.cell.gates(), x) else {
            return Err("expected x, w, bias, mask and a state".to_string());
        };
        let (&[batch, time, width], &[rows, hidden]) = (x.shape.dims(), w.shape.dims()) else {
            return Err(
                "x must be [batch, time, gates hidden], w [gates hidden, hidden]".to_string(),
            );
        };
        let fits = width == gates * hidden
            && rows == width
            && bias.shape == Shape::from([width])
            && mask.shape == Shape::from([batch, time])
            && state
                .iter()
                .all(|s| s.shape == Shape::from([batch, hidden]));
        match fits && time > 0 && hidden > 0 {
            true => Ok(Sizes {
                batch,
                time,
                hidden,
            }),
            false => Err(format!(
                "with {gates} gates, w [{gates} hidden, hidden], bias [{gates} hidden], mask [batch, time] and \
                 states [batch, hidden] must fit x [batch, time, {gates} hidden], with at least one step and one unit"
            )),
        }
    }
}

impl OpDef for Recurrence {
    fn name(&self) -> &'static str {
        match self.cell {
            Cell::Tanh | Cell::Relu => "rnn",
            Cell::Lstm => "lstm",
            Cell::Gru => "gru",
        }
    }

    fn doc(&self) -> OpDoc {
        OpDoc {
            formula: match self.cell {
                Cell::Tanh | Cell::Relu => {
                    "`h_t = tanh(x_t + w h_(t-1) + bias)`, or ReLU instead of tanh"
                }
                Cell::Lstm => {
                    "`i, f, g, o = x_t + w h_(t-1) + bias`, `c_t = s(f) c_(t-1) + s(i) tanh(g)`, `h_t = s(o) tanh(c_t)`, with `s` the sigmoid"
                }
                Cell::Gru => {
                    "`r, z = s(x_t + w h_(t-1) + bias)`, `n = tanh(x_t + r (w h_(t-1) + bias))`, `h_t = (1 - z) n + z h_(t-1)`, with `s` the sigmoid"
                }
            },
            shapes: "`x [batch, time, gates hidden]`, `w [gates hidden, hidden]`, `bias`, `mask [batch, time]`, initial states; the states and the values for the gradient, `[batch, records, hidden]`",
            dtypes: "`f32`",
            gradient: "the `_grad` op, which goes backwards through the steps; none for the mask",
        }
    }

    fn infer(&self, x: &[Meta]) -> Result<Meta, String> {
        let Sizes {
            batch,
            time,
            hidden,
        } = self.sizes(x)?;
        let records = reserve_layout(*self, time).records();
        Ok(Meta::new([batch, records, hidden], DType::F32))
    }

    /// Only the first records are outputs of the layer; the values kept for the gradient have no
    /// gradient.
    fn grad(&self, b: &Backward) -> Grads {
        let [x, w, _, mask, state @ ..] = b.x else {
            return Err("expected inputs, found none".to_string());
        };
        if !self.record {
            return Err(
                "was traced for evaluation, so it keeps nothing for a gradient".to_string(),
            );
        }
        let (time, hidden) = (x.dim(1), w.dim(1));
        let reserve = reserve_layout(*self, time);
        let cell = self.cell;
        // An initial state of zeros needs no gradient.
        let of_state = !state.iter().all(is_constant);
        let op = RecurrenceGrad {
            of: *self,
            state: of_state,
        };
        let dy = b.dy.narrow(1, 0, reserve.outputs());
        let inputs = [b.y, w, mask, &dy];
        let all = Tensor::apply(Op::RecurrenceGrad(op), &inputs, Source::caller());
        let steps = match of_state {
            true => all.narrow(1, 0, time),
            false => all.clone(),
        };
        let planes = |from: usize, count: usize| match count == cell.planes() {
            true => steps.clone(),
            false => steps.narrow(-1, from * hidden, count * hidden),
        };
        let sums = planes(cell.first_sum(), cell.gates());
        let dx = match cell {
            Cell::Gru => Tensor::concat(&[&planes(1, 2), &planes(0, 1)], -1),
            _ => sums.clone(),
        };
        // One product over all steps of all samples.
        let rows = x.dim(0) * time;
        let sums = sums.reshape([rows, cell.gates() * hidden]);
        let before =
            b.y.narrow(1, reserve.before(), time)
                .reshape([rows, hidden]);
        let product = Op::Matmul(Matmul {
            ta: true,
            tb: false,
        });
        let dw = Tensor::apply(product, &[&sums, &before], Source::caller());
        let mut grads = vec![Some(dx), Some(dw), Some(sums.sum(&[0])), None];
        for i in 0..state.len() {
            let row = || all.narrow(1, time, 1).narrow(2, i * hidden, hidden);
            grads.push(of_state.then(|| row().squeeze(1)));
        }
        Ok(grads)
    }

    fn reference(&self, x: &[&Array], y: &mut Array) {
        reference::forward(self, x, y);
    }

    fn tolerance(&self, x: &[&Array], y: &Array) -> Tolerance {
        // A step adds `hidden` products, and passes its error to the next one.
        let (hidden, time) = (y.shape.last() as f64, x[3].shape.last() as f64);
        let largest = x[1].max_abs().max(1.0) * y.max_abs().max(1.0);
        Tolerance {
            abs: 6e-8 * (hidden + 16.0) * time * largest,
            rel: 1e-6,
        }
    }

    fn flops(&self, x: &[Meta], _: &Meta) -> f64 {
        let hidden = x[1].shape.last() as f64;
        x[0].shape.len() as f64 * (2.0 * hidden + 10.0)
    }

    fn precision(&self) -> Precision {
        Precision::Full
    }

    fn kind(&self) -> OpKind<'_> {
        OpKind::Kernel(self)
    }
}

/// Returns whether a tensor is a constant or a view of one.
fn is_constant(x: &Tensor) -> bool {
    let graph = x.graph();
    let mut id = x.id();
    while let Some(at) = id {
        let node = graph.node(at);
        match (&node.op, node.op.def().kind()) {
            (Op::Constant(_), _) => return true,
            (_, OpKind::View(_) | OpKind::Alias) => id = node.inputs.first().copied(),
            _ => return false,
        }
    }
    false
}

impl SizedOp for Recurrence {
    type Sizes = Sizes;

    fn sizes_of(&self, x: &[Meta]) -> Result<Sizes, String> {
        self.sizes(x)
    }
    fn iterations(&self, s: &Sizes) -> usize {
        s.hidden
    }
    fn variants(&self, s: Sizes, cx: &LowerContext) -> Vec<Variant> {
        vec![kernels::forward(self, s, cx)]
    }
    fn compute(&self, s: Sizes, x: &[HostRef], y: &mut [f32]) {
        cpu::forward(self, s, x, y);
    }
}
