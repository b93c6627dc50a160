//! RAdam: Adam with a rectified step size.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema::{self, range};
use crate::{Result, Shape};

use super::{Optimizer, State, Update, Updated, correction, running};

/// RAdam (Liu et al., 2020): Adam whose step is rectified by the variance of the second moment.
/// While that variance is undefined, in the first five steps with the usual betas, it is plain
/// momentum.
///
/// Weight decay is an L2 penalty, unless it is [decoupled](RAdam::decoupled), as in PyTorch.
///
/// # Example
/// ```
/// use wgrad::prelude::*;
///
/// let set = Dataset::from_arrays(vec![-1.0, 1.0], [1], Targets::values(vec![-3.0, 3.0]))?;
/// let mut trainer = Trainer::new(nn::Linear::new(1, 1))
///     .loss(loss::Mse)
///     .optimizer(optim::RAdam::new(0.1))
///     .compile(&Device::cpu(), &set)?;
/// let history = trainer.fit(&set, Fit::epochs(50))?;
/// assert!(history.epochs[49].loss < 0.5 * history.epochs[0].loss);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RAdam {
    /// The learning rate.
    #[schemars(with = "range::Rate")]
    lr: f64,
    /// The decay rates of the two moments.
    #[schemars(with = "range::Betas")]
    betas: (f64, f64),
    /// Added to the denominator.
    #[schemars(with = "range::Positive")]
    eps: f64,
    /// The weight decay: an L2 penalty, or decoupled with `decoupled`.
    #[schemars(with = "range::NotNegative")]
    weight_decay: f64,
    /// Whether weight decay is decoupled, as in AdamW.
    decoupled: bool,
}

impl Default for RAdam {
    fn default() -> Self {
        RAdam {
            lr: 1e-3,
            betas: (0.9, 0.999),
            eps: 1e-8,
            weight_decay: 0.0,
            decoupled: false,
        }
    }
}

impl RAdam {
    /// Creates the optimizer with the usual settings: betas 0.9 and 0.999, eps 1e-8, no weight
    /// decay.
    pub fn new(lr: f64) -> Self {
        RAdam {
            lr,
            ..RAdam::default()
        }
    }

    /// Sets the decay rates of the two moments, each at least 0 and below 1.
    pub fn betas(self, first: f64, second: f64) -> Self {
        let betas = (first, second);
        RAdam { betas, ..self }
    }

    /// Sets `eps`, which is added to the denominator.
    pub fn eps(self, eps: f64) -> Self {
        RAdam { eps, ..self }
    }

    /// Sets the factor of an L2 penalty: `weight_decay p` is added to the gradient. With
    /// [`RAdam::decoupled`] it is decoupled.
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        RAdam {
            weight_decay,
            ..self
        }
    }

    /// Sets whether weight decay is decoupled, as in [`AdamW`](super::AdamW).
    pub fn decoupled(self, decoupled: bool) -> Self {
        RAdam { decoupled, ..self }
    }

    /// Returns the rectification of a step; `None` while the variance is undefined.
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
        self.lr
    }

    fn states(&self, _: &Shape) -> Vec<State> {
        vec![State::zero("exp_avg"), State::zero("exp_avg_sq")]
    }

    /// Returns the sizes of the rectified step and of the plain one, one of which is 0, and `1 -
    /// rate decay`.
    fn scalars(&self, step: u64, rate: f64) -> Vec<f64> {
        let size = rate / correction(self.betas.0, step);
        let (rectified, plain) = match self.rectification(step) {
            Some(r) => (size * r * correction(self.betas.1, step).sqrt(), 0.0),
            None => (0.0, size),
        };
        vec![rectified, plain, 1.0 - rate * self.weight_decay]
    }

    fn update(&self, u: Update) -> Updated {
        let Some(([m, v], [rectified, plain, keep])) = u.parts() else {
            return u.unchanged();
        };
        let (g, kept) = match self.decoupled {
            true => (u.gradient.clone(), u.kept(self.weight_decay, &keep)),
            false => (u.penalised(self.weight_decay), u.parameter.clone()),
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
        schema::validate("RAdam", self)
    }
}
