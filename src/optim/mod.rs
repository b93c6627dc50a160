//! Optimizers, as graph nodes: the update of a parameter is an elementwise chain, and the planner
//! makes one dispatch of the chains of all parameters.

mod adam;
mod clip;
mod sgd;

pub use adam::{Adam, AdamW};
pub(crate) use clip::clip_factor;
pub use sgd::Sgd;

use crate::{Error, Result, Tensor};

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

    /// The names of what it remembers of each parameter, all of the parameter's shape, zero at first.
    fn states(&self) -> Vec<&'static str>;

    /// The numbers of a step, worked out in f64: `step` counts from 1, `rate` is the schedule's.
    fn scalars(&self, step: u64, rate: f64) -> Vec<f64>;

    /// Appends the update of one parameter to the graph.
    fn update(&self, u: Update) -> Updated;

    /// The same with another weight decay, for a group of parameters.
    fn with_weight_decay(&self, decay: f64) -> Box<dyn Optimizer>;

    /// Whether the settings make sense.
    fn check(&self) -> Result<()>;
}

/// Refuses a setting outside its range.
fn require(what: &str, value: f64, fits: bool, expected: &str) -> Result<()> {
    match fits && value.is_finite() {
        true => Ok(()),
        false => Err(Error::argument(what, value, expected)),
    }
}
