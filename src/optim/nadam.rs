//! NAdam: Adam with Nesterov momentum.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema::{self, range};
use crate::{Result, Shape};

use super::{Optimizer, State, Update, Updated, correction, running};

/// NAdam, Adam with Nesterov momentum (Dozat, 2016): with `mu_t = b1 (1 - 0.96^(t momentum_decay) /
/// 2)` and `M_t = mu_1 .. mu_t`, `p -= rate ((1 - mu_t) / (1 - M_t) g + mu_(t+1) / (1 - M_(t+1)) m)
/// / (sqrt(v^) + eps)`.
///
/// Weight decay is an L2 penalty, unless it is [decoupled](NAdam::decoupled), as in PyTorch.
///
/// # Example
/// ```
/// use wgrad::prelude::*;
///
/// let set = Dataset::from_arrays(vec![-1.0, 1.0], [1], Targets::values(vec![-3.0, 3.0]))?;
/// let mut trainer = Trainer::new(nn::Linear::new(1, 1))
///     .loss(loss::Mse)
///     .optimizer(optim::NAdam::new(0.1))
///     .compile(&Device::cpu(), &set)?;
/// let history = trainer.fit(&set, Fit::epochs(50))?;
/// assert!(history.epochs[49].loss < 0.5 * history.epochs[0].loss);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NAdam {
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
    /// How fast the momentum increases to the first beta.
    #[schemars(with = "range::NotNegative")]
    momentum_decay: f64,
    /// The last step whose product of momenta was computed, and that product. The product of the
    /// next step then takes one multiplication.
    #[serde(skip)]
    last: std::cell::Cell<(u64, f64)>,
}

impl Default for NAdam {
    fn default() -> Self {
        NAdam {
            lr: 2e-3,
            betas: (0.9, 0.999),
            eps: 1e-8,
            weight_decay: 0.0,
            decoupled: false,
            momentum_decay: 4e-3,
            last: std::cell::Cell::new((0, 1.0)),
        }
    }
}

impl NAdam {
    /// Creates the optimizer with the usual settings: betas 0.9 and 0.999, eps 1e-8, momentum decay
    /// 4e-3, no weight decay.
    pub fn new(lr: f64) -> Self {
        NAdam {
            lr,
            ..NAdam::default()
        }
    }

    /// Sets the decay rates of the two moments, each at least 0 and below 1.
    pub fn betas(self, first: f64, second: f64) -> Self {
        let betas = (first, second);
        NAdam { betas, ..self }
    }

    /// Sets `eps`, which is added to the denominator.
    pub fn eps(self, eps: f64) -> Self {
        NAdam { eps, ..self }
    }

    /// Sets the factor of an L2 penalty: `weight_decay p` is added to the gradient. With
    /// [`NAdam::decoupled`] it is decoupled.
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        NAdam {
            weight_decay,
            ..self
        }
    }

    /// Sets whether weight decay is decoupled, as in [`AdamW`](super::AdamW).
    pub fn decoupled(self, decoupled: bool) -> Self {
        NAdam { decoupled, ..self }
    }

    /// Sets how fast the momentum increases to the first beta.
    pub fn momentum_decay(self, momentum_decay: f64) -> Self {
        NAdam {
            momentum_decay,
            ..self
        }
    }

    fn momentum(&self, step: u64) -> f64 {
        self.betas.0 * (1.0 - 0.5 * 0.96f64.powf(step as f64 * self.momentum_decay))
    }

    /// Returns the product of the momenta of all steps up to `step`.
    fn product(&self, step: u64) -> f64 {
        let (from, product) = match self.last.get() {
            (from, product) if from <= step => (from, product),
            _ => (0, 1.0),
        };
        let product = (from + 1..=step).fold(product, |m, t| m * self.momentum(t));
        self.last.set((step, product));
        product
    }
}

impl Optimizer for NAdam {
    fn learning_rate(&self) -> f64 {
        self.lr
    }

    fn states(&self, _: &Shape) -> Vec<State> {
        vec![State::zero("exp_avg"), State::zero("exp_avg_sq")]
    }

    /// Returns the step sizes along the gradient and along the first moment, the correction `sqrt(1
    /// - b2^t)`, and `1 - rate decay`.
    fn scalars(&self, step: u64, rate: f64) -> Vec<f64> {
        let (mu, next) = (self.momentum(step), self.momentum(step + 1));
        let product = self.product(step);
        vec![
            rate * (1.0 - mu) / (1.0 - product),
            rate * next / (1.0 - product * next),
            correction(self.betas.1, step).sqrt(),
            1.0 - rate * self.weight_decay,
        ]
    }

    fn update(&self, u: Update) -> Updated {
        let Some(([m, v], [along_g, along_m, correction, keep])) = u.parts() else {
            return u.unchanged();
        };
        let (g, kept) = match self.decoupled {
            true => (u.gradient.clone(), u.kept(self.weight_decay, &keep)),
            false => (u.penalised(self.weight_decay), u.parameter.clone()),
        };
        let m = running(&m, self.betas.0, &g);
        let v = running(&v, self.betas.1, &g.square());
        let step = (g * along_g + &m * along_m) / (v.sqrt() / correction + self.eps);
        Updated {
            parameter: kept - step,
            states: vec![m, v],
        }
    }

    fn with_weight_decay(&self, decay: f64) -> Box<dyn Optimizer> {
        Box::new(self.clone().weight_decay(decay))
    }

    fn check(&self) -> Result<()> {
        schema::validate("NAdam", self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_a_step_do_not_depend_on_the_steps_before() {
        let one = NAdam::new(0.1);
        let in_order: Vec<Vec<f64>> = (1..50).map(|t| one.scalars(t, 0.1)).collect();
        for step in [30, 7, 7, 8, 49] {
            let alone = NAdam::new(0.1).scalars(step, 0.1);
            assert_eq!(alone, in_order[step as usize - 1]);
            assert_eq!(one.scalars(step, 0.1), alone);
        }
    }
}
