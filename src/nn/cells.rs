//! Recurrent cells: a single time step, for custom loops over time.
//!
//! Parameters have the names, shapes and order of PyTorch's `LSTMCell` and `GRUCell`: `weight_ih
//! [gates hidden, inputs]`, `weight_hh [gates hidden, hidden]`, `bias_ih` and `bias_hh [gates
//! hidden]`. For whole sequences, [`Lstm`](super::Lstm) and [`Gru`](super::Gru) are faster.

use crate::graph::Init;
use crate::{Source, Tensor};

use super::{Module, Parameter, Visitor, traced};

/// What [`LstmCell`] and [`GruCell`] share.
struct Weights {
    kind: String,
    inputs: usize,
    hidden: usize,
    weight_ih: Parameter,
    weight_hh: Parameter,
    bias: Option<(Parameter, Parameter)>,
    source: Source,
}

impl Weights {
    fn new(name: &str, gates: usize, (inputs, hidden): (usize, usize), source: Source) -> Self {
        let width = gates.saturating_mul(hidden);
        let start = || Init::Uniform {
            bound: 1.0 / (hidden.max(1) as f32).sqrt(),
        };
        let bias = || Parameter::new([width], start());
        Weights {
            kind: format!("{name}({inputs}, {hidden})"),
            inputs,
            hidden,
            weight_ih: Parameter::new([width, inputs], start()),
            weight_hh: Parameter::new([width, hidden], start()),
            bias: Some((bias(), bias())),
            source,
        }
    }

    fn visit(&self, visitor: &mut Visitor) {
        visitor.parameter("weight_ih", &self.weight_ih);
        visitor.parameter("weight_hh", &self.weight_hh);
        if let Some((ih, hh)) = &self.bias {
            visitor.parameter("bias_ih", ih);
            visitor.parameter("bias_hh", hh);
        }
    }

    /// `W_ih x + b_ih` and `W_hh h + b_hh`.
    fn projected(&self, x: &Tensor, h: &Tensor) -> (Tensor, Tensor) {
        let (x, h) = (self.weight_ih.project(x), self.weight_hh.project(h));
        match &self.bias {
            Some((ih, hh)) => (&x + ih.tensor(&x), &h + hh.tensor(&h)),
            None => (x, h),
        }
    }

    /// Checks the input and the states, and runs `step` with its errors attributed to this layer. A
    /// missing state is zeros. Returns what `step` returns.
    fn step<const N: usize>(
        &self,
        x: &Tensor,
        state: [Option<&Tensor>; N],
        step: impl FnOnce(&Tensor, [Tensor; N]) -> [Tensor; N],
    ) -> [Tensor; N] {
        let mut given = None;
        let first = x.in_scope(self.weight_ih.layer(x), Some(self.source), |x| {
            let shape = x.shape();
            let batch = match shape.dims() {
                _ if x.id().is_none() => return x.clone(),
                [batch, inputs] if *inputs == self.inputs => *batch,
                _ => {
                    let inputs = self.inputs;
                    let reason = format!("expected an input [batch, {inputs}], found {shape}");
                    return x.record_error("recurrent cell", reason, self.source);
                }
            };
            let states = [batch, self.hidden];
            for state in state.into_iter().flatten().filter(|s| s.id().is_some()) {
                if state.shape().dims() != states {
                    let reason = format!("expected a state {states:?}, found {}", state.shape());
                    return state.record_error("recurrent cell", reason, self.source);
                }
            }
            let zeros = || x.constant_like(0.0).broadcast_to(states);
            let state = state.map(|s| s.cloned().unwrap_or_else(zeros));
            traced(x, &self.kind, |x| {
                let all = given.insert(step(x, state));
                all.first().cloned().unwrap_or_else(|| x.clone())
            })
        });
        given.unwrap_or_else(|| std::array::from_fn(|_| first.clone()))
    }
}

/// A single time step of an [`Lstm`](super::Lstm).
///
/// [`LstmCell::step`] takes `x [batch, inputs]` and a state, and returns the next state. As a
/// module, the cell starts from zeros and returns `h' [batch, hidden]`.
///
/// # Example
/// ```
/// use wgrad::prelude::*;
///
/// /// The last state after three steps on the same input.
/// struct Thrice(nn::LstmCell);
///
/// impl Module for Thrice {
///     fn forward(&self, x: &Tensor) -> Tensor {
///         let (mut h, mut c) = self.0.step(x, None);
///         for _ in 1..3 {
///             (h, c) = self.0.step(x, Some((&h, &c)));
///         }
///         h
///     }
///     fn visit(&self, v: &mut Visitor) {
///         v.child("cell", &self.0);
///     }
/// }
///
/// let model = Thrice(nn::LstmCell::new(4, 8));
/// let trainer = Trainer::new(model).loss(loss::Mse).compile_for(&Device::cpu(), [4])?;
/// assert_eq!(trainer.summary().output.shape[1], 8);
/// # Ok::<(), wgrad::Error>(())
/// ```
pub struct LstmCell(Weights);

impl LstmCell {
    /// Creates a cell with biases. Weights and biases are initialized as in PyTorch, uniform in
    /// `±1 / sqrt(hidden)`.
    #[track_caller]
    pub fn new(inputs: usize, hidden: usize) -> Self {
        LstmCell(Weights::new(
            "LSTMCell",
            4,
            (inputs, hidden),
            Source::caller(),
        ))
    }

    /// Removes the biases.
    pub fn without_bias(mut self) -> Self {
        self.0.bias = None;
        self
    }

    /// Returns the next state `h'` and the next cell state `c'`, both `[batch, hidden]`. Default of
    /// `state`, `(h, c)`: zeros.
    pub fn step(&self, x: &Tensor, state: Option<(&Tensor, &Tensor)>) -> (Tensor, Tensor) {
        let given = [state.map(|s| s.0), state.map(|s| s.1)];
        let [h, c] = self.0.step(x, given, |x, [h, c]| {
            let (a, b) = self.0.projected(x, &h);
            let n = self.0.hidden;
            let a = a + b;
            let gate = |i: usize| a.narrow(-1, i * n, n);
            let (input, forget) = (gate(0).sigmoid(), gate(1).sigmoid());
            let c = forget * c + input * gate(2).tanh();
            [gate(3).sigmoid() * c.tanh(), c]
        });
        (h, c)
    }
}

impl Module for LstmCell {
    fn forward(&self, x: &Tensor) -> Tensor {
        self.step(x, None).0
    }
    fn visit(&self, visitor: &mut Visitor) {
        self.0.visit(visitor);
    }
}

/// A single time step of a [`Gru`](super::Gru).
///
/// [`GruCell::step`] takes `x [batch, inputs]` and a state, and returns the next state. As a
/// module, the cell starts from zeros and returns `h' [batch, hidden]`.
///
/// # Example
/// ```
/// use wgrad::prelude::*;
///
/// let model = nn::GruCell::new(4, 8);
/// let trainer = Trainer::new(model).loss(loss::Mse).compile_for(&Device::cpu(), [4])?;
/// assert_eq!(trainer.summary().output.shape[1], 8);
/// # Ok::<(), wgrad::Error>(())
/// ```
pub struct GruCell(Weights);

impl GruCell {
    /// Creates a cell with biases. Weights and biases are initialized as in PyTorch, uniform in
    /// `±1 / sqrt(hidden)`.
    #[track_caller]
    pub fn new(inputs: usize, hidden: usize) -> Self {
        GruCell(Weights::new(
            "GRUCell",
            3,
            (inputs, hidden),
            Source::caller(),
        ))
    }

    /// Removes the biases.
    pub fn without_bias(mut self) -> Self {
        self.0.bias = None;
        self
    }

    /// Returns the next state `h' [batch, hidden]`. Default of `state`: zeros.
    pub fn step(&self, x: &Tensor, state: Option<&Tensor>) -> Tensor {
        let [h] = self.0.step(x, [state], |x, [h]| {
            let (a, q) = self.0.projected(x, &h);
            let n = self.0.hidden;
            let part = |t: &Tensor, i: usize| t.narrow(-1, i * n, n);
            let reset = (part(&a, 0) + part(&q, 0)).sigmoid();
            let keep = (part(&a, 1) + part(&q, 1)).sigmoid();
            let new = (part(&a, 2) + reset * part(&q, 2)).tanh();
            [(1.0 - &keep) * new + keep * h]
        });
        h
    }
}

impl Module for GruCell {
    fn forward(&self, x: &Tensor) -> Tensor {
        self.step(x, None)
    }
    fn visit(&self, visitor: &mut Visitor) {
        self.0.visit(visitor);
    }
}
