//! When the parts of one run happened.

use std::fmt;
use std::time::{Duration, Instant};

/// How the steps of a run are to be timed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Timing {
    /// By the device's own clock where it has one whose times make sense, else by the computer's.
    #[default]
    Best,
    /// By the computer's clock, whatever the device has.
    WallClock,
}

/// Which clock timed the steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Clock {
    /// The device's timestamps, one before and one after each step.
    Timestamps,
    /// The computer's clock, read before and after each step. On a GPU each step was a submission that was
    /// waited for, so its time is too long by what that costs.
    Wall {
        /// Why not the device's.
        why: String,
    },
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Clock::Timestamps => f.write_str("the device's timestamps"),
            Clock::Wall { why } => write!(f, "the computer's clock ({why})"),
        }
    }
}

/// What the computer does for a run, besides the steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HostPhase {
    /// The batch's rows are gathered.
    Batch,
    /// The inputs are handed over.
    Upload,
    /// Commands are written.
    Encode,
    /// Commands are handed to the driver.
    Submit,
    /// The steps run: the computer waits for a GPU, or does them itself.
    Run,
    /// The results are fetched.
    Results,
}

impl HostPhase {
    /// All of them, in the order in which they happen.
    pub const ALL: [HostPhase; 6] = [
        HostPhase::Batch,
        HostPhase::Upload,
        HostPhase::Encode,
        HostPhase::Submit,
        HostPhase::Run,
        HostPhase::Results,
    ];

    /// Its name in a trace.
    pub fn name(self) -> &'static str {
        match self {
            HostPhase::Batch => "batch",
            HostPhase::Upload => "upload",
            HostPhase::Encode => "encode",
            HostPhase::Submit => "submit",
            HostPhase::Run => "run",
            HostPhase::Results => "results",
        }
    }
}

/// A stretch of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// When it begins, counted from the run's start.
    pub start: Duration,
    /// How long it is.
    pub length: Duration,
}

impl Span {
    /// From `start` to `end`; empty where they are the wrong way round.
    pub fn between(start: Duration, end: Duration) -> Self {
        Span {
            start,
            length: end.saturating_sub(start),
        }
    }

    /// When it ends.
    pub fn end(self) -> Duration {
        self.start + self.length
    }
}

/// When the parts of one run happened.
///
/// Invariant: steps follow each other and do not overlap, nor do the computer's phases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeline {
    /// Which clock timed the steps. Where it was the device's, its times are laid between the submission and
    /// the end of the wait: how the two clocks stand to each other is not known.
    pub clock: Clock,
    /// By step of the plan.
    pub steps: Vec<Span>,
    /// What the computer did, in order; a phase may come several times.
    pub host: Vec<(HostPhase, Span)>,
}

impl Timeline {
    /// The time of each of the computer's phases, in the order of [`HostPhase::ALL`], without the steps that
    /// ran meanwhile. With the steps they add up to the run.
    pub fn outside(&self) -> [(HostPhase, Duration); HostPhase::ALL.len()] {
        let mut left = HostPhase::ALL.map(|phase| {
            let spans = self.host.iter().filter(|(p, _)| *p == phase);
            (phase, spans.map(|(_, span)| span.length).sum::<Duration>())
        });
        let mut steps: Duration = self.steps.iter().map(|span| span.length).sum();
        // Steps run while they are waited for; a quick device may begin while commands are handed over.
        for phase in [HostPhase::Run, HostPhase::Submit] {
            for (_, length) in left.iter_mut().filter(|(p, _)| *p == phase) {
                let taken = steps.min(*length);
                *length -= taken;
                steps -= taken;
            }
        }
        left
    }
}

/// The spans of the computer's phases, written down as they end.
pub(super) struct Stopwatch {
    pub began: Instant,
    last: Duration,
    pub host: Vec<(HostPhase, Span)>,
}

impl Stopwatch {
    pub fn start() -> Self {
        Stopwatch {
            began: Instant::now(),
            last: Duration::ZERO,
            host: Vec::new(),
        }
    }

    /// The time since the last lap was this phase's.
    pub fn lap(&mut self, phase: HostPhase) -> Span {
        let now = self.began.elapsed();
        let span = Span::between(self.last, now);
        self.host.push((phase, span));
        self.last = now;
        span
    }
}

/// The median of some durations; of an even number, the mean of the middle two. Zero for none.
pub(crate) fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    let at = |i: usize| times.get(i).copied().unwrap_or_default();
    (at(times.len().saturating_sub(1) / 2) + at(times.len() / 2)) / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start: u64, end: u64) -> Span {
        Span::between(Duration::from_micros(start), Duration::from_micros(end))
    }

    #[test]
    fn what_is_outside_adds_up_with_the_steps() {
        let timeline = Timeline {
            clock: Clock::Timestamps,
            steps: vec![span(25, 40), span(42, 70)],
            host: vec![
                (HostPhase::Upload, span(0, 10)),
                (HostPhase::Encode, span(10, 20)),
                (HostPhase::Submit, span(20, 30)),
                (HostPhase::Run, span(30, 72)),
                (HostPhase::Results, span(72, 75)),
            ],
        };
        let micros = timeline.outside().map(|(_, t)| t.as_micros());
        // 43 of the steps; 42 of them while the computer waits.
        assert_eq!(micros, [0, 10, 10, 9, 0, 3]);
        assert_eq!(micros.iter().sum::<u128>() + 43, 75);
    }

    #[test]
    fn a_span_that_ends_before_it_begins_is_empty() {
        assert_eq!(span(5, 3).length, Duration::ZERO);
        assert_eq!(span(5, 3).end(), Duration::from_micros(5));
    }

    #[test]
    fn the_median_is_the_middle() {
        let of = |times: &[u64]| {
            let mut times: Vec<_> = times.iter().map(|t| Duration::from_nanos(*t)).collect();
            median(&mut times)
        };
        assert_eq!(of(&[5, 1, 9]), Duration::from_nanos(5));
        assert_eq!(of(&[4, 1, 9, 8]), Duration::from_nanos(6));
        assert_eq!(of(&[]), Duration::ZERO);
    }
}
