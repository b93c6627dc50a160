//! Lion: steps by the sign of the momentum.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema::{self, range};
use crate::{Result, Shape};

use super::{Optimizer, State, Update, Updated, running};

/// Lion (Chen et al., "Symbolic discovery of optimization algorithms", 2023, algorithm 2): `p -=
/// rate (sign(b1 m + (1 - b1) g) + decay p); m = b2 m + (1 - b2) g`. Every element moves by the
/// rate, so choose a third to a tenth of Adam's.
///
/// # Example
/// ```
/// use wgrad::prelude::*;
///
/// let set = Dataset::from_arrays(vec![-1.0, 1.0], [1], Targets::values(vec![-3.0, 3.0]))?;
/// let mut trainer = Trainer::new(nn::Linear::new(1, 1))
///     .loss(loss::Mse)
///     .optimizer(optim::Lion::new(0.05))
///     .compile(&Device::cpu(), &set)?;
/// let history = trainer.fit(&set, Fit::epochs(50))?;
/// assert!(history.epochs[49].loss < 0.5 * history.epochs[0].loss);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Lion {
    /// The learning rate.
    #[schemars(with = "range::Rate")]
    lr: f64,
    /// The weights of the momentum in the step and in the next momentum.
    #[schemars(with = "range::Betas")]
    betas: (f64, f64),
    /// The decoupled weight decay.
    #[schemars(with = "range::NotNegative")]
    weight_decay: f64,
}

impl Default for Lion {
    fn default() -> Self {
        Lion {
            lr: 1e-4,
            betas: (0.9, 0.99),
            weight_decay: 0.0,
        }
    }
}

impl Lion {
    /// Creates the optimizer with the paper's settings: betas 0.9 and 0.99, no weight decay.
    pub fn new(lr: f64) -> Self {
        Lion {
            lr,
            ..Lion::default()
        }
    }

    /// Sets the weights of the momentum in the step and in the next momentum, each at least 0 and
    /// below 1.
    pub fn betas(self, first: f64, second: f64) -> Self {
        let betas = (first, second);
        Lion { betas, ..self }
    }

    /// Sets the decoupled weight decay.
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        Lion {
            weight_decay,
            ..self
        }
    }
}

impl Optimizer for Lion {
    fn learning_rate(&self) -> f64 {
        self.lr
    }

    fn states(&self, _: &Shape) -> Vec<State> {
        vec![State::zero("exp_avg")]
    }

    fn scalars(&self, _: u64, rate: f64) -> Vec<f64> {
        vec![rate, 1.0 - rate * self.weight_decay]
    }

    fn update(&self, u: Update) -> Updated {
        let Some(([m], [rate, keep])) = u.parts() else {
            return u.unchanged();
        };
        let direction = running(&m, self.betas.0, &u.gradient).sign();
        Updated {
            parameter: u.kept(self.weight_decay, &keep) - direction * rate,
            states: vec![running(&m, self.betas.1, &u.gradient)],
        }
    }

    fn with_weight_decay(&self, decay: f64) -> Box<dyn Optimizer> {
        Box::new(self.weight_decay(decay))
    }

    fn check(&self) -> Result<()> {
        schema::validate("Lion", self)
    }
}
