//! Sequences of schedules, and warm-up.

use super::{Ask, Curve, Progress, Schedule, require};
use crate::Result;

/// Returns the rest of a training after the given number of steps.
fn after<'a>(at: &Progress<'a>, steps: u64) -> Progress<'a> {
    let epochs = usize::try_from(steps.div_ceil(at.per_epoch())).unwrap_or(usize::MAX);
    Progress {
        step: at.step.saturating_sub(steps),
        steps: at.steps.saturating_sub(steps),
        values: at.values.get(epochs..).unwrap_or(&[]),
        ..*at
    }
}

/// Schedules with their start times, in order.
pub(super) struct Chain {
    parts: Vec<(u64, Schedule)>,
}

impl Chain {
    pub fn new(parts: Vec<(u64, Schedule)>) -> Self {
        Chain { parts }
    }
}

impl Curve for Chain {
    fn rate(&self, ask: &Ask) -> f64 {
        let begun = self.parts.iter().rposition(|(from, _)| *from <= ask.time);
        let at = begun.unwrap_or(0);
        let Some((from, part)) = self.parts.get(at) else {
            return ask.base;
        };
        let steps = ask.unit.steps(*from, ask.at);
        let mut own = after(ask.at, steps);
        if let Some((next, _)) = self.parts.get(at + 1) {
            // The training of a part ends where the next part starts.
            let next = ask.unit.steps(*next, ask.at);
            own.steps = own.steps.min(next.saturating_sub(steps));
        }
        part.part(ask.base, &own, at > 0 || ask.restarted)
    }

    fn monitor(&self) -> Option<&str> {
        self.parts.iter().find_map(|(_, part)| part.monitor())
    }

    fn check(&self) -> Result<()> {
        self.parts.iter().try_for_each(|(_, part)| part.check())
    }
}

/// A linear increase, followed by another schedule.
pub(super) struct Warmup {
    length: Length,
    then: Schedule,
}

enum Length {
    Steps(u64),
    Epochs(f64),
}

impl Warmup {
    pub fn steps(steps: u64, then: Schedule) -> Self {
        let length = Length::Steps(steps);
        Warmup { length, then }
    }

    pub fn epochs(epochs: f64, then: Schedule) -> Self {
        let length = Length::Epochs(epochs);
        Warmup { length, then }
    }
}

impl Curve for Warmup {
    fn rate(&self, ask: &Ask) -> f64 {
        let steps = match self.length {
            Length::Steps(steps) => steps,
            Length::Epochs(epochs) => (epochs * ask.at.per_epoch() as f64).round() as u64,
        };
        match ask.at.step < steps {
            true => ask.base * (ask.at.step as f64 + 1.0) / steps as f64,
            false => {
                let at = after(ask.at, steps);
                self.then.part(ask.base, &at, ask.restarted || steps > 0)
            }
        }
    }

    fn monitor(&self) -> Option<&str> {
        self.then.monitor()
    }

    fn check(&self) -> Result<()> {
        if let Length::Epochs(epochs) = self.length {
            require("warmup_epochs", epochs, epochs >= 0.0, "at least 0")?;
        }
        self.then.check()
    }
}
