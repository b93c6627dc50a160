//! Stochastic gradient descent with momentum.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema::{self, Path, SettingError, range};
use crate::{Error, Result, Shape};

use super::{Optimizer, State, Update, Updated};

/// Stochastic gradient descent with momentum (Sutskever et al., 2013): `g += decay p; v = momentum
/// v + g; p -= rate v`, or with Nesterov momentum `p -= rate (g + momentum v)`. As in PyTorch with
/// dampening 0, the first `v` is `g`.
///
/// # Example
/// ```
/// use wgrad::prelude::*;
///
/// let set = Dataset::from_arrays(vec![1.0], [1], Targets::values(vec![3.0]))?;
/// let model = nn::Linear::new(1, 1).init(nn::init::ones()).without_bias();
/// let mut trainer = Trainer::new(model)
///     .loss(loss::Mse)
///     .optimizer(optim::Sgd::new(0.25))
///     .compile(&Device::cpu(), &set)?;
/// trainer.fit(&set, Fit::epochs(1))?;
/// assert_eq!(trainer.weights("weight")?, [2.0]); // 1 - 0.25 * 2 (1 - 3)
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Sgd {
    /// The learning rate.
    #[schemars(with = "range::Rate")]
    lr: f64,
    /// The decay rate of the velocity.
    #[schemars(with = "range::Fraction")]
    momentum: f64,
    /// Whether to use Nesterov momentum; it requires `momentum` above 0.
    nesterov: bool,
    /// The factor of an L2 penalty: `weight_decay p` is added to the gradient.
    #[schemars(with = "range::NotNegative")]
    weight_decay: f64,
}

impl Default for Sgd {
    fn default() -> Self {
        Sgd {
            lr: 0.01,
            momentum: 0.0,
            nesterov: false,
            weight_decay: 0.0,
        }
    }
}

impl Sgd {
    /// Creates plain gradient descent with this learning rate.
    pub fn new(lr: f64) -> Self {
        Sgd {
            lr,
            ..Sgd::default()
        }
    }

    /// Sets the momentum, at least 0 and below 1.
    pub fn momentum(self, momentum: f64) -> Self {
        Sgd { momentum, ..self }
    }

    /// Sets Nesterov momentum, above 0 and below 1.
    pub fn nesterov(self, momentum: f64) -> Self {
        Sgd {
            momentum,
            nesterov: true,
            ..self
        }
    }

    /// Sets the factor of an L2 penalty: `weight_decay p` is added to the gradient.
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        Sgd {
            weight_decay,
            ..self
        }
    }
}

impl Sgd {
    /// Checks constraints between settings; `at` is their place in the configuration.
    pub(super) fn conflicts(&self, at: &Path) -> std::result::Result<(), SettingError> {
        match self.nesterov && self.momentum == 0.0 {
            true => Err(SettingError::new(
                at.key("nesterov"),
                "`nesterov` needs `momentum` above 0",
            )
            .help("for example: momentum = 0.9")),
            false => Ok(()),
        }
    }
}

impl Optimizer for Sgd {
    fn learning_rate(&self) -> f64 {
        self.lr
    }

    fn states(&self, _: &Shape) -> Vec<State> {
        match self.momentum > 0.0 {
            true => vec![State::zero("momentum_buffer")],
            false => Vec::new(),
        }
    }

    fn scalars(&self, _: u64, rate: f64) -> Vec<f64> {
        vec![rate]
    }

    fn update(&self, u: Update) -> Updated {
        let (p, g) = (u.parameter, u.penalised(self.weight_decay));
        if let Some(([], [rate])) = u.parts() {
            return Updated {
                parameter: p - g * rate,
                states: Vec::new(),
            };
        }
        let Some(([v], [rate])) = u.parts() else {
            return u.unchanged();
        };
        let v = v * self.momentum + &g;
        let direction = match self.nesterov {
            true => g + &v * self.momentum,
            false => v.clone(),
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
        schema::validate("SGD", self)?;
        self.conflicts(&Path::root())
            .map_err(|e| Error::model("SGD", e.to_string()))
    }
}
