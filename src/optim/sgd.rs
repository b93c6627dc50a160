//! Stochastic gradient descent with momentum.

use crate::Result;

use super::{Optimizer, Update, Updated, require};

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

    fn states(&self) -> Vec<&'static str> {
        if self.momentum > 0.0 {
            vec!["momentum_buffer"]
        } else {
            Vec::new()
        }
    }

    fn scalars(&self, _: u64, rate: f64) -> Vec<f64> {
        vec![rate]
    }

    fn update(&self, u: Update) -> Updated {
        let p = u.parameter;
        let g = if self.decay > 0.0 {
            u.gradient + p * self.decay
        } else {
            u.gradient
        };
        let (Some(rate), state) = (u.scalars.first(), u.states.first()) else {
            return Updated {
                parameter: p.clone(),
                states: Vec::new(),
            };
        };
        let Some(v) = state else {
            return Updated {
                parameter: p - g * rate,
                states: Vec::new(),
            };
        };
        let v = v * self.momentum + &g;
        let direction = if self.nesterov {
            g + &v * self.momentum
        } else {
            v.clone()
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
        require(
            "SGD's learning rate",
            self.rate,
            self.rate > 0.0,
            "a number above 0",
        )?;
        let m = self.momentum;
        require(
            "SGD's momentum",
            m,
            (0.0..1.0).contains(&m),
            "at least 0 and below 1",
        )?;
        require(
            "SGD's Nesterov momentum",
            m,
            !self.nesterov || m > 0.0,
            "above 0",
        )?;
        require(
            "SGD's weight decay",
            self.decay,
            self.decay >= 0.0,
            "at least 0",
        )
    }
}
