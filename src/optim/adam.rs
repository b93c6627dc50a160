//! Adam and AdamW, both with the AMSGrad variant.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema::{self, range};
use crate::{Result, Shape};

use super::{Optimizer, State, Update, Updated, correction, running};

/// Adam (Kingma and Ba, 2015): `m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2; p -= lr m^ /
/// (sqrt(v^) + eps)`, with the bias corrections `m^ = m / (1 - b1^t)` and `v^ = v / (1 - b2^t)`, in
/// PyTorch's order of operations. Weight decay is an L2 penalty; [`AdamW`] has decoupled weight
/// decay.
///
/// # Example
/// ```
/// use wgrad::prelude::*;
///
/// let set = Dataset::from_arrays(vec![-1.0, 1.0], [1], Targets::values(vec![-3.0, 3.0]))?;
/// let mut trainer = Trainer::new(nn::Linear::new(1, 1))
///     .loss(loss::Mse)
///     .optimizer(optim::Adam::new(0.1))
///     .compile(&Device::cpu(), &set)?;
/// let history = trainer.fit(&set, Fit::epochs(50))?;
/// assert!(history.epochs[49].loss < 0.5 * history.epochs[0].loss);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Adam {
    /// The learning rate.
    #[schemars(with = "range::Rate")]
    lr: f64,
    /// The decay rates of the two moments.
    #[schemars(with = "range::Betas")]
    betas: (f64, f64),
    /// Added to the denominator.
    #[schemars(with = "range::Positive")]
    eps: f64,
    /// The factor of an L2 penalty: `weight_decay p` is added to the gradient.
    #[schemars(with = "range::NotNegative")]
    weight_decay: f64,
    /// Whether to divide by the maximum of the second moments so far, instead of the last one
    /// (Reddi, Kale and Kumar, 2018).
    amsgrad: bool,
    #[serde(skip)]
    decoupled: bool,
}

impl Default for Adam {
    fn default() -> Self {
        Adam {
            lr: 1e-3,
            betas: (0.9, 0.999),
            eps: 1e-8,
            weight_decay: 0.0,
            amsgrad: false,
            decoupled: false,
        }
    }
}

/// Adam with decoupled weight decay: `p *= 1 - lr weight_decay` before the step (Loshchilov and
/// Hutter, 2019).
///
/// # Example
/// ```
/// use wgrad::prelude::*;
///
/// let set = Dataset::from_arrays(vec![-1.0, 1.0], [1], Targets::values(vec![-3.0, 3.0]))?;
/// let mut trainer = Trainer::new(nn::Linear::new(1, 1))
///     .loss(loss::Mse)
///     .optimizer(optim::AdamW::new(0.1))
///     .compile(&Device::cpu(), &set)?;
/// let history = trainer.fit(&set, Fit::epochs(50))?;
/// assert!(history.epochs[49].loss < 0.5 * history.epochs[0].loss);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AdamW {
    /// The learning rate.
    #[schemars(with = "range::Rate")]
    lr: f64,
    /// The decay rates of the two moments.
    #[schemars(with = "range::Betas")]
    betas: (f64, f64),
    /// Added to the denominator.
    #[schemars(with = "range::Positive")]
    eps: f64,
    /// The decoupled weight decay.
    #[schemars(with = "range::NotNegative")]
    pub(super) weight_decay: f64,
    /// Whether to divide by the maximum of the second moments so far; see [`Adam::amsgrad`].
    amsgrad: bool,
}

impl Default for AdamW {
    fn default() -> Self {
        let Adam {
            lr,
            betas,
            eps,
            amsgrad,
            ..
        } = Adam::default();
        AdamW {
            lr,
            betas,
            eps,
            weight_decay: 0.01,
            amsgrad,
        }
    }
}

impl Adam {
    /// Creates the optimizer with the usual settings: betas 0.9 and 0.999, eps 1e-8, no weight
    /// decay.
    pub fn new(lr: f64) -> Self {
        Adam {
            lr,
            ..Adam::default()
        }
    }

    /// Sets the decay rates of the two moments, each at least 0 and below 1.
    pub fn betas(self, first: f64, second: f64) -> Self {
        Adam {
            betas: (first, second),
            ..self
        }
    }

    /// Sets `eps`, which is added to the denominator.
    pub fn eps(self, eps: f64) -> Self {
        Adam { eps, ..self }
    }

    /// Sets the factor of an L2 penalty: `weight_decay p` is added to the gradient.
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        Adam {
            weight_decay,
            ..self
        }
    }

    /// Sets whether to divide by the maximum of the second moments so far, instead of the last one
    /// (Reddi, Kale and Kumar, 2018).
    pub fn amsgrad(self, amsgrad: bool) -> Self {
        Adam { amsgrad, ..self }
    }
}

impl AdamW {
    /// Creates the optimizer with the usual settings: betas 0.9 and 0.999, eps 1e-8, weight decay
    /// 0.01.
    pub fn new(lr: f64) -> Self {
        AdamW {
            lr,
            ..AdamW::default()
        }
    }

    /// Sets the decay rates of the two moments, each at least 0 and below 1.
    pub fn betas(self, first: f64, second: f64) -> Self {
        AdamW {
            betas: (first, second),
            ..self
        }
    }

    /// Sets `eps`, which is added to the denominator.
    pub fn eps(self, eps: f64) -> Self {
        AdamW { eps, ..self }
    }

    /// Sets the decoupled weight decay.
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        AdamW {
            weight_decay,
            ..self
        }
    }

    /// Sets whether to divide by the maximum of the second moments so far; see [`Adam::amsgrad`].
    pub fn amsgrad(self, amsgrad: bool) -> Self {
        AdamW { amsgrad, ..self }
    }

    /// Sets the learning rate.
    pub(super) fn lr(self, lr: f64) -> Self {
        AdamW { lr, ..self }
    }

    fn adam(&self) -> Adam {
        let AdamW {
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
        } = *self;
        Adam {
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            decoupled: true,
        }
    }
}

impl Optimizer for Adam {
    fn learning_rate(&self) -> f64 {
        self.lr
    }

    fn states(&self, _: &Shape) -> Vec<State> {
        let mut names = vec!["exp_avg", "exp_avg_sq"];
        if self.amsgrad {
            names.push("max_exp_avg_sq");
        }
        names.into_iter().map(State::zero).collect()
    }

    /// Returns the step size `rate / (1 - b1^t)`, the correction `sqrt(1 - b2^t)`, and `1 - rate
    /// decay`.
    fn scalars(&self, step: u64, rate: f64) -> Vec<f64> {
        vec![
            rate / correction(self.betas.0, step),
            correction(self.betas.1, step).sqrt(),
            1.0 - rate * self.weight_decay,
        ]
    }

    fn update(&self, u: Update) -> Updated {
        let (b1, b2) = self.betas;
        let (mut states, [size, correction, keep]) = match u.parts::<3, 3>() {
            Some((states, scalars)) => (states.to_vec(), scalars),
            None => match u.parts::<2, 3>() {
                Some((states, scalars)) => (states.to_vec(), scalars),
                None => return u.unchanged(),
            },
        };
        let (g, kept) = match self.decoupled {
            true => (u.gradient.clone(), u.kept(self.weight_decay, &keep)),
            false => (u.penalised(self.weight_decay), u.parameter.clone()),
        };
        let [m, v, largest @ ..] = states.as_mut_slice() else {
            return u.unchanged();
        };
        *m = running(m, b1, &g);
        *v = running(v, b2, &g.square());
        let mut second = v.clone();
        if let [largest] = largest {
            *largest = largest.maximum(v);
            second = largest.clone();
        }
        let step = &*m / (second.sqrt() / correction + self.eps) * size;
        Updated {
            parameter: kept - step,
            states,
        }
    }

    fn with_weight_decay(&self, decay: f64) -> Box<dyn Optimizer> {
        Box::new(self.weight_decay(decay))
    }

    fn check(&self) -> Result<()> {
        schema::validate("Adam", self)
    }
}

impl Optimizer for AdamW {
    fn learning_rate(&self) -> f64 {
        self.lr
    }
    fn states(&self, shape: &Shape) -> Vec<State> {
        self.adam().states(shape)
    }
    fn scalars(&self, step: u64, rate: f64) -> Vec<f64> {
        self.adam().scalars(step, rate)
    }
    fn update(&self, u: Update) -> Updated {
        self.adam().update(u)
    }
    fn with_weight_decay(&self, decay: f64) -> Box<dyn Optimizer> {
        Box::new(self.weight_decay(decay))
    }
    fn check(&self) -> Result<()> {
        schema::validate("AdamW", self)
    }
}
