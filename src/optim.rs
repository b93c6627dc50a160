//! Optimizers, as nodes of the graph.
//!
//! The update of a parameter is an elementwise chain, and the planner combines the chains of all
//! parameters into one dispatch. [`Lamb`] and [`Muon`] need values of a whole parameter, so their
//! updates take a few dispatches for each.
//!
//! Settings and formulas are PyTorch's, for the optimizers that PyTorch has.

mod adadelta;
mod adagrad;
mod adam;
mod adamax;
mod clip;
mod lamb;
mod lion;
mod muon;
mod nadam;
mod radam;
mod rmsprop;
mod sgd;

pub use adadelta::Adadelta;
pub use adagrad::Adagrad;
pub use adam::{Adam, AdamW};
pub use adamax::Adamax;
pub use clip::Clip;
pub(crate) use clip::global_norm;
pub use lamb::Lamb;
pub use lion::Lion;
pub use muon::{Muon, MuonScale};
pub use nadam::NAdam;
pub use radam::RAdam;
pub use rmsprop::RmsProp;
pub use sgd::Sgd;

use crate::schema::{Kind, Path, SettingError, kinds};
use crate::{Result, Shape, Tensor};

kinds! {
    /// An optimizer in a configuration: its kind and its settings.
    ///
    /// # Example
    /// ```
    /// use wgrad::optim::{AdamW, OptimizerSpec};
    ///
    /// let spec: OptimizerSpec = serde_json::from_str(r#"{ "type": "adamw", "lr": 0.01 }"#)?;
    /// assert_eq!(spec, AdamW::new(0.01).into());
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub enum OptimizerSpec by "type" as dyn Settings, Kind::of("optimizer", "optimizer \"{}\"");
    "sgd" => Sgd(Sgd),
    "adam" => Adam(Adam),
    "adamw" => AdamW(AdamW),
    "nadam" => NAdam(NAdam),
    "radam" => RAdam(RAdam),
    "rmsprop" => RmsProp(RmsProp),
    "adagrad" => Adagrad(Adagrad),
    "adadelta" => Adadelta(Adadelta),
    "adamax" => Adamax(Adamax),
    "lion" => Lion(Lion),
    "lamb" => Lamb(Lamb),
    "muon" => Muon(Muon),
}

impl Default for OptimizerSpec {
    fn default() -> Self {
        Adam::default().into()
    }
}

impl OptimizerSpec {
    /// Builds the optimizer.
    pub fn build(&self) -> Box<dyn Optimizer> {
        self.settings().boxed()
    }

    /// Returns the learning rate that schedules start from.
    pub fn learning_rate(&self) -> f64 {
        self.settings().learning_rate()
    }

    /// Checks constraints between settings; `at` is their place in the configuration.
    pub(crate) fn conflicts(&self, at: &Path) -> std::result::Result<(), SettingError> {
        match self {
            OptimizerSpec::Sgd(sgd) => sgd.conflicts(at),
            _ => Ok(()),
        }
    }
}

/// An optimizer whose settings are plain data.
pub(crate) trait Settings: Optimizer {
    fn boxed(&self) -> Box<dyn Optimizer>;
}

impl<T: Optimizer + Clone + 'static> Settings for T {
    fn boxed(&self) -> Box<dyn Optimizer> {
        Box::new(self.clone())
    }
}

/// A state of an optimizer: values that it keeps for each element of a parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct State {
    /// The name in checkpoints, e.g. `"exp_avg"`.
    pub name: &'static str,
    /// The initial value of all elements.
    pub first: f32,
}

impl State {
    /// Creates a state that starts at 0.
    pub fn zero(name: &'static str) -> Self {
        State { name, first: 0.0 }
    }
}

/// The inputs of the update of one parameter.
pub struct Update<'a> {
    /// The parameter's value.
    pub parameter: &'a Tensor,
    /// The parameter's gradient.
    pub gradient: Tensor,
    /// The states, in the order of [`Optimizer::states`].
    pub states: Vec<Tensor>,
    /// The step's scalars, in the order of [`Optimizer::scalars`].
    pub scalars: Vec<Tensor>,
}

/// The results of an update.
pub struct Updated {
    /// The parameter's new value.
    pub parameter: Tensor,
    /// The new states, in the order of [`Optimizer::states`].
    pub states: Vec<Tensor>,
}

/// An optimizer: it updates parameters by their gradients.
///
/// # Example
/// ```
/// use wgrad::optim::{Adam, Optimizer, Sgd};
///
/// assert_eq!(Adam::new(0.01).learning_rate(), 0.01);
/// let states = Adam::new(0.01).states(&[4, 2].into());
/// assert_eq!(states.iter().map(|s| s.name).collect::<Vec<_>>(), ["exp_avg", "exp_avg_sq"]);
/// assert!(Sgd::new(-1.0).check().is_err());
/// ```
pub trait Optimizer: Send {
    /// Returns the learning rate that schedules start from.
    fn learning_rate(&self) -> f64;

    /// Returns the states that it keeps for a parameter of this shape.
    fn states(&self, shape: &Shape) -> Vec<State>;

    /// Returns the scalars of a step, in f64. `step` counts from 1, and `rate` is the schedule's
    /// learning rate.
    fn scalars(&self, step: u64, rate: f64) -> Vec<f64>;

    /// Appends the update of one parameter to the graph.
    fn update(&self, u: Update) -> Updated;

    /// Returns the same optimizer with another weight decay, for a group of parameters.
    fn with_weight_decay(&self, decay: f64) -> Box<dyn Optimizer>;

    /// Checks the settings.
    fn check(&self) -> Result<()>;
}

impl Optimizer for Box<dyn Optimizer> {
    fn learning_rate(&self) -> f64 {
        (**self).learning_rate()
    }
    fn states(&self, shape: &Shape) -> Vec<State> {
        (**self).states(shape)
    }
    fn scalars(&self, step: u64, rate: f64) -> Vec<f64> {
        (**self).scalars(step, rate)
    }
    fn update(&self, u: Update) -> Updated {
        (**self).update(u)
    }
    fn with_weight_decay(&self, decay: f64) -> Box<dyn Optimizer> {
        (**self).with_weight_decay(decay)
    }
    fn check(&self) -> Result<()> {
        (**self).check()
    }
}

impl Update<'_> {
    /// Returns the states and scalars, if their numbers are as expected.
    fn parts<const STATES: usize, const SCALARS: usize>(
        &self,
    ) -> Option<([Tensor; STATES], [Tensor; SCALARS])> {
        let states = self.states.clone().try_into().ok()?;
        Some((states, self.scalars.clone().try_into().ok()?))
    }

    /// Returns the gradient with that of an L2 penalty: `g + decay p`.
    fn penalised(&self, decay: f64) -> Tensor {
        match decay > 0.0 {
            true => &self.gradient + self.parameter * decay,
            false => self.gradient.clone(),
        }
    }

    /// Returns the parameter after decoupled weight decay: `p keep`.
    fn kept(&self, decay: f64, keep: &Tensor) -> Tensor {
        match decay > 0.0 {
            true => self.parameter * keep,
            false => self.parameter.clone(),
        }
    }

    /// Returns the inputs unchanged, for an update that lacks states or scalars.
    fn unchanged(self) -> Updated {
        Updated {
            parameter: self.parameter.clone(),
            states: self.states,
        }
    }
}

/// A running mean: `beta old + (1 - beta) new`.
fn running(old: &Tensor, beta: f64, new: &Tensor) -> Tensor {
    old * beta + new * (1.0 - beta)
}

/// The bias correction `1 - beta^step` of a running mean that starts at 0.
fn correction(beta: f64, step: u64) -> f64 {
    1.0 - beta.powi(i32::try_from(step).unwrap_or(i32::MAX))
}
