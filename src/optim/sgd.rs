//! Stochastic gradient descent with momentum.

use crate::{Result, Shape};

use super::settings::Settings;
use super::{Optimizer, State, Update, Updated};

/// `g += decay p; v = momentum v + g; p -= rate v` (or `p -= rate (g + momentum v)` for Nesterov's
/// form), as in PyTorch with dampening 0: the first `v` is `g` (Sutskever et al., 2013).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sgd {
    rate: f64,
    momentum: f64,
    nesterov: bool,
    decay: f64,
}

impl Sgd {
    /// Plain gradient descent with this learning rate.
    pub fn new(rate: f64) -> Self {
        Sgd {
            rate,
            momentum: 0.0,
            nesterov: false,
            decay: 0.0,
        }
    }

    /// With momentum, at least 0 and below 1.
    pub fn momentum(self, momentum: f64) -> Self {
        Sgd { momentum, ..self }
    }

    /// With Nesterov's momentum.
    pub fn nesterov(self, momentum: f64) -> Self {
        Sgd {
            momentum,
            nesterov: true,
            ..self
        }
    }

    /// With an L2 penalty: `decay p` is added to the gradient.
    pub fn weight_decay(self, decay: f64) -> Self {
        Sgd { decay, ..self }
    }
}

impl Optimizer for Sgd {
    fn learning_rate(&self) -> f64 {
        self.rate
    }

    fn states(&self, _: &Shape) -> Vec<State> {
        match self.momentum > 0.0 {
            true => vec![State::zero("momentum_buffer")],
            false => Vec::new(),
        }
    }

    fn scalars(&self, _: u64, rate: f64) -> Vec<f64> {
        vec![rate]
    }

    fn update(&self, u: Update) -> Updated {
        let (p, g) = (u.parameter, u.penalised(self.decay));
        if let Some(([], [rate])) = u.parts() {
            return Updated {
                parameter: p - g * rate,
                states: Vec::new(),
            };
        }
        let Some(([v], [rate])) = u.parts() else {
            return u.unchanged();
        };
        let v = v * self.momentum + &g;
        let direction = match self.nesterov {
            true => g + &v * self.momentum,
            false => v.clone(),
        };
        Updated {
            parameter: p - direction * rate,
            states: vec![v],
        }
    }

    fn with_weight_decay(&self, decay: f64) -> Box<dyn Optimizer> {
        Box::new(self.weight_decay(decay))
    }

    fn check(&self) -> Result<()> {
        let nesterov = !self.nesterov || self.momentum > 0.0;
        Settings::of("SGD")
            .rate(self.rate)
            .share("momentum", self.momentum)
            .require("Nesterov momentum", self.momentum, nesterov, "above 0")
            .not_negative("weight decay", self.decay)
            .done()
    }
}
