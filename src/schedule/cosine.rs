//! Rates along a cosine (Loshchilov and Hutter, "SGDR", 2017).

use std::f64::consts::PI;

use super::recursion::{Recursion, Rule};
use super::{Ask, Curve, Schedule, Unit};

impl Schedule {
    /// From the optimizer's rate down to `floor` along half a cosine, over the whole training, or all of it
    /// that is left after a [warm-up](Schedule::warmup_epochs). It changes each step.
    pub fn cosine(floor: f64) -> Self {
        Schedule::of(Whole { floor }, Unit::Step)
    }

    /// From the optimizer's rate down to `floor` along half a cosine up to the time `period`, and up again
    /// after; PyTorch's `CosineAnnealingLR`.
    pub fn cosine_annealing(period: u64, floor: f64) -> Self {
        let period = period.max(1);
        Recursion::schedule(Annealing { period, floor })
    }

    /// From the optimizer's rate down to `floor` along half a cosine, again and again: the first time takes
    /// `first`, and each `factor` times the one before. PyTorch's `CosineAnnealingWarmRestarts`.
    pub fn cosine_restarts(first: u64, factor: u64, floor: f64) -> Self {
        let restarts = Restarts {
            first: first.max(1),
            factor: factor.max(1),
            floor,
        };
        Schedule::of(restarts, Unit::Epoch)
    }
}

struct Whole {
    floor: f64,
}

impl Curve for Whole {
    fn rate(&self, ask: &Ask) -> f64 {
        let total = (ask.at.steps as f64).max(1.0);
        let done = (ask.at.step as f64 / total).clamp(0.0, 1.0);
        self.floor + (ask.base - self.floor) * 0.5 * (1.0 + (PI * done).cos())
    }
}

struct Annealing {
    period: u64,
    floor: f64,
}

impl Rule for Annealing {
    fn first(&self, base: f64, restarted: bool) -> f64 {
        match restarted {
            true => self.floor + (base - self.floor) * 2.0 / 2.0,
            false => base,
        }
    }
    fn next(&self, base: f64, last: f64, time: u64) -> f64 {
        let (period, floor) = (self.period as f64, self.floor);
        // At the bottom the quotient below would be 0 by 0.
        if time > self.period && (time - 1 - self.period).is_multiple_of(2 * self.period) {
            return last + (base - floor) * (1.0 - (PI / period).cos()) / 2.0;
        }
        let height = |time: u64| 1.0 + (PI * time as f64 / period).cos();
        height(time) / height(time - 1) * (last - floor) + floor
    }
}

struct Restarts {
    first: u64,
    factor: u64,
    floor: f64,
}

impl Curve for Restarts {
    fn rate(&self, ask: &Ask) -> f64 {
        let (mut time, mut period) = (ask.time, self.first);
        if self.factor == 1 {
            time %= period;
        }
        while time >= period {
            time -= period;
            period = period.saturating_mul(self.factor);
        }
        let angle = PI * time as f64 / period as f64;
        self.floor + (ask.base - self.floor) * (1.0 + angle.cos()) / 2.0
    }
}
