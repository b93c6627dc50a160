//! The rate up to its largest and down to almost nothing, once.

use std::f64::consts::PI;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Ask, Curve, Schedule, Settings, Unit};
use crate::Result;
use crate::schema::{self, range};

/// One cycle over the whole training (Smith and Topin, "Super-convergence", 2018), counted in steps: from
/// the optimizer's rate by [`div_factor`](OneCycle::div_factor) up to that rate, and down to the first by
/// [`final_div_factor`](OneCycle::final_div_factor). PyTorch's `OneCycleLR`, whose `max_lr` is the
/// optimizer's rate here, and which leaves the momentum alone (`cycle_momentum=False`).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct OneCycle {
    /// The share of the steps in which the rate rises.
    #[schemars(with = "range::Share")]
    pct_start: f64,
    /// The optimizer's rate over the first one.
    #[schemars(with = "range::Positive")]
    div_factor: f64,
    /// The first rate over the last one.
    #[schemars(with = "range::Positive")]
    final_div_factor: f64,
    /// Whether the rate moves along straight lines instead of cosines.
    linear: bool,
    /// Whether it comes down to the first rate as fast as it went up, and then to the last one.
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
    /// With PyTorch's settings: up for 30 % of the steps from a 25th of the rate, down to a 10,000th of that,
    /// along cosines.
    pub fn new() -> Self {
        OneCycle::default()
    }

    /// The share of the steps in which the rate rises, above 0 and below 1.
    pub fn pct_start(self, pct_start: f64) -> Self {
        OneCycle { pct_start, ..self }
    }

    /// The optimizer's rate over the first one.
    pub fn div_factor(self, div_factor: f64) -> Self {
        OneCycle { div_factor, ..self }
    }

    /// The first rate over the last one.
    pub fn final_div_factor(self, final_div_factor: f64) -> Self {
        OneCycle {
            final_div_factor,
            ..self
        }
    }

    /// Along straight lines instead of cosines.
    pub fn linear(self, linear: bool) -> Self {
        OneCycle { linear, ..self }
    }

    /// Down to the first rate as fast as up, and then to the last one.
    pub fn three_phase(self, three_phase: bool) -> Self {
        OneCycle {
            three_phase,
            ..self
        }
    }

    /// So many steps instead of the whole training; later ones have the last rate.
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
                // A training of a step or two has no room for a phase.
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
