//! Learning-rate schedules: the rate as a function of the step.
//!
//! The rate is a value in a buffer, so a change of the rate compiles nothing.
//!
//! For the schedules that PyTorch has, the rates have the same bits as PyTorch's: those that
//! `torch.optim.lr_scheduler` computes from the last rate are computed from the last rate here as
//! well. A schedule has no state that a checkpoint would have to store. It follows from the step
//! and from the values of the past epochs.

mod chain;
mod cosine;
mod decay;
mod one_cycle;
mod plateau;
mod ramp;
mod recursion;
mod spec;

pub use cosine::{CosineAnnealingSpec, CosineRestartsSpec, CosineSpec};
pub use decay::{ExponentialSpec, MultiStepSpec, StepSpec};
pub use one_cycle::OneCycle;
pub use plateau::Plateau;
pub use ramp::{LinearSpec, PolynomialSpec};
pub use spec::{Constant, ScheduleItem, ScheduleSpec};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};
use chain::{Chain, Warmup};
use spec::Settings;

use crate::schema::{Kind, kinds};

/// Returns an error if a setting is out of its range.
fn require(what: &str, value: f64, fits: bool, expected: &str) -> Result<()> {
    match fits && value.is_finite() {
        true => Ok(()),
        false => Err(Error::argument(what, value, expected)),
    }
}

kinds! {
    /// The curve of a schedule: its kind and its settings.
    ///
    /// # Example
    /// ```
    /// use wgrad::schedule::{CurveSpec, ScheduleSpec};
    ///
    /// let curve: CurveSpec = serde_json::from_str(r#"{ "type": "step", "size": 10, "gamma": 0.5 }"#)?;
    /// assert_eq!(ScheduleSpec::from(curve).items().len(), 1);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub enum CurveSpec by "type" as dyn Settings, Kind::of("schedule", "schedule \"{}\"");
    "constant" => Constant(Constant),
    "step" => Step(StepSpec),
    "multi_step" => MultiStep(MultiStepSpec),
    "exponential" => Exponential(ExponentialSpec),
    "linear" => Linear(LinearSpec),
    "polynomial" => Polynomial(PolynomialSpec),
    "cosine" => Cosine(CosineSpec),
    "cosine_annealing" => CosineAnnealing(CosineAnnealingSpec),
    "cosine_restarts" => CosineRestarts(CosineRestartsSpec),
    "one_cycle" => OneCycle(OneCycle),
    "plateau" => Plateau(Plateau),
}

/// The position of a step in the training.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Progress<'a> {
    /// The number of steps so far: of the training, or of the part of it that the schedule covers.
    pub step: u64,
    /// The number of steps of an epoch.
    pub steps_per_epoch: u64,
    /// The number of steps of the training, or of that part.
    pub steps: u64,
    /// The values that the schedule [monitors](Schedule::monitor), one for each past epoch.
    pub values: &'a [f64],
}

impl Progress<'_> {
    fn per_epoch(&self) -> u64 {
        self.steps_per_epoch.max(1)
    }
}

/// The unit of a schedule's time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Epochs.
    #[default]
    Epoch,
    /// Steps.
    Step,
}

impl Unit {
    fn time(self, at: &Progress) -> u64 {
        match self {
            Unit::Step => at.step,
            Unit::Epoch => at.step / at.per_epoch(),
        }
    }

    fn steps(self, time: u64, at: &Progress) -> u64 {
        match self {
            Unit::Step => time,
            Unit::Epoch => time.saturating_mul(at.per_epoch()),
        }
    }
}

/// A request for a rate.
struct Ask<'a> {
    /// The base rate: that of the optimizer or of a parameter group.
    base: f64,
    /// The time in the schedule's unit, from 0.
    time: u64,
    unit: Unit,
    at: &'a Progress<'a>,
    /// Whether another schedule precedes this one.
    restarted: bool,
}

/// The rate as a function of time.
trait Curve: Send {
    fn rate(&self, ask: &Ask) -> f64;

    fn monitor(&self) -> Option<&str> {
        None
    }

    /// Checks the settings.
    fn check(&self) -> Result<()> {
        Ok(())
    }
}

/// How the learning rate changes during training.
///
/// Time counts from 0, before the first update. The unit is epochs unless the schedule says
/// otherwise; [`Schedule::by_step`] changes it to steps.
///
/// # Example
/// ```
/// use wgrad::schedule::{Progress, Schedule};
///
/// let schedule = Schedule::step(10, 0.5); // halved every 10 epochs
/// let at = |epoch: u64| Progress { step: epoch * 4, steps_per_epoch: 4, steps: 100, values: &[] };
/// assert_eq!(schedule.rate(0.1, at(9)), 0.1);
/// assert_eq!(schedule.rate(0.1, at(10)), 0.05);
/// assert_eq!(schedule.rate(0.1, at(20)), 0.025);
/// ```
pub struct Schedule {
    curve: Box<dyn Curve>,
    unit: Unit,
}

impl std::fmt::Debug for Schedule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Schedule")
            .field("unit", &self.unit)
            .finish_non_exhaustive()
    }
}

impl Default for Schedule {
    fn default() -> Self {
        Schedule::constant()
    }
}

impl Schedule {
    fn of(curve: impl Curve + 'static, unit: Unit) -> Self {
        let curve = Box::new(curve);
        Schedule { curve, unit }
    }

    /// Sets the unit of the schedule's time.
    fn counted(self, unit: Unit) -> Self {
        Schedule { unit, ..self }
    }

    /// Keeps the optimizer's rate.
    ///
    /// # Example
    /// ```
    /// use wgrad::schedule::{Progress, Schedule};
    ///
    /// let schedule = Schedule::constant();
    /// let at = Progress { step: 4 * 5, steps_per_epoch: 4, steps: 40, values: &[] };
    /// assert!((schedule.rate(0.1, at) - 0.1).abs() < 1e-12);
    /// ```
    pub fn constant() -> Self {
        Schedule::lambda(|_| 1.0)
    }

    /// Multiplies the optimizer's rate by `factor` of the time; PyTorch's `LambdaLR`.
    ///
    /// # Example
    /// ```
    /// use wgrad::schedule::{Progress, Schedule};
    ///
    /// let schedule = Schedule::lambda(|epoch| 1.0 / (1 + epoch) as f64);
    /// let at = Progress { step: 4 * 3, steps_per_epoch: 4, steps: 40, values: &[] };
    /// assert!((schedule.rate(0.1, at) - 0.025).abs() < 1e-12);
    /// ```
    pub fn lambda(factor: impl Fn(u64) -> f64 + Send + 'static) -> Self {
        Schedule::of(Lambda(factor), Unit::Epoch)
    }

    /// Applies one schedule after the other, each from its start time; PyTorch's `SequentialLR`.
    /// The first must start at 0. Each schedule starts from the optimizer's rate.
    ///
    /// The start times are in epochs, or in steps after [`Schedule::by_step`]. Each schedule keeps
    /// its own unit.
    ///
    /// # Example
    /// ```
    /// use wgrad::schedule::{Progress, Schedule};
    ///
    /// let parts = [(0, Schedule::constant()), (5, Schedule::exponential(0.5))];
    /// let schedule = Schedule::chain(parts);
    /// let at = Progress { step: 4 * 6, steps_per_epoch: 4, steps: 40, values: &[] };
    /// assert!((schedule.rate(0.1, at) - 0.05).abs() < 1e-12);
    /// ```
    pub fn chain(parts: impl IntoIterator<Item = (u64, Schedule)>) -> Self {
        let mut parts: Vec<(u64, Schedule)> = parts.into_iter().collect();
        parts.sort_by_key(|(from, _)| *from);
        Schedule::of(Chain::new(parts), Unit::Epoch)
    }

    /// Increases the rate linearly for the given number of steps, `base (step + 1) / steps`, and
    /// then applies this schedule.
    ///
    /// # Example
    /// ```
    /// use wgrad::schedule::{Progress, Schedule};
    ///
    /// let schedule = Schedule::constant().warmup(10);
    /// let at = Progress { step: 4 * 0, steps_per_epoch: 4, steps: 40, values: &[] };
    /// assert!((schedule.rate(0.1, at) - 0.01).abs() < 1e-12);
    /// ```
    pub fn warmup(self, steps: u64) -> Self {
        Schedule::of(Warmup::steps(steps, self), Unit::Step)
    }

    /// Like [`Schedule::warmup`], for a number of epochs, which may be a fraction.
    ///
    /// # Example
    /// ```
    /// use wgrad::schedule::{Progress, Schedule};
    ///
    /// let schedule = Schedule::constant().warmup_epochs(2.5);
    /// let at = Progress { step: 4 * 0, steps_per_epoch: 4, steps: 40, values: &[] };
    /// assert!((schedule.rate(0.1, at) - 0.01).abs() < 1e-12);
    /// ```
    pub fn warmup_epochs(self, epochs: f64) -> Self {
        Schedule::of(Warmup::epochs(epochs, self), Unit::Step)
    }

    /// Sets the unit of time to steps.
    ///
    /// # Example
    /// ```
    /// use wgrad::schedule::{Progress, Schedule};
    ///
    /// let schedule = Schedule::exponential(0.5).by_step();
    /// let at = Progress { step: 4 * 1, steps_per_epoch: 4, steps: 40, values: &[] };
    /// assert!((schedule.rate(0.1, at) - 0.00625).abs() < 1e-12);
    /// ```
    pub fn by_step(self) -> Self {
        let unit = Unit::Step;
        Schedule { unit, ..self }
    }

    /// Sets the unit of time to epochs, the default.
    pub fn by_epoch(self) -> Self {
        let unit = Unit::Epoch;
        Schedule { unit, ..self }
    }

    /// Returns the rate of the step after `at.step` steps, for the base rate `base` of the
    /// optimizer.
    pub fn rate(&self, base: f64, at: Progress) -> f64 {
        self.part(base, &at, false)
    }

    /// Returns the name of the value that the schedule monitors, as in a history: `"val_loss"`.
    pub fn monitor(&self) -> Option<&str> {
        self.curve.monitor()
    }

    /// Checks the settings.
    pub(crate) fn check(&self) -> Result<()> {
        self.curve.check()
    }

    fn part(&self, base: f64, at: &Progress, restarted: bool) -> f64 {
        self.curve.rate(&Ask {
            base,
            time: self.unit.time(at),
            unit: self.unit,
            at,
            restarted,
        })
    }
}

struct Lambda<F>(F);

impl<F: Fn(u64) -> f64 + Send> Curve for Lambda<F> {
    fn rate(&self, ask: &Ask) -> f64 {
        ask.base * (self.0)(ask.time)
    }
}

#[cfg(test)]
mod tests;
