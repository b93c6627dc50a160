//! The one-cycle schedule: the rate increases once and then decreases.

use std::f64::consts::PI;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Ask, Curve, Schedule, Settings, Unit};
use crate::Result;
use crate::schema::{self, range};

/// One cycle over the whole training (Smith and Topin, "Super-convergence", 2018), in steps.
///
/// The rate starts at the optimizer's rate divided by [`div_factor`](OneCycle::div_factor),
/// increases to the optimizer's rate, and decreases to the first rate divided by
/// [`final_div_factor`](OneCycle::final_div_factor). PyTorch's `OneCycleLR` with
/// `cycle_momentum=False`, whose `max_lr` is the optimizer's rate.
///
/// # Example
/// ```
/// use wgrad::schedule::{OneCycle, Progress, Schedule};
///
/// let schedule = Schedule::from(OneCycle::new().pct_start(0.5).div_factor(10.0));
/// let at = |step| Progress { step, steps_per_epoch: 1, steps: 9, values: &[] };
/// assert!((schedule.rate(0.1, at(0)) - 0.01).abs() < 1e-12);
/// assert!(schedule.rate(0.1, at(3)) > schedule.rate(0.1, at(1)));
/// assert!(schedule.rate(0.1, at(8)) < 1e-5);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct OneCycle {
    /// The fraction of the steps in which the rate increases.
    #[schemars(with = "range::Share")]
    pct_start: f64,
    /// The ratio of the optimizer's rate to the first rate.
    #[schemars(with = "range::Positive")]
    div_factor: f64,
    /// The ratio of the first rate to the last.
    #[schemars(with = "range::Positive")]
    final_div_factor: f64,
    /// Whether the rate changes linearly instead of along cosines.
    linear: bool,
    /// Whether the rate decreases to the first rate as fast as it increased, and then to the last.
    three_phase: bool,
    #[serde(skip)]
    total: Option<u64>,
}

impl Default for OneCycle {
    fn default() -> Self {
        OneCycle {
            pct_start: 0.3,
            div_factor: 25.0,
            final_div_factor: 1e4,
            linear: false,
            three_phase: false,
            total: None,
        }
    }
}

impl Settings for OneCycle {
    fn build(&self, _: u64) -> Schedule {
        (*self).into()
    }
}

impl OneCycle {
    /// Creates the schedule with PyTorch's settings: the rate increases from a 25th of the
    /// optimizer's in 30% of the steps, and decreases to a 10,000th of that, along cosines.
    pub fn new() -> Self {
        OneCycle::default()
    }

    /// Sets the fraction of the steps in which the rate increases, above 0 and below 1.
    pub fn pct_start(self, pct_start: f64) -> Self {
        OneCycle { pct_start, ..self }
    }

    /// Sets the ratio of the optimizer's rate to the first rate.
    pub fn div_factor(self, div_factor: f64) -> Self {
        OneCycle { div_factor, ..self }
    }

    /// Sets the ratio of the first rate to the last.
    pub fn final_div_factor(self, final_div_factor: f64) -> Self {
        OneCycle {
            final_div_factor,
            ..self
        }
    }

    /// Sets whether the rate changes linearly instead of along cosines.
    pub fn linear(self, linear: bool) -> Self {
        OneCycle { linear, ..self }
    }

    /// Sets whether the rate decreases to the first rate as fast as it increased, and then to the
    /// last.
    pub fn three_phase(self, three_phase: bool) -> Self {
        OneCycle {
            three_phase,
            ..self
        }
    }

    /// Sets the length of the cycle in steps. Default: the whole training. Later steps have the
    /// last rate.
    pub fn total_steps(self, total: u64) -> Self {
        let total = Some(total);
        OneCycle { total, ..self }
    }
}

impl From<OneCycle> for Schedule {
    fn from(cycle: OneCycle) -> Self {
        Schedule::of(cycle, Unit::Step)
    }
}

impl Curve for OneCycle {
    fn rate(&self, ask: &Ask) -> f64 {
        let total = self.total.unwrap_or(ask.at.steps).max(1);
        let (last, steps) = (total as f64 - 1.0, total as f64);
        let low = ask.base / self.div_factor;
        let least = low / self.final_div_factor;
        let up = self.pct_start * steps - 1.0;
        let phases: &[(f64, f64, f64)] = match self.three_phase {
            true => &[
                (up, low, ask.base),
                (2.0 * self.pct_start * steps - 2.0, ask.base, low),
                (last, low, least),
            ],
            false => &[(up, low, ask.base), (last, ask.base, least)],
        };
        let step = (ask.time as f64).min(last);
        let mut from = 0.0;
        for (i, &(to, start, end)) in phases.iter().enumerate() {
            if step <= to || i + 1 == phases.len() {
                // A training of one or two steps has no room for a phase.
                let done = if to > from {
                    (step - from) / (to - from)
                } else {
                    1.0
                };
                return match self.linear {
                    true => (end - start) * done + start,
                    false => end + (start - end) / 2.0 * ((PI * done).cos() + 1.0),
                };
            }
            from = to;
        }
        least
    }

    fn check(&self) -> Result<()> {
        schema::validate("OneCycle", self)
    }
}
