//! RMSprop.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema::{self, range};
use crate::{Result, Shape};

use super::{Optimizer, State, Update, Updated, running};

/// RMSprop (Tieleman and Hinton, 2012): `v = alpha v + (1 - alpha) g^2; p -= rate g / (sqrt(v) +
/// eps)`, or with momentum `b = momentum b + g / (sqrt(v) + eps); p -= rate b`.
///
/// If it is centered, the root is of `v - a^2`, where `a` is the running mean of the gradient
/// (Graves, 2013). Rounding may make this difference negative where the gradient hardly changes; it
/// is then 0.
///
/// # Example
/// ```
/// use wgrad::prelude::*;
///
/// let set = Dataset::from_arrays(vec![-1.0, 1.0], [1], Targets::values(vec![-3.0, 3.0]))?;
/// let mut trainer = Trainer::new(nn::Linear::new(1, 1))
///     .loss(loss::Mse)
///     .optimizer(optim::RmsProp::new(0.05))
///     .compile(&Device::cpu(), &set)?;
/// let history = trainer.fit(&set, Fit::epochs(50))?;
/// assert!(history.epochs[49].loss < 0.5 * history.epochs[0].loss);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RmsProp {
    /// The learning rate.
    #[schemars(with = "range::Rate")]
    lr: f64,
    /// The decay rate of the running mean of squares.
    #[schemars(with = "range::Fraction")]
    alpha: f64,
    /// Added to the denominator.
    #[schemars(with = "range::Positive")]
    eps: f64,
    /// The factor of an L2 penalty: `weight_decay p` is added to the gradient.
    #[schemars(with = "range::NotNegative")]
    weight_decay: f64,
    /// The decay rate of the momentum.
    #[schemars(with = "range::Fraction")]
    momentum: f64,
    /// Whether to divide by the standard deviation of the gradient instead of its root mean square.
    centered: bool,
}

impl Default for RmsProp {
    fn default() -> Self {
        RmsProp {
            lr: 0.01,
            alpha: 0.99,
            eps: 1e-8,
            weight_decay: 0.0,
            momentum: 0.0,
            centered: false,
        }
    }
}

impl RmsProp {
    /// Creates the optimizer with the usual settings: alpha 0.99, eps 1e-8, no momentum, not
    /// centered, no weight decay.
    pub fn new(lr: f64) -> Self {
        RmsProp {
            lr,
            ..RmsProp::default()
        }
    }

    /// Sets the decay rate of the running mean of squares, at least 0 and below 1.
    pub fn alpha(self, alpha: f64) -> Self {
        RmsProp { alpha, ..self }
    }

    /// Sets `eps`, which is added to the denominator.
    pub fn eps(self, eps: f64) -> Self {
        RmsProp { eps, ..self }
    }

    /// Sets the factor of an L2 penalty: `weight_decay p` is added to the gradient.
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        RmsProp {
            weight_decay,
            ..self
        }
    }

    /// Sets the momentum, at least 0 and below 1.
    pub fn momentum(self, momentum: f64) -> Self {
        RmsProp { momentum, ..self }
    }

    /// Sets whether to divide by the standard deviation of the gradient instead of its root mean
    /// square.
    pub fn centered(self, centered: bool) -> Self {
        RmsProp { centered, ..self }
    }
}

impl Optimizer for RmsProp {
    fn learning_rate(&self) -> f64 {
        self.lr
    }

    fn states(&self, _: &Shape) -> Vec<State> {
        let mut names = vec!["square_avg"];
        if self.centered {
            names.push("grad_avg");
        }
        if self.momentum > 0.0 {
            names.push("momentum_buffer");
        }
        names.into_iter().map(State::zero).collect()
    }

    fn scalars(&self, _: u64, rate: f64) -> Vec<f64> {
        vec![rate]
    }

    fn update(&self, u: Update) -> Updated {
        let g = u.penalised(self.weight_decay);
        let mut old = u.states.iter();
        let (Some(square), [rate]) = (old.next(), u.scalars.as_slice()) else {
            return u.unchanged();
        };
        let square = running(square, self.alpha, &g.square());
        let mut states = vec![square.clone()];
        let mut spread = square;
        let mean = if self.centered { old.next() } else { None };
        if let Some(mean) = mean {
            let mean = running(mean, self.alpha, &g);
            spread = (spread - mean.square()).relu();
            states.push(mean);
        }
        let mut step = g / (spread.sqrt() + self.eps);
        if let Some(buffer) = old.next() {
            step = buffer * self.momentum + step;
            states.push(step.clone());
        }
        Updated {
            parameter: u.parameter - step * rate,
            states,
        }
    }

    fn with_weight_decay(&self, decay: f64) -> Box<dyn Optimizer> {
        Box::new(self.weight_decay(decay))
    }

    fn check(&self) -> Result<()> {
        schema::validate("RMSprop", self)
    }
}
