//! Adagrad.

use crate::{Result, Shape};

use super::settings::Settings;
use super::{Optimizer, State, Update, Updated};

/// `s += g^2; p -= rate / (1 + (t - 1) rate_decay) g / (sqrt(s) + eps)` (Duchi, Hazan and Singer, 2011).
/// Weight decay is an L2 penalty on the gradient.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adagrad {
    rate: f64,
    rate_decay: f64,
    eps: f64,
    decay: f64,
    first: f64,
}

impl Adagrad {
    /// With the usual settings: eps 1e-10, a sum that starts from 0, no decay of rate or weights.
    pub fn new(rate: f64) -> Self {
        Adagrad {
            rate,
            rate_decay: 0.0,
            eps: 1e-10,
            decay: 0.0,
            first: 0.0,
        }
    }

    /// How fast the rate falls, besides any schedule: to half after `1 / rate_decay` steps.
    pub fn rate_decay(self, rate_decay: f64) -> Self {
        Adagrad { rate_decay, ..self }
    }

    /// The number that keeps the division finite.
    pub fn eps(self, eps: f64) -> Self {
        Adagrad { eps, ..self }
    }

    /// With an L2 penalty: `decay p` is added to the gradient.
    pub fn weight_decay(self, decay: f64) -> Self {
        Adagrad { decay, ..self }
    }

    /// What the sum of squares starts from; at least 0.
    pub fn initial_accumulator_value(self, first: f64) -> Self {
        Adagrad { first, ..self }
    }
}

impl Optimizer for Adagrad {
    fn learning_rate(&self) -> f64 {
        self.rate
    }

    fn states(&self, _: &Shape) -> Vec<State> {
        vec![State {
            name: "sum",
            first: self.first as f32,
        }]
    }

    fn scalars(&self, step: u64, rate: f64) -> Vec<f64> {
        vec![rate / (1.0 + (step as f64 - 1.0) * self.rate_decay)]
    }

    fn update(&self, u: Update) -> Updated {
        let Some(([sum], [rate])) = u.parts() else {
            return u.unchanged();
        };
        let g = u.penalised(self.decay);
        let sum = sum + g.square();
        Updated {
            parameter: u.parameter - g / (sum.sqrt() + self.eps) * rate,
            states: vec![sum],
        }
    }

    fn with_weight_decay(&self, decay: f64) -> Box<dyn Optimizer> {
        Box::new(self.weight_decay(decay))
    }

    fn check(&self) -> Result<()> {
        Settings::of("Adagrad")
            .rate(self.rate)
            .not_negative("rate decay", self.rate_decay)
            .positive("eps", self.eps)
            .not_negative("weight decay", self.decay)
            .not_negative("initial accumulator value", self.first)
            .done()
    }
}
