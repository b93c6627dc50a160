//! LAMB: Adam with a step size for each parameter, for large batches.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema::{self, range};
use crate::{Result, Shape, Tensor};

use super::{Optimizer, State, Update, Updated, correction, running};

/// LAMB (You et al., "Large batch optimization for deep learning", 2020, algorithm 2): `u = m^ /
/// (sqrt(v^) + eps) + decay p; p -= rate |p| / |u| u`, with Adam's moments and bias corrections,
/// and the norms of the whole parameter. If one of the norms is 0, their ratio is 1.
///
/// # Example
/// ```
/// use wgrad::prelude::*;
///
/// let set = Dataset::from_arrays(vec![-1.0, 1.0], [1], Targets::values(vec![-3.0, 3.0]))?;
/// let mut trainer = Trainer::new(nn::Linear::new(1, 1))
///     .loss(loss::Mse)
///     .optimizer(optim::Lamb::new(0.1))
///     .compile(&Device::cpu(), &set)?;
/// let history = trainer.fit(&set, Fit::epochs(50))?;
/// assert!(history.epochs[49].loss < 0.5 * history.epochs[0].loss);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Lamb {
    /// The learning rate.
    #[schemars(with = "range::Rate")]
    lr: f64,
    /// The decay rates of the two moments.
    #[schemars(with = "range::Betas")]
    betas: (f64, f64),
    /// Added to the denominator.
    #[schemars(with = "range::Positive")]
    eps: f64,
    /// The weight decay, which is part of the scaled step.
    #[schemars(with = "range::NotNegative")]
    weight_decay: f64,
}

impl Default for Lamb {
    fn default() -> Self {
        Lamb {
            lr: 1e-3,
            betas: (0.9, 0.999),
            eps: 1e-6,
            weight_decay: 0.01,
        }
    }
}

impl Lamb {
    /// Creates the optimizer with the paper's settings: betas 0.9 and 0.999, eps 1e-6, weight decay
    /// 0.01.
    pub fn new(lr: f64) -> Self {
        Lamb {
            lr,
            ..Lamb::default()
        }
    }

    /// Sets the decay rates of the two moments, each at least 0 and below 1.
    pub fn betas(self, first: f64, second: f64) -> Self {
        let betas = (first, second);
        Lamb { betas, ..self }
    }

    /// Sets `eps`, which is added to the denominator.
    pub fn eps(self, eps: f64) -> Self {
        Lamb { eps, ..self }
    }

    /// Sets the weight decay, which is part of the scaled step.
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        Lamb {
            weight_decay,
            ..self
        }
    }
}

fn norm(x: &Tensor) -> Tensor {
    x.norm(&[], 2.0)
}

impl Optimizer for Lamb {
    fn learning_rate(&self) -> f64 {
        self.lr
    }

    fn states(&self, _: &Shape) -> Vec<State> {
        vec![State::zero("exp_avg"), State::zero("exp_avg_sq")]
    }

    /// Returns the rate, and the corrections `1 - b1^t` and `sqrt(1 - b2^t)`.
    fn scalars(&self, step: u64, rate: f64) -> Vec<f64> {
        vec![
            rate,
            correction(self.betas.0, step),
            correction(self.betas.1, step).sqrt(),
        ]
    }

    fn update(&self, u: Update) -> Updated {
        let Some(([m, v], [rate, first, second])) = u.parts() else {
            return u.unchanged();
        };
        let (p, g) = (u.parameter, &u.gradient);
        let m = running(&m, self.betas.0, g);
        let v = running(&v, self.betas.1, &g.square());
        let mut step = &m / first / (v.sqrt() / second + self.eps);
        if self.weight_decay > 0.0 {
            step = step + p * self.weight_decay;
        }
        let (of_p, of_step) = (norm(p), norm(&step));
        let zero = of_p.zeros_like();
        let both = of_p.gt(&zero).logical_and(&of_step.gt(&zero));
        let trust = both.select(&(of_p / of_step), &zero.constant_like(1.0));
        Updated {
            parameter: p - step * (trust * rate),
            states: vec![m, v],
        }
    }

    fn with_weight_decay(&self, decay: f64) -> Box<dyn Optimizer> {
        Box::new(self.weight_decay(decay))
    }

    fn check(&self) -> Result<()> {
        schema::validate("LAMB", self)
    }
}
