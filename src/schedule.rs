//! Learning-rate schedules: the rate as a function of the step.
//!
//! The rate is a value in a buffer, so changing it recompiles nothing.
//!
//! Where PyTorch has the schedule, its rates are PyTorch's to the last bit: what `torch.optim.lr_scheduler`
//! works out from the last rate is worked out from the last rate here, too. A schedule keeps nothing that
//! a checkpoint would have to hold: it follows from the step, and from the values of the epochs so far.

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

/// Refuses a setting that is out of its range.
fn require(what: &str, value: f64, fits: bool, expected: &str) -> Result<()> {
    match fits && value.is_finite() {
        true => Ok(()),
        false => Err(Error::argument(what, value, expected)),
    }
}

kinds! {
    /// The curve of a schedule: its kind with its settings.
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

/// Where in the training a step is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Progress<'a> {
    /// Steps done since the training began, or the part of it that the schedule is for.
    pub step: u64,
    /// Steps of an epoch.
    pub steps_per_epoch: u64,
    /// Steps of the whole training, or of that part.
    pub steps: u64,
    /// What the schedule [watches](Schedule::monitor), one value for each epoch that has ended.
    pub values: &'a [f64],
}

impl Progress<'_> {
    fn per_epoch(&self) -> u64 {
        self.steps_per_epoch.max(1)
    }
}

/// What a schedule's time counts.
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

/// When and for whom a rate is asked for.
struct Ask<'a> {
    /// The optimizer's own rate, or a group's.
    base: f64,
    /// In the schedule's unit, from 0.
    time: u64,
    unit: Unit,
    at: &'a Progress<'a>,
    /// Another schedule came before.
    restarted: bool,
}

/// A rate over time.
trait Curve: Send {
    fn rate(&self, ask: &Ask) -> f64;

    fn monitor(&self) -> Option<&str> {
        None
    }

    /// Whether the settings make sense.
    fn check(&self) -> Result<()> {
        Ok(())
    }
}

/// How the learning rate changes over the training. Time counts from 0, before the first update: in epochs, if
/// a schedule does not say otherwise, or in steps after [`Schedule::by_step`].
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

    /// The same schedule with its time counted in this unit.
    fn counted(self, unit: Unit) -> Self {
        Schedule { unit, ..self }
    }

    /// The optimizer's rate, always.
    pub fn constant() -> Self {
        Schedule::lambda(|_| 1.0)
    }

    /// The optimizer's rate times what `factor` gives for the time; PyTorch's `LambdaLR`.
    pub fn lambda(factor: impl Fn(u64) -> f64 + Send + 'static) -> Self {
        Schedule::of(Lambda(factor), Unit::Epoch)
    }

    /// One schedule after the other, each with the time that it begins at; the first should begin at 0.
    /// Each begins anew, from the optimizer's rate. PyTorch's `SequentialLR`.
    ///
    /// The times of the beginnings are in epochs, or in steps after [`Schedule::by_step`]; each schedule
    /// keeps its own unit.
    pub fn chain(parts: impl IntoIterator<Item = (u64, Schedule)>) -> Self {
        let mut parts: Vec<(u64, Schedule)> = parts.into_iter().collect();
        parts.sort_by_key(|(from, _)| *from);
        Schedule::of(Chain::new(parts), Unit::Epoch)
    }

    /// This schedule after so many steps, in which the rate rises in a straight line:
    /// `base (step + 1) / steps`.
    pub fn warmup(self, steps: u64) -> Self {
        Schedule::of(Warmup::steps(steps, self), Unit::Step)
    }

    /// The same for so many epochs, which may be a fraction.
    pub fn warmup_epochs(self, epochs: f64) -> Self {
        Schedule::of(Warmup::epochs(epochs, self), Unit::Step)
    }

    /// Counts its time in steps.
    pub fn by_step(self) -> Self {
        let unit = Unit::Step;
        Schedule { unit, ..self }
    }

    /// Counts its time in epochs.
    pub fn by_epoch(self) -> Self {
        let unit = Unit::Epoch;
        Schedule { unit, ..self }
    }

    /// The rate for the step after `at.step` steps, where `base` is the optimizer's own.
    pub fn rate(&self, base: f64, at: Progress) -> f64 {
        self.part(base, &at, false)
    }

    /// The value that it needs of each epoch, by its name in a history: `"val_loss"`.
    pub fn monitor(&self) -> Option<&str> {
        self.curve.monitor()
    }

    /// Whether the settings make sense.
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
