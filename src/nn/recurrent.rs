//! Recurrent layers: plain RNN, LSTM and GRU, with any number of layers, in one or both directions.
//!
//! Parameters have the names, shapes and order of PyTorch: `weight_ih_l0 [gates hidden, inputs]`,
//! `weight_hh_l0 [gates hidden, hidden]`, `bias_ih_l0` and `bias_hh_l0 [gates hidden]`, with the
//! suffix `_reverse` for the second direction. The input projections of all time steps are one
//! matrix product.

mod spec;

pub use spec::{GruSpec, LstmSpec, RnnSpec};

use crate::graph::{Cell, Init, Op, Recurrence};
use crate::ops::reserve_layout;
use crate::{DType, Source, Tensor};

use super::{Module, Parameter, Visitor, traced};

/// The initial states of a recurrent layer, and a mask for samples of different lengths.
#[derive(Clone, Copy, Default)]
pub struct Start<'a> {
    /// The initial state `h [layers directions, batch, hidden]`. Default: zeros.
    pub hidden: Option<&'a Tensor>,
    /// The initial cell state `c` of an LSTM, of the same shape. Default: zeros.
    pub cell: Option<&'a Tensor>,
    /// A mask `[batch, time]`, `f32` or `bool`. Where it is 0, the sample's state does not change
    /// and its output is 0. With such a mask, samples of different lengths end in their own last
    /// states.
    pub mask: Option<&'a Tensor>,
}

/// The outputs and the last states of a recurrent layer.
#[derive(Clone, Debug)]
pub struct Steps {
    /// `[batch, time, directions hidden]`: the state of the last layer after each step.
    pub output: Tensor,
    /// `[layers directions, batch, hidden]`: the last state of each layer and direction.
    pub hidden: Tensor,
    /// The last cell state of an LSTM, of the same shape.
    pub cell: Option<Tensor>,
}

/// One layer in one direction.
struct Direction {
    /// The suffix of its parameters' names.
    suffix: String,
    weight_ih: Parameter,
    weight_hh: Parameter,
    bias: Option<(Parameter, Parameter)>,
}

/// What [`Rnn`], [`Lstm`] and [`Gru`] share.
struct Recurrent {
    name: &'static str,
    cell: Cell,
    inputs: usize,
    hidden: usize,
    /// By layer, its directions.
    layers: Vec<Vec<Direction>>,
    bias: bool,
    dropout: f64,
    last: bool,
    source: Source,
}

macro_rules! recurrent {
    ($(#[$doc:meta])* $name:ident $cell:expr) => {
        $(#[$doc])*
        pub struct $name(Recurrent);

        impl $name {
            /// Creates one layer in one direction, with biases. Weights and biases are initialized
            /// as in PyTorch, uniform in `±1 / sqrt(hidden)`.
            #[track_caller]
            pub fn new(inputs: usize, hidden: usize) -> Self {
                $name(Recurrent::new(stringify!($name), $cell, inputs, hidden, Source::caller()))
            }

            /// Sets the number of layers, each applied to the output of the one before. Default: 1.
            pub fn layers(self, layers: usize) -> Self {
                let directions = self.0.directions();
                $name(self.0.rebuilt(layers, directions))
            }

            /// Adds a second direction, from the end to the beginning. The outputs of both are
            /// concatenated along the last axis.
            pub fn bidirectional(self) -> Self {
                let layers = self.0.layers.len();
                $name(self.0.rebuilt(layers, 2))
            }

            /// Removes the biases.
            pub fn without_bias(mut self) -> Self {
                self.0.bias = false;
                let (layers, directions) = (self.0.layers.len(), self.0.directions());
                $name(self.0.rebuilt(layers, directions))
            }

            /// Sets the dropout probability, applied in training to the output of each layer but
            /// the last. Default: 0.
            pub fn dropout(mut self, p: f64) -> Self {
                self.0.dropout = p;
                self
            }

            /// Makes the module return only the last state of the last layer, `[batch, directions
            /// hidden]`.
            pub fn last(mut self) -> Self {
                self.0.last = true;
                self
            }

            /// Returns outputs and last states, for given initial states and samples of different
            /// lengths.
            pub fn steps(&self, x: &Tensor, start: Start) -> Steps {
                self.0.steps(x, start)
            }
        }

        impl Module for $name {
            fn forward(&self, x: &Tensor) -> Tensor {
                self.0.forward(x)
            }
            fn visit(&self, visitor: &mut Visitor) {
                self.0.visit(visitor);
            }
        }
    };
}

recurrent! {
    /// Long short-term memory (Hochreiter and Schmidhuber, 1997; Gers, Schmidhuber and Cummins,
    /// 2000): `[batch, time, inputs] -> [batch, time, hidden]`.
    ///
    /// With `a = W_ih x + b_ih + W_hh h + b_hh` split into four parts, `i`, `f` and `o` are the
    /// sigmoids of the first, second and fourth, and `g` is the tanh of the third: `c' = f c + i
    /// g`, `h' = o tanh(c')`.
    ///
    /// # Example
    /// ```
    /// use wgrad::prelude::*;
    ///
    /// let layer = nn::Lstm::new(3, 8).layers(2).bidirectional();
    /// let mut trainer = Trainer::new(layer).loss(loss::Mse).compile_for(&Device::cpu(), [5, 3])?;
    /// let x = Dataset::from_arrays(vec![0.1; 15], [5, 3], Targets::Unlabelled)?;
    /// assert_eq!(trainer.predict(&x)?.shape, [1, 5, 16].into());
    /// # Ok::<(), wgrad::Error>(())
    /// ```
    Lstm Cell::Lstm
}
recurrent! {
    /// Gated recurrent unit (Cho et al., 2014): `[batch, time, inputs] -> [batch, time, hidden]`.
    ///
    /// With `a = W_ih x + b_ih` and `q = W_hh h + b_hh` split into three parts each, `r` and `z`
    /// are the sigmoids of the sums of the first and second parts, and `n = tanh(a_3 + r q_3)`: `h'
    /// = (1 - z) n + z h`.
    ///
    /// # Example
    /// ```
    /// use wgrad::prelude::*;
    ///
    /// let layer = nn::Gru::new(3, 8).last();
    /// let mut trainer = Trainer::new(layer).loss(loss::Mse).compile_for(&Device::cpu(), [5, 3])?;
    /// let x = Dataset::from_arrays(vec![0.1; 15], [5, 3], Targets::Unlabelled)?;
    /// assert_eq!(trainer.predict(&x)?.shape, [1, 8].into());
    /// # Ok::<(), wgrad::Error>(())
    /// ```
    Gru Cell::Gru
}
recurrent! {
    /// A plain recurrent layer (Elman, 1990): `[batch, time, inputs] -> [batch, time, hidden]`,
    /// with `h' = tanh(W_ih x + b_ih + W_hh h + b_hh)`.
    ///
    /// # Example
    /// ```
    /// use wgrad::prelude::*;
    ///
    /// let layer = nn::Rnn::new(3, 8).relu();
    /// let mut trainer = Trainer::new(layer).loss(loss::Mse).compile_for(&Device::cpu(), [5, 3])?;
    /// let x = Dataset::from_arrays(vec![0.1; 15], [5, 3], Targets::Unlabelled)?;
    /// let y = trainer.predict(&x)?;
    /// assert_eq!(y.shape, [1, 5, 8].into());
    /// assert!(y.values.iter().all(|y| *y >= 0.0));
    /// # Ok::<(), wgrad::Error>(())
    /// ```
    Rnn Cell::Tanh
}

impl Rnn {
    /// Replaces tanh by ReLU.
    pub fn relu(mut self) -> Self {
        self.0.cell = Cell::Relu;
        self
    }
}

impl Direction {
    fn new(of: &Recurrent, inputs: usize, suffix: String) -> Self {
        let width = of.cell.gates() * of.hidden;
        let start = || Init::Uniform {
            bound: 1.0 / (of.hidden.max(1) as f32).sqrt(),
        };
        let bias = || Parameter::new([width], start());
        Direction {
            suffix,
            weight_ih: Parameter::new([width, inputs], start()),
            weight_hh: Parameter::new([width, of.hidden], start()),
            bias: of.bias.then(|| (bias(), bias())),
        }
    }
}

impl Recurrent {
    fn new(name: &'static str, cell: Cell, inputs: usize, hidden: usize, source: Source) -> Self {
        let none = Recurrent {
            name,
            cell,
            inputs,
            hidden,
            layers: Vec::new(),
            bias: true,
            dropout: 0.0,
            last: false,
            source,
        };
        none.rebuilt(1, 1)
    }

    fn rebuilt(mut self, layers: usize, directions: usize) -> Self {
        let layer = |layer: usize| {
            let inputs = match layer {
                0 => self.inputs,
                _ => directions * self.hidden,
            };
            let suffixes = [format!("_l{layer}"), format!("_l{layer}_reverse")];
            let all = suffixes.into_iter().take(directions);
            all.map(|suffix| Direction::new(&self, inputs, suffix))
                .collect()
        };
        self.layers = (0..layers).map(layer).collect();
        self
    }

    fn directions(&self) -> usize {
        self.layers.first().map_or(1, Vec::len)
    }

    fn visit(&self, visitor: &mut Visitor) {
        for direction in self.layers.iter().flatten() {
            let mut parameter = |name: &str, parameter: &Parameter| {
                visitor.parameter(&format!("{name}{}", direction.suffix), parameter);
            };
            parameter("weight_ih", &direction.weight_ih);
            parameter("weight_hh", &direction.weight_hh);
            if let Some((ih, hh)) = &direction.bias {
                parameter("bias_ih", ih);
                parameter("bias_hh", hh);
            }
        }
    }

    fn forward(&self, x: &Tensor) -> Tensor {
        self.in_layer(x, |x| {
            traced(x, &self.kind(), |x| {
                let steps = self.run(x, Start::default());
                match self.last {
                    true => {
                        let count = self.directions();
                        let first = (self.layers.len() - 1) * count;
                        let last = steps.hidden.narrow(0, first, count);
                        let (batch, width) = (x.dim(0), count * self.hidden);
                        last.permute(&[1, 0, 2]).reshape([batch, width])
                    }
                    false => steps.output,
                }
            })
        })
    }

    fn steps(&self, x: &Tensor, start: Start) -> Steps {
        let mut steps = None;
        let output = self.in_layer(x, |x| {
            traced(x, &self.kind(), |x| {
                let all = self.run(x, start);
                steps.insert(all).output.clone()
            })
        });
        steps.unwrap_or_else(|| Steps {
            hidden: output.clone(),
            cell: self.cell.has_memory().then(|| output.clone()),
            output,
        })
    }

    fn kind(&self) -> String {
        let layers = match self.layers.len() {
            1 => String::new(),
            layers => format!(", layers {layers}"),
        };
        let both = if self.directions() == 2 {
            ", both ways"
        } else {
            ""
        };
        format!(
            "{}({}, {}{layers}{both})",
            self.name, self.inputs, self.hidden
        )
    }

    /// Runs `body` with its errors attributed to this layer, if the input has the right shape.
    fn in_layer(&self, x: &Tensor, body: impl FnOnce(&Tensor) -> Tensor) -> Tensor {
        let first = self.layers.iter().flatten().next();
        let layer = first.and_then(|d| d.weight_ih.layer(x));
        x.in_scope(layer, Some(self.source), |x| {
            let wrong = |reason: String| x.record_error("recurrent", reason, self.source);
            let shape = x.shape();
            match shape.dims() {
                _ if x.id().is_none() => x.clone(),
                _ if first.is_none() || self.hidden == 0 => {
                    wrong("expected at least one layer and one hidden unit, found none".to_string())
                }
                [_, time, inputs] if *time > 0 && *inputs == self.inputs => body(x),
                _ => wrong(format!(
                    "expected an input [batch, time, {}] of at least one time step, found {shape}",
                    self.inputs
                )),
            }
        })
    }

    fn run(&self, x: &Tensor, start: Start) -> Steps {
        let (batch, time) = (x.dim(0), x.dim(1));
        let states = [self.layers.len() * self.directions(), batch, self.hidden];
        for (given, shape) in [
            (start.hidden, &states[..]),
            (start.cell, &states[..]),
            (start.mask, &[batch, time][..]),
        ] {
            let Some(given) = given.filter(|g| g.id().is_some() && g.shape().dims() != shape)
            else {
                continue;
            };
            let reason = format!(
                "expected states {states:?} and a mask {:?}, found {}",
                [batch, time],
                given.shape()
            );
            let broken = given.record_error("recurrent", reason, self.source);
            return Steps {
                output: broken.clone(),
                hidden: broken.clone(),
                cell: self.cell.has_memory().then_some(broken),
            };
        }
        let filled = |value: f64, n: usize| x.constant_like(value).broadcast_to([batch, n]);
        let mask = match start.mask {
            Some(mask) => mask.cast(DType::F32),
            None => filled(1.0, time),
        };
        let mut h = x.clone();
        let (mut hidden, mut cells) = (Vec::new(), Vec::new());
        for (number, directions) in self.layers.iter().enumerate() {
            let mut outputs = Vec::new();
            for (i, direction) in directions.iter().enumerate() {
                let first = |states: Option<&Tensor>| match states {
                    Some(states) => states.narrow(0, hidden.len(), 1).squeeze(0),
                    None => filled(0.0, self.hidden),
                };
                let mut state = vec![first(start.hidden)];
                if self.cell.has_memory() {
                    state.push(first(start.cell));
                }
                let op = Recurrence {
                    cell: self.cell,
                    reverse: i == 1,
                    record: x.is_training(),
                };
                let reserve = direction.reserve(&h, op, &mask, &state);
                let layout = reserve_layout(op, time);
                outputs.push(reserve.narrow(1, layout.after(), time));
                hidden.push(reserve.narrow(1, layout.h(time), 1));
                if self.cell.has_memory() {
                    cells.push(reserve.narrow(1, layout.c(time), 1));
                }
            }
            h = Tensor::concat(&outputs.iter().collect::<Vec<_>>(), -1);
            if start.mask.is_some() {
                h = h * mask.unsqueeze(-1);
            }
            if number + 1 < self.layers.len() && self.dropout != 0.0 {
                h = h.dropout(self.dropout);
            }
        }
        let joined = |states: &[Tensor]| {
            let all = Tensor::concat(&states.iter().collect::<Vec<_>>(), 1);
            all.permute(&[1, 0, 2])
        };
        Steps {
            output: h,
            hidden: joined(&hidden),
            cell: self.cell.has_memory().then(|| joined(&cells)),
        }
    }
}

impl Direction {
    /// Returns the outputs of the op's reserve space.
    fn reserve(&self, x: &Tensor, op: Recurrence, mask: &Tensor, state: &[Tensor]) -> Tensor {
        let projected = self.weight_ih.project(x);
        let (projected, bias) = match &self.bias {
            // In a GRU, the reset gate is applied between the two biases of the third part.
            Some((ih, hh)) if op.cell == Cell::Gru => (projected + ih.tensor(x), hh.tensor(x)),
            // In the other cells both biases have the same gradient, so they are added first and it
            // is summed once.
            Some((ih, hh)) => (projected, ih.tensor(x) + hh.tensor(x)),
            None => {
                let none = projected.constant_like(0.0);
                let width = projected.shape().last();
                (projected, none.broadcast_to([width]))
            }
        };
        let weight = self.weight_hh.tensor(x);
        let mut inputs = vec![&projected, &weight, &bias, mask];
        inputs.extend(state);
        let reserve = Tensor::apply(Op::Recurrence(op), &inputs, Source::caller());
        reserve.narrow(1, 0, reserve_layout(op, x.dim(1)).outputs())
    }
}
