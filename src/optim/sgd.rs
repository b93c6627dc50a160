//! Stochastic gradient descent with momentum.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema::{self, Path, SettingError, range};
use crate::{Error, Result, Shape};

use super::{Optimizer, State, Update, Updated};

/// `g += decay p; v = momentum v + g; p -= rate v` (or `p -= rate (g + momentum v)` for Nesterov's
/// form), as in PyTorch with dampening 0: the first `v` is `g` (Sutskever et al., 2013).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Sgd {
    /// The learning rate.
    #[schemars(with = "range::Rate")]
    lr: f64,
    /// The share of the old velocity that is kept.
    #[schemars(with = "range::Fraction")]
    momentum: f64,
    /// Whether the momentum is Nesterov's; it needs `momentum` above 0.
    nesterov: bool,
    /// An L2 penalty: `weight_decay p` is added to the gradient.
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
    /// Plain gradient descent with this learning rate.
    pub fn new(lr: f64) -> Self {
        Sgd {
            lr,
            ..Sgd::default()
        }
    }

    /// With momentum, at least 0 and below 1.
    pub fn momentum(self, momentum: f64) -> Self {
        Sgd { momentum, ..self }
    }

    /// With Nesterov's momentum.
    pub fn nesterov(self, momentum: f64) -> Self {
        Sgd {
            momentum,
            nesterov: true,
            ..self
        }
    }

    /// With an L2 penalty: `weight_decay p` is added to the gradient.
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        Sgd {
            weight_decay,
            ..self
        }
    }
}

impl Sgd {
    /// Checks what the ranges of single settings cannot say; `at` is where the settings stand.
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
