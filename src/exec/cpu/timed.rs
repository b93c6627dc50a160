//! A run with timed steps.

use std::time::Instant;

use crate::Result;
use crate::exec::timeline::Stopwatch;
use crate::exec::{Clock, HostPhase, Span, Timeline};

use super::{CpuExecutor, spin_wait};

impl CpuExecutor {
    /// See [`Executor::run_timed`](crate::exec::Executor::run_timed). The clock is read once per
    /// step.
    pub(super) fn timed(&mut self, plan: usize, inputs: &[&[u32]]) -> Result<Timeline> {
        let mut watch = Stopwatch::start();
        self.take_inputs(plan, inputs)?;
        watch.lap(HostPhase::Upload);
        let prepared = &self.plans[plan];
        let (memory, registers) = (&mut self.memory, self.registers.as_mut_slice());
        let mut spans = Vec::with_capacity(prepared.ends.len());
        let began: Instant = watch.began;
        let mut steps = || {
            let mut from = 0;
            let mut last = began.elapsed();
            for &end in &prepared.ends {
                for part in prepared.steps.get(from..end).unwrap_or(&[]) {
                    part.run(memory, registers);
                }
                from = end;
                let now = began.elapsed();
                spans.push(Span::between(last, now));
                last = now;
            }
        };
        match prepared.parallel && rayon::current_num_threads() > 1 {
            true => spin_wait::in_pool(prepared.flops, steps),
            false => steps(),
        }
        watch.lap(HostPhase::Run);
        self.hand_back(plan)?;
        watch.lap(HostPhase::Results);
        Ok(Timeline {
            clock: Clock::Wall {
                why: "the device is the host".to_string(),
            },
            steps: spans,
            host: watch.host,
        })
    }
}
