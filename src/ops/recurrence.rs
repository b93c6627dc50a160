//! Recurrent layers over all time steps: plain (tanh or ReLU), LSTM and GRU.
//!
//! Takes `x [batch, time, gates hidden]` (the inputs' part of each gate, all steps of it one matrix product
//! before), `w [gates hidden, hidden]`, `bias [gates hidden]`, `mask [batch, time]` and the first state. Gives
//! the reserve space: `[batch, records, hidden]`, the states of all steps and what the gradient needs; see [`ReserveLayout`].
//! Where the mask is 0 a state stays what it was.
//!
//! Why one op: unrolled, 64 steps of an LSTM are thousands of nodes and hundreds of dispatches, and the
//! gradient of `w` is 64 products that are added up. Here a step is one dispatch each way, a CPU's thread goes
//! through all steps of its samples without waiting for another, and the gradient of `w` is one product over
//! all steps.

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
    /// Gates with a sum over the state.
    pub fn gates(self) -> usize {
        match self {
            Cell::Tanh | Cell::Relu => 1,
            Cell::Gru => 3,
            Cell::Lstm => 4,
        }
    }

    /// Whether the state is `h` and `c`.
    pub fn has_memory(self) -> bool {
        self == Cell::Lstm
    }

    /// Records a step leaves for the gradient: an LSTM's gates; a GRU's, and `q = h w^T + bias` of its last.
    fn kept(self) -> usize {
        match self {
            Cell::Tanh | Cell::Relu => 0,
            Cell::Lstm | Cell::Gru => 4,
        }
    }

    /// Planes of a step's gradient: of each gate's sum; of a GRU `n, r, z, q`, for `q` is not all of n's.
    fn planes(self) -> usize {
        match self {
            Cell::Tanh | Cell::Relu => 1,
            Cell::Lstm | Cell::Gru => 4,
        }
    }

    /// Where in the planes those of the sums over the state begin.
    fn first_sum(self) -> usize {
        usize::from(self == Cell::Gru)
    }
}

/// The layout of a reserve space `[batch, records, hidden]` (cuDNN's word): the states of all steps, then what the
/// gradient needs.
///
/// The first records are what the layer gives: `h` before the first step and after each, in the order of time
/// (so the first is the last where time is reversed), then `c` after the last step. Then come the other `c`,
/// backwards, and what is kept of each step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ReserveLayout {
    op: Recurrence,
    /// Time steps.
    pub time: usize,
}

impl ReserveLayout {
    /// `h` after `done` steps.
    pub fn h(self, done: usize) -> usize {
        match self.op.reverse {
            false => done,
            true => self.time - done,
        }
    }

    /// `c` after `done` steps.
    pub fn c(self, done: usize) -> usize {
        self.time + 1 + (self.time - done)
    }

    /// What is kept of step `step`, counted from 0 in the order they are done.
    fn kept(self, step: usize) -> usize {
        self.states() + step * self.op.cell.kept()
    }

    /// The time of step `step`.
    pub fn at(self, step: usize) -> usize {
        match self.op.reverse {
            false => step,
            true => self.time - 1 - step,
        }
    }

    /// The first `h` of those before each step, in the order of time: `time` records.
    fn before(self) -> usize {
        usize::from(self.op.reverse)
    }

    /// The first `h` of those after each step, in the order of time: `time` records.
    pub fn after(self) -> usize {
        usize::from(!self.op.reverse)
    }

    /// Records that the layer gives.
    pub fn outputs(self) -> usize {
        self.time + 1 + usize::from(self.op.cell.has_memory())
    }

    fn states(self) -> usize {
        match self.op.cell.has_memory() {
            true => 2 * (self.time + 1),
            false => self.time + 1,
        }
    }

    /// All records.
    pub fn records(self) -> usize {
        match self.op.record {
            true => self.kept(self.time),
            false => self.states(),
        }
    }
}

/// The layout of the reserve space of `op` over `time` steps.
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
            return Err(format!(
                "takes {} inputs, was given {}",
                4 + states,
                x.len()
            ));
        }
        if x.iter().any(|x| x.dtype != DType::F32) {
            return Err("all inputs must be f32".to_string());
        }
        let (gates, [x, w, bias, mask, state @ ..]) = (self.cell.gates(), x) else {
            return Err("takes x, w, bias, mask and a state".to_string());
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
                 states [batch, hidden] must fit x [batch, time, {gates} hidden], with a step and a unit at least"
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
            shapes: "`x [batch, time, gates hidden]`, `w [gates hidden, hidden]`, `bias`, `mask [batch, time]`, first states; the states and what the gradient needs, `[batch, records, hidden]`",
            dtypes: "`f32`",
            gradient: "the op's own `_grad`, which goes back through the steps; none for the mask",
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

    /// What is kept for the gradient has none of its own: only the first records are the layer's.
    fn grad(&self, b: &Backward) -> Grads {
        let [x, w, _, mask, state @ ..] = b.x else {
            return Err("has no inputs".to_string());
        };
        if !self.record {
            return Err("was traced for evaluation, and keeps nothing for a gradient".to_string());
        }
        let (time, hidden) = (x.dim(1), w.dim(1));
        let reserve = reserve_layout(*self, time);
        let cell = self.cell;
        // A state that starts as zeros is nobody's variable.
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
        // A step adds up `hidden` products, and hands its error on to the next.
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

/// Whether a tensor is a constant, perhaps seen through a view.
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
