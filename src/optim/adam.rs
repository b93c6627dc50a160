//! Adam and AdamW.

use crate::Result;

use super::{Optimizer, Update, Updated, require};

/// `m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2; p -= rate m^ / (sqrt(v^) + eps)` with the bias
/// corrections `m^ = m / (1 - b1^t)` and `v^ = v / (1 - b2^t)` (Kingma and Ba, 2015), in PyTorch's
/// order of operations. Weight decay is an L2 penalty on the gradient; see [`AdamW`] for the other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adam {
    rate: f64,
    betas: (f64, f64),
    eps: f64,
    decay: f64,
    decoupled: bool,
}

/// Adam with decoupled weight decay: `p *= 1 - rate decay` before the step (Loshchilov and Hutter,
/// 2019). PyTorch's default decay is 0.01, and so is this one's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamW(Adam);

impl Adam {
    /// With the usual settings: betas 0.9 and 0.999, eps 1e-8, no weight decay.
    pub fn new(rate: f64) -> Self {
        Adam {
            rate,
            betas: (0.9, 0.999),
            eps: 1e-8,
            decay: 0.0,
            decoupled: false,
        }
    }

    /// The decay rates of the two moments, each at least 0 and below 1.
    pub fn betas(self, first: f64, second: f64) -> Self {
        Adam {
            betas: (first, second),
            ..self
        }
    }

    /// The number that keeps the division finite.
    pub fn eps(self, eps: f64) -> Self {
        Adam { eps, ..self }
    }

    /// With an L2 penalty: `decay p` is added to the gradient.
    pub fn weight_decay(self, decay: f64) -> Self {
        Adam { decay, ..self }
    }
}

impl AdamW {
    /// With the usual settings: betas 0.9 and 0.999, eps 1e-8, weight decay 0.01.
    pub fn new(rate: f64) -> Self {
        AdamW(Adam {
            decay: 0.01,
            decoupled: true,
            ..Adam::new(rate)
        })
    }

    /// The decay rates of the two moments, each at least 0 and below 1.
    pub fn betas(self, first: f64, second: f64) -> Self {
        AdamW(self.0.betas(first, second))
    }

    /// The number that keeps the division finite.
    pub fn eps(self, eps: f64) -> Self {
        AdamW(self.0.eps(eps))
    }

    /// The decoupled weight decay.
    pub fn weight_decay(self, decay: f64) -> Self {
        AdamW(self.0.weight_decay(decay))
    }
}

impl Optimizer for Adam {
    fn learning_rate(&self) -> f64 {
        self.rate
    }

    fn states(&self) -> Vec<&'static str> {
        vec!["exp_avg", "exp_avg_sq"]
    }

    /// The step's size `rate / (1 - b1^t)`, the correction `sqrt(1 - b2^t)`, and `1 - rate decay`.
    fn scalars(&self, step: u64, rate: f64) -> Vec<f64> {
        let t = i32::try_from(step).unwrap_or(i32::MAX);
        let correction = |beta: f64| 1.0 - beta.powi(t);
        vec![
            rate / correction(self.betas.0),
            correction(self.betas.1).sqrt(),
            1.0 - rate * self.decay,
        ]
    }

    fn update(&self, u: Update) -> Updated {
        let (b1, b2) = self.betas;
        let ([m, v], [size, correction, keep]) = (u.states.as_slice(), u.scalars.as_slice()) else {
            return Updated {
                parameter: u.parameter.clone(),
                states: u.states,
            };
        };
        let p = u.parameter;
        let g = match self.decay > 0.0 && !self.decoupled {
            true => u.gradient + p * self.decay,
            false => u.gradient,
        };
        let m = m * b1 + &g * (1.0 - b1);
        let v = v * b2 + g.square() * (1.0 - b2);
        let step = &m / (v.sqrt() / correction + self.eps) * size;
        let kept = if self.decay > 0.0 && self.decoupled {
            p * keep
        } else {
            p.clone()
        };
        Updated {
            parameter: kept - step,
            states: vec![m, v],
        }
    }

    fn with_weight_decay(&self, decay: f64) -> Box<dyn Optimizer> {
        Box::new(self.weight_decay(decay))
    }

    fn check(&self) -> Result<()> {
        require(
            "Adam's learning rate",
            self.rate,
            self.rate > 0.0,
            "a number above 0",
        )?;
        for beta in [self.betas.0, self.betas.1] {
            require(
                "Adam's beta",
                beta,
                (0.0..1.0).contains(&beta),
                "at least 0 and below 1",
            )?;
        }
        require("Adam's eps", self.eps, self.eps > 0.0, "above 0")?;
        require(
            "Adam's weight decay",
            self.decay,
            self.decay >= 0.0,
            "at least 0",
        )
    }
}

impl Optimizer for AdamW {
    fn learning_rate(&self) -> f64 {
        self.0.learning_rate()
    }
    fn states(&self) -> Vec<&'static str> {
        self.0.states()
    }
    fn scalars(&self, step: u64, rate: f64) -> Vec<f64> {
        self.0.scalars(step, rate)
    }
    fn update(&self, u: Update) -> Updated {
        self.0.update(u)
    }
    fn with_weight_decay(&self, decay: f64) -> Box<dyn Optimizer> {
        Box::new(self.weight_decay(decay))
    }
    fn check(&self) -> Result<()> {
        self.0.check()
    }
}
