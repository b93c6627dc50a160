//! RMSprop.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema::{self, range};
use crate::{Result, Shape};

use super::{Optimizer, State, Update, Updated, running};

/// `v = alpha v + (1 - alpha) g^2; p -= rate g / (sqrt(v) + eps)` (Tieleman and Hinton, 2012), or with
/// momentum `b = momentum b + g / (sqrt(v) + eps); p -= rate b`.
///
/// Centered, the root is of `v - a^2`, where `a` is the running mean of the gradient (Graves, 2013). In
/// f32 the difference may come out below 0 where the gradient hardly changes; then it counts as 0.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RmsProp {
    /// The learning rate.
    #[schemars(with = "range::Rate")]
    lr: f64,
    /// The share of the old mean of squares that is kept.
    #[schemars(with = "range::Fraction")]
    alpha: f64,
    /// Added to the denominator.
    #[schemars(with = "range::Positive")]
    eps: f64,
    /// An L2 penalty: `weight_decay p` is added to the gradient.
    #[schemars(with = "range::NotNegative")]
    weight_decay: f64,
    /// The share of the old step that is kept.
    #[schemars(with = "range::Fraction")]
    momentum: f64,
    /// Whether the gradient's variance takes the place of its mean square.
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
    /// With the usual settings: alpha 0.99, eps 1e-8, no momentum, not centered, no weight decay.
    pub fn new(lr: f64) -> Self {
        RmsProp {
            lr,
            ..RmsProp::default()
        }
    }

    /// The share of the old mean of squares that is kept, at least 0 and below 1.
    pub fn alpha(self, alpha: f64) -> Self {
        RmsProp { alpha, ..self }
    }

    /// The number that keeps the division finite.
    pub fn eps(self, eps: f64) -> Self {
        RmsProp { eps, ..self }
    }

    /// With an L2 penalty: `weight_decay p` is added to the gradient.
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        RmsProp {
            weight_decay,
            ..self
        }
    }

    /// With momentum, at least 0 and below 1.
    pub fn momentum(self, momentum: f64) -> Self {
        RmsProp { momentum, ..self }
    }

    /// Whether the gradient's variance takes the place of its mean square.
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
