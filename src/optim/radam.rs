//! RAdam: Adam that waits until its second moment can be trusted.

use crate::{Result, Shape};

use super::settings::Settings;
use super::{Optimizer, State, Update, Updated, correction, running};

/// Adam whose step is rectified by the variance of its second moment, and plain momentum while that is not
/// known: the first five steps, with the usual betas (Liu et al., 2020).
///
/// Weight decay is an L2 penalty on the gradient unless it is [decoupled](RAdam::decoupled), as in PyTorch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RAdam {
    rate: f64,
    betas: (f64, f64),
    eps: f64,
    decay: f64,
    decoupled: bool,
}

impl RAdam {
    /// With the usual settings: betas 0.9 and 0.999, eps 1e-8, no weight decay.
    pub fn new(rate: f64) -> Self {
        RAdam {
            rate,
            betas: (0.9, 0.999),
            eps: 1e-8,
            decay: 0.0,
            decoupled: false,
        }
    }

    /// The decay rates of the two moments, each at least 0 and below 1.
    pub fn betas(self, first: f64, second: f64) -> Self {
        let betas = (first, second);
        RAdam { betas, ..self }
    }

    /// The number that keeps the division finite.
    pub fn eps(self, eps: f64) -> Self {
        RAdam { eps, ..self }
    }

    /// With an L2 penalty: `decay p` is added to the gradient.
    pub fn weight_decay(self, decay: f64) -> Self {
        RAdam { decay, ..self }
    }

    /// Whether the decay is of the parameters themselves, as in [`AdamW`](super::AdamW).
    pub fn decoupled(self, decoupled: bool) -> Self {
        RAdam { decoupled, ..self }
    }

    /// The rectification of a step; `None` while the variance is not known.
    fn rectification(&self, step: u64) -> Option<f64> {
        let b2 = self.betas.1;
        let filled = correction(b2, step);
        let last = 2.0 / (1.0 - b2) - 1.0;
        let length = last - 2.0 * step as f64 * (1.0 - filled) / filled;
        let rectified =
            (length - 4.0) * (length - 2.0) * last / ((last - 4.0) * (last - 2.0) * length);
        (length > 5.0).then(|| rectified.sqrt())
    }
}

impl Optimizer for RAdam {
    fn learning_rate(&self) -> f64 {
        self.rate
    }

    fn states(&self, _: &Shape) -> Vec<State> {
        vec![State::zero("exp_avg"), State::zero("exp_avg_sq")]
    }

    /// The sizes of the rectified step and of the plain one, one of which is 0, and `1 - rate decay`.
    fn scalars(&self, step: u64, rate: f64) -> Vec<f64> {
        let size = rate / correction(self.betas.0, step);
        let (rectified, plain) = match self.rectification(step) {
            Some(r) => (size * r * correction(self.betas.1, step).sqrt(), 0.0),
            None => (0.0, size),
        };
        vec![rectified, plain, 1.0 - rate * self.decay]
    }

    fn update(&self, u: Update) -> Updated {
        let Some(([m, v], [rectified, plain, keep])) = u.parts() else {
            return u.unchanged();
        };
        let (g, kept) = match self.decoupled {
            true => (u.gradient.clone(), u.kept(self.decay, &keep)),
            false => (u.penalised(self.decay), u.parameter.clone()),
        };
        let m = running(&m, self.betas.0, &g);
        let v = running(&v, self.betas.1, &g.square());
        let size = rectified / (v.sqrt() + self.eps) + plain;
        Updated {
            parameter: kept - &m * size,
            states: vec![m, v],
        }
    }

    fn with_weight_decay(&self, decay: f64) -> Box<dyn Optimizer> {
        Box::new(self.weight_decay(decay))
    }

    fn check(&self) -> Result<()> {
        Settings::of("RAdam")
            .rate(self.rate)
            .betas(self.betas)
            .positive("eps", self.eps)
            .not_negative("weight decay", self.decay)
            .done()
    }
}
