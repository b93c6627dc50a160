//! Schedules that compute each rate from the last, as PyTorch does.

use std::cell::RefCell;

use super::{Ask, Curve, Schedule, Unit};

/// The recursion of a rate.
pub(super) trait Rule: Send {
    /// Returns the rate at time 0. After another schedule, PyTorch uses the closed form there.
    fn first(&self, base: f64, restarted: bool) -> f64;

    /// Returns the rate at a time above 0.
    fn next(&self, base: f64, last: f64, time: u64) -> f64;
}

/// A rule with a cache of the last rates, so that each step applies the rule once. The rates follow
/// from the rule alone, so they are not part of any state.
pub(super) struct Recursion<R> {
    rule: R,
    known: RefCell<Vec<Known>>,
}

#[derive(Clone, Copy)]
struct Known {
    base: u64,
    restarted: bool,
    time: u64,
    rate: f64,
}

impl<R: Rule + 'static> Recursion<R> {
    pub fn schedule(rule: R) -> Schedule {
        let known = RefCell::new(Vec::new());
        Schedule::of(Recursion { rule, known }, Unit::Epoch)
    }
}

impl<R: Rule> Curve for Recursion<R> {
    fn rate(&self, ask: &Ask) -> f64 {
        let Ask {
            base, restarted, ..
        } = *ask;
        let mut known = self.known.borrow_mut();
        let of = |k: &Known| k.base == base.to_bits() && k.restarted == restarted;
        let found = known.iter().position(of);
        let at = found.unwrap_or_else(|| {
            known.push(Known {
                base: base.to_bits(),
                restarted,
                time: u64::MAX,
                rate: base,
            });
            known.len() - 1
        });
        let Some(k) = known.get_mut(at) else {
            return base;
        };
        if k.time > ask.time {
            (k.time, k.rate) = (0, self.rule.first(base, restarted));
        }
        while k.time < ask.time {
            k.time += 1;
            k.rate = self.rule.next(base, k.rate, k.time);
        }
        k.rate
    }
}
