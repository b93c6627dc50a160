//! Rates that rise or fall along a line or a power of one.

use super::Schedule;
use super::recursion::{Recursion, Rule};

impl Schedule {
    /// In a straight line from `start` times the optimizer's rate, above 0, to `end` times it at the time
    /// `total`; PyTorch's `LinearLR`.
    pub fn linear(start: f64, end: f64, total: u64) -> Self {
        Recursion::schedule(Linear {
            start,
            end,
            total: total.max(1),
        })
    }

    /// `base (1 - time / total)^power`, and 0 from `total` on; PyTorch's `PolynomialLR`.
    pub fn polynomial(total: u64, power: f64) -> Self {
        Recursion::schedule(Polynomial {
            total: total.max(1),
            power,
        })
    }
}

struct Linear {
    start: f64,
    end: f64,
    total: u64,
}

impl Rule for Linear {
    fn first(&self, base: f64, restarted: bool) -> f64 {
        match restarted {
            true => base * (self.start + (self.end - self.start) * 0.0 / self.total as f64),
            false => base * self.start,
        }
    }
    fn next(&self, _: f64, last: f64, time: u64) -> f64 {
        if time > self.total {
            return last;
        }
        let rise = self.end - self.start;
        let now = self.total as f64 * self.start + (time as f64 - 1.0) * rise;
        last * (1.0 + rise / now)
    }
}

struct Polynomial {
    total: u64,
    power: f64,
}

impl Rule for Polynomial {
    fn first(&self, base: f64, _: bool) -> f64 {
        base
    }
    fn next(&self, _: f64, last: f64, time: u64) -> f64 {
        if time > self.total {
            return last;
        }
        let left = |time: u64| 1.0 - time as f64 / self.total as f64;
        last * (left(time) / left(time - 1)).powf(self.power)
    }
}
