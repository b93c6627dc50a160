//! The timeline of a run: when each part of it happened.

use std::fmt;
use std::time::{Duration, Instant};

/// How the steps of a run are timed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Timing {
    /// By the device's timestamps if they are plausible, else by the host's clock.
    #[default]
    Best,
    /// By the host's clock in any case.
    WallClock,
}

/// The clock that timed the steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Clock {
    /// The device's timestamps, one before and one after each step.
    Timestamps,
    /// The host's clock, read before and after each step. On a GPU, each step is a submission that
    /// is waited for, so its time includes that overhead.
    Wall {
        /// The reason why the device's timestamps were not used.
        why: String,
    },
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Clock::Timestamps => f.write_str("the device's timestamps"),
            Clock::Wall { why } => write!(f, "the host's clock ({why})"),
        }
    }
}

/// The work of the host in a run, apart from the steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HostPhase {
    /// Gathers the rows of the batch.
    Batch,
    /// Uploads the inputs.
    Upload,
    /// Encodes commands.
    Encode,
    /// Submits commands to the driver.
    Submit,
    /// Runs the steps: waits for a GPU, or computes them on the CPU.
    Run,
    /// Reads the results.
    Results,
}

impl HostPhase {
    /// All phases, in the order in which they happen.
    pub const ALL: [HostPhase; 6] = [
        HostPhase::Batch,
        HostPhase::Upload,
        HostPhase::Encode,
        HostPhase::Submit,
        HostPhase::Run,
        HostPhase::Results,
    ];

    /// Returns the name of the phase in a trace.
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

/// An interval of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// The start, relative to the start of the run.
    pub start: Duration,
    /// The length.
    pub length: Duration,
}

impl Span {
    /// Creates the interval from `start` to `end`; empty if `end` precedes `start`.
    pub fn between(start: Duration, end: Duration) -> Self {
        Span {
            start,
            length: end.saturating_sub(start),
        }
    }

    /// Returns the end of the interval.
    pub fn end(self) -> Duration {
        self.start + self.length
    }
}

/// The times of the parts of a run.
///
/// Invariant: steps are in order and do not overlap, and neither do the phases of the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeline {
    /// The clock that timed the steps. The offset between the device's clock and the host's is
    /// unknown, so times of the device are placed between the submission and the end of the wait.
    pub clock: Clock,
    /// The interval of each step of the plan.
    pub steps: Vec<Span>,
    /// The phases of the host, in order; a phase may occur several times.
    pub host: Vec<(HostPhase, Span)>,
}

impl Timeline {
    /// Returns the time of each phase of the host, in the order of [`HostPhase::ALL`], without the
    /// steps that ran meanwhile. Together with the steps, they add up to the run.
    pub fn outside(&self) -> [(HostPhase, Duration); HostPhase::ALL.len()] {
        let mut left = HostPhase::ALL.map(|phase| {
            let spans = self.host.iter().filter(|(p, _)| *p == phase);
            (phase, spans.map(|(_, span)| span.length).sum::<Duration>())
        });
        let mut steps: Duration = self.steps.iter().map(|span| span.length).sum();
        // Steps run while the host waits for them; a fast device may begin while the host submits
        // commands.
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

/// Records the intervals of the host's phases as they end.
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

    /// Adds the time since the last lap to this phase.
    pub fn lap(&mut self, phase: HostPhase) -> Span {
        let now = self.began.elapsed();
        let span = Span::between(self.last, now);
        self.host.push((phase, span));
        self.last = now;
        span
    }
}

/// Returns the median of some durations. For an even number it is the mean of the middle two, for
/// none it is zero.
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
        // The steps take 43 microseconds, 42 of them while the host waits.
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
