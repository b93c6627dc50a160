//! Optimizers, as graph nodes: the update of a parameter is an elementwise chain, and the planner
//! makes one dispatch of the chains of all parameters. [`Lamb`] and [`Muon`] look at a whole parameter
//! at once, so their updates take a few dispatches each.
//!
//! Settings and formulas are PyTorch's, where it has the optimizer.

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
    /// An optimizer as a configuration says it: its kind with its settings.
    ///
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
    /// The optimizer.
    pub fn build(&self) -> Box<dyn Optimizer> {
        self.settings().boxed()
    }

    /// The learning rate that schedules start from.
    pub fn learning_rate(&self) -> f64 {
        self.settings().learning_rate()
    }

    /// Checks what the ranges of single settings cannot say; `at` is where the settings stand.
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

/// Something that an optimizer remembers of a parameter: numbers of the parameter's shape.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct State {
    /// Its name in checkpoints, e.g. `"exp_avg"`.
    pub name: &'static str,
    /// What all its elements are before the first step.
    pub first: f32,
}

impl State {
    /// One that is 0 before the first step.
    pub fn zero(name: &'static str) -> Self {
        State { name, first: 0.0 }
    }
}

/// What an optimizer works with to update one parameter.
pub struct Update<'a> {
    /// The parameter's value.
    pub parameter: &'a Tensor,
    /// Its gradient.
    pub gradient: Tensor,
    /// Its memory, in the order of [`Optimizer::states`].
    pub states: Vec<Tensor>,
    /// This step's numbers, in the order of [`Optimizer::scalars`], as scalars.
    pub scalars: Vec<Tensor>,
}

/// What an update gives.
pub struct Updated {
    /// The parameter's new value.
    pub parameter: Tensor,
    /// The new memory, in the order of [`Optimizer::states`].
    pub states: Vec<Tensor>,
}

/// Changes parameters by their gradients.
pub trait Optimizer: Send {
    /// The learning rate that schedules start from.
    fn learning_rate(&self) -> f64;

    /// What it remembers of a parameter of this shape.
    fn states(&self, shape: &Shape) -> Vec<State>;

    /// The numbers of a step, worked out in f64: `step` counts from 1, `rate` is the schedule's.
    fn scalars(&self, step: u64, rate: f64) -> Vec<f64>;

    /// Appends the update of one parameter to the graph.
    fn update(&self, u: Update) -> Updated;

    /// The same with another weight decay, for a group of parameters.
    fn with_weight_decay(&self, decay: f64) -> Box<dyn Optimizer>;

    /// Whether the settings make sense.
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
    /// The states and scalars, where there are so many of each.
    fn parts<const STATES: usize, const SCALARS: usize>(
        &self,
    ) -> Option<([Tensor; STATES], [Tensor; SCALARS])> {
        let states = self.states.clone().try_into().ok()?;
        Some((states, self.scalars.clone().try_into().ok()?))
    }

    /// The gradient with that of an L2 penalty: `g + decay p`.
    fn penalised(&self, decay: f64) -> Tensor {
        match decay > 0.0 {
            true => &self.gradient + self.parameter * decay,
            false => self.gradient.clone(),
        }
    }

    /// The parameter after a decay of its own: `p keep`.
    fn kept(&self, decay: f64, keep: &Tensor) -> Tensor {
        match decay > 0.0 {
            true => self.parameter * keep,
            false => self.parameter.clone(),
        }
    }

    /// What a step gives that was not handed what it needs: nothing changes.
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

/// `1 - beta^step`: how much of a running mean that started from 0 is filled.
fn correction(beta: f64, step: u64) -> f64 {
    1.0 - beta.powi(i32::try_from(step).unwrap_or(i32::MAX))
}
