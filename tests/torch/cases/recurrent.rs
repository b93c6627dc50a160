//! Recurrent layers: plain, LSTM and GRU.

use wgrad::Tensor;
use wgrad::nn::{self, Start, Steps};

use crate::case::{Case, layer, module};

/// Returns the output, the hidden state and, for an LSTM, the cell state.
fn all(steps: Steps) -> Vec<Tensor> {
    let mut all = vec![steps.output, steps.hidden];
    all.extend(steps.cell);
    all
}

/// Returns the initial states: the inputs from `from` on.
fn from(x: &[Tensor], from: usize) -> Start<'_> {
    Start {
        hidden: x.get(from),
        cell: x.get(from + 1),
        mask: None,
    }
}

macro_rules! cell {
    ($cases:ident, $name:literal, $new:expr) => {
        $cases.extend([
            module(
                concat!($name, "_steps"),
                || $new(3, 4),
                |l, x| all(l.steps(&x[0], Start::default())),
            ),
            layer(concat!($name, "_output"), || $new(3, 4)),
            layer(concat!($name, "_last"), || $new(3, 7).last()),
            module(
                concat!($name, "_one_step"),
                || $new(2, 3),
                |l, x| all(l.steps(&x[0], Start::default())),
            ),
            layer(concat!($name, "_without_bias"), || {
                $new(3, 4).without_bias()
            }),
            module(
                concat!($name, "_state"),
                || $new(3, 4),
                |l, x| all(l.steps(&x[0], from(x, 1))),
            ),
            module(
                concat!($name, "_deep_both_ways"),
                || $new(3, 4).layers(2).bidirectional(),
                |l, x| all(l.steps(&x[0], from(x, 1))),
            ),
            layer(concat!($name, "_last_both_ways"), || {
                $new(3, 4).bidirectional().last()
            }),
            module(
                concat!($name, "_lengths"),
                || $new(3, 4),
                |l, x| {
                    all(l.steps(
                        &x[0],
                        Start {
                            mask: Some(&x[1]),
                            ..Start::default()
                        },
                    ))
                },
            ),
            module(
                concat!($name, "_lengths_deep_both_ways"),
                || $new(3, 4).bidirectional().layers(2),
                |l, x| {
                    all(l.steps(
                        &x[0],
                        Start {
                            mask: Some(&x[1]),
                            ..from(x, 2)
                        },
                    ))
                },
            ),
        ]);
    };
}

pub fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    cell!(cases, "rnn", nn::Rnn::new);
    cell!(cases, "relu", |i, h| nn::Rnn::new(i, h).relu());
    cell!(cases, "lstm", nn::Lstm::new);
    cell!(cases, "gru", nn::Gru::new);
    cases
}
