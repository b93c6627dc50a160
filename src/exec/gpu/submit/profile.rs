//! Runs with timed steps, by timestamps if the device's are plausible, else by the wall clock.

use std::time::Duration;

use crate::Result;
use crate::exec::timeline::Stopwatch;
use crate::exec::{Clock, HostPhase, Span, Timeline, Timing};
use crate::plan::Plan;

use crate::exec::gpu::executor::{GpuExecutor, check_inputs, get};
use crate::exec::gpu::memory::buffers::allocate;
use crate::exec::gpu::memory::fetch::Fetch;
use crate::exec::gpu::submit;

/// The number of steps that share a query set: WebGPU allows 4,096 queries in one, and a step takes
/// two.
const STEPS: usize = 2048;

/// The largest plausible ratio of the device's time to the host's for the same work. Clock rates
/// differ, and the host's clock is read in between.
const MAX_CLOCK_RATIO: f64 = 1.25;

impl GpuExecutor {
    /// See [`Executor::run_timed`](crate::exec::Executor::run_timed). Each step has its own pass
    /// between two timestamps.
    pub(in crate::exec::gpu) fn timed(
        &mut self,
        plan: usize,
        inputs: &[&[u32]],
        timing: Timing,
    ) -> Result<Timeline> {
        let planned = get(&self.program.plans, plan, "plan")?.clone();
        check_inputs(&planned, inputs)?;
        // Earlier runs must not be timed.
        self.collect(true)?;
        let why = match (timing, &self.distrusted) {
            (Timing::WallClock, _) => "as requested".to_string(),
            (Timing::Best, Some(why)) => why.clone(),
            (Timing::Best, None) if !self.device.info().timestamps => {
                "the device has no timestamps".to_string()
            }
            (Timing::Best, None) => return self.by_timestamps(plan, &planned, inputs),
        };
        self.by_wall_clock(plan, &planned, inputs, why)
    }

    /// Uploads the inputs in a separate submission.
    fn hand_over(&mut self, plan: usize, planned: &Plan, inputs: &[&[u32]]) -> Result<()> {
        let Some((target, bytes)) = get(&self.plans, plan, "plan")?.inputs.clone() else {
            return Ok(());
        };
        let parts = planned.inputs.iter().zip(inputs);
        let parts = parts.map(|(port, words)| (port.slot.offset, *words));
        self.inputs.fill(&self.device, 0, parts)?;
        self.inputs.seal(&self.device)?;
        let stage = self.inputs.buffer()?;
        let lock = self.device.submit_lock();
        let after = self.device.guarded("uploading inputs", 0, |d| {
            let mut encoder = d.create_command_encoder(&Default::default());
            encoder.copy_buffer_to_buffer(stage, 0, &target, 0, bytes);
            self.device.wgpu().1.submit([encoder.finish()])
        });
        drop(lock);
        self.inputs
            .submitted(&self.device, after.as_ref().ok().cloned())?;
        self.device.poll(Some(&after?))
    }

    /// Copies the results, and waits for them.
    fn fetch_results(&mut self, plan: usize) -> Result<()> {
        self.readback.room(&self.device, &mut self.budgets)?;
        let (back, at) = self.readback.place()?;
        let prepared = get(&self.plans, plan, "plan")?;
        let lock = self.device.submit_lock();
        let after = self.device.guarded("fetching results", 0, |d| {
            let mut encoder = d.create_command_encoder(&Default::default());
            for copy in &prepared.results {
                copy.encode(&mut encoder, back, at);
            }
            self.device.wgpu().1.submit([encoder.finish()])
        })?;
        drop(lock);
        self.readback.recorded((self.counters.runs, plan));
        self.counters.runs += 1;
        self.readback.submitted(&self.device, Some(after))?;
        // The budget does not count such a run, because it is slower than others.
        self.readback.collect(&self.device, &mut [], true)
    }

    fn by_wall_clock(
        &mut self,
        plan: usize,
        planned: &Plan,
        inputs: &[&[u32]],
        why: String,
    ) -> Result<Timeline> {
        let mut watch = Stopwatch::start();
        self.hand_over(plan, planned, inputs)?;
        watch.lap(HostPhase::Upload);
        let mut steps = Vec::with_capacity(planned.steps.len());
        for step in 0..planned.steps.len() {
            let after = self.submit_steps(plan, step..step + 1)?;
            self.device.poll(Some(&after))?;
            steps.push(watch.lap(HostPhase::Run));
        }
        self.fetch_results(plan)?;
        watch.lap(HostPhase::Results);
        Ok(Timeline {
            clock: Clock::Wall { why },
            steps,
            host: watch.host,
        })
    }

    fn by_timestamps(
        &mut self,
        plan: usize,
        planned: &Plan,
        inputs: &[&[u32]],
    ) -> Result<Timeline> {
        let count = planned.steps.len();
        let bytes = (count as u64 * 16).max(16);
        let device = self.device.clone();
        let before = self.counters;
        let usage = wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC;
        let what = "timestamps";
        let resolved = allocate(&device, &mut self.counters, what, bytes, usage, false)?;
        let fetch = Fetch::new(&device, &mut self.counters, bytes)?;
        // Both buffers are freed at the end of this call.
        self.counters = before;
        let sets: Vec<wgpu::QuerySet> = device.guarded("profiling", bytes, |d| {
            let sizes = (0..count).step_by(STEPS).map(|s| (count - s).min(STEPS));
            let set = |steps: usize| {
                d.create_query_set(&wgpu::QuerySetDescriptor {
                    label: Some("steps"),
                    ty: wgpu::QueryType::Timestamp,
                    count: steps as u32 * 2,
                })
            };
            sizes.map(set).collect()
        })?;

        let mut watch = Stopwatch::start();
        self.hand_over(plan, planned, inputs)?;
        watch.lap(HostPhase::Upload);
        let cuts = match self.budgets.get(plan) {
            Some(budget) => budget.cuts(),
            None => vec![count],
        };
        let prepared = get(&self.plans, plan, "plan")?;
        let lock = device.submit_lock();
        let mut after = None;
        let mut start = 0;
        for end in cuts {
            let encoded = device.guarded("profiling", 0, |d| {
                let mut encoder = d.create_command_encoder(&Default::default());
                for step in start..end {
                    let times = sets.get(step / STEPS).map(|query_set| {
                        let query = (step % STEPS) as u32 * 2;
                        wgpu::ComputePassTimestampWrites {
                            query_set,
                            beginning_of_pass_write_index: Some(query),
                            end_of_pass_write_index: Some(query + 1),
                        }
                    });
                    submit::encode(&mut encoder, &prepared.steps, step..step + 1, times);
                }
                if end == count {
                    for (i, set) in sets.iter().enumerate() {
                        let at = (i * STEPS * 16) as u64;
                        encoder.resolve_query_set(set, 0..set.count(), &resolved, at);
                    }
                }
                encoder.finish()
            })?;
            watch.lap(HostPhase::Encode);
            let submit = |_: &_| device.wgpu().1.submit([encoded]);
            after = Some(device.guarded("profiling", 0, submit)?);
            watch.lap(HostPhase::Submit);
            start = end;
        }
        drop(lock);
        device.poll(after.as_ref())?;
        watch.lap(HostPhase::Run);
        self.fetch_results(plan)?;
        watch.lap(HostPhase::Results);

        let words = fetch.read(&device, &resolved, 0, count * 4)?;
        let period = f64::from(device.wgpu().1.get_timestamp_period());
        let window = window(&watch.host);
        let (clock, steps) = match steps(&words, period, window) {
            Ok(steps) => (Clock::Timestamps, steps),
            // The run has finished, so only the next one can be timed by the wall clock.
            Err(why) => {
                self.distrusted = Some(why.clone());
                (Clock::Wall { why }, Vec::new())
            }
        };
        Ok(Timeline {
            clock,
            steps,
            host: watch.host,
        })
    }
}

/// Returns the interval from the end of the first submission, or at least its start, to the end of
/// the wait.
fn window(host: &[(HostPhase, Span)]) -> Span {
    let mut of = host
        .iter()
        .filter(|(phase, _)| matches!(phase, HostPhase::Submit | HostPhase::Run));
    let start = of.next().map_or(Duration::ZERO, |(_, span)| span.start);
    let end = of.next_back().map_or(start, |(_, span)| span.end());
    Span::between(start, end)
}

/// Converts timestamps (ticks of `period` nanoseconds as pairs of words) to the intervals of the
/// steps, at the end of the window. Returns the reason if they are not plausible.
fn steps(words: &[u32], period: f64, window: Span) -> std::result::Result<Vec<Span>, String> {
    let tick = |pair: &[u32]| match pair {
        [low, high] => u64::from(*high) << 32 | u64::from(*low),
        _ => 0,
    };
    let ticks: Vec<u64> = words.chunks_exact(2).map(tick).collect();
    // Some drivers accept the queries and never write them.
    if !ticks.is_empty() && ticks.iter().all(|t| *t == 0) {
        return Err("the device's timestamps are all zero".to_string());
    }
    if !(period > 0.0 && period.is_finite()) {
        return Err(format!("the device's clock ticks every {period} ns"));
    }
    let first = ticks.first().copied().unwrap_or(0);
    let mut last = first;
    let mut spans = Vec::with_capacity(ticks.len() / 2);
    let time = |tick: u64| Duration::from_nanos(((tick - first) as f64 * period) as u64);
    for (step, pair) in ticks.chunks_exact(2).enumerate() {
        let [begin, end] = [pair[0], pair[1]];
        if begin < first || end < begin {
            let reason = "its clock ran backwards, or was not read";
            return Err(format!(
                "the device's timestamps of step {step} are {begin} and {end} after {first}: {reason}"
            ));
        }
        // Overlapping steps share no time: a step that began before the previous one ended counts
        // from that end.
        let begin = begin.clamp(last, end.max(last));
        last = end.max(last);
        spans.push(Span::between(time(begin), time(last)));
    }
    let total = time(last);
    if total.as_secs_f64() > window.length.as_secs_f64() * MAX_CLOCK_RATIO + 1e-4 {
        return Err(format!(
            "by the device's timestamps the steps took {total:?}, but by the host's clock the whole run took {:?}",
            window.length
        ));
    }
    let shift = window.end().saturating_sub(total);
    for span in &mut spans {
        span.start += shift;
    }
    Ok(spans)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn words(ticks: &[u64]) -> Vec<u32> {
        let word = |t: &u64| [*t as u32, (*t >> 32) as u32];
        ticks.iter().flat_map(word).collect()
    }

    fn nanos(nanos: u64) -> Duration {
        Duration::from_nanos(nanos)
    }

    /// From 1 ms to 2 ms.
    fn millisecond() -> Span {
        Span::between(nanos(1_000_000), nanos(2_000_000))
    }

    #[test]
    fn sane_timestamps_become_spans_at_the_end_of_the_wait() {
        let base = 7 << 32;
        let ticks = [base, base + 100, base + 150, base + 400];
        let spans = steps(&words(&ticks), 2.0, millisecond()).unwrap();
        let end = 2_000_000;
        assert_eq!(
            spans,
            [
                Span::between(nanos(end - 800), nanos(end - 600)),
                Span::between(nanos(end - 500), nanos(end)),
            ]
        );
    }

    #[test]
    fn steps_that_overlap_share_no_time() {
        let ticks = [1000, 1500, 1200, 1400, 1300, 2000];
        let spans = steps(&words(&ticks), 1.0, millisecond()).unwrap();
        let lengths: Vec<u128> = spans.iter().map(|s| s.length.as_nanos()).collect();
        assert_eq!(lengths, [500, 0, 500]);
    }

    #[test]
    fn insane_timestamps_are_refused_with_the_reason() {
        let refused = |ticks: &[u64], period, reason: &str| {
            let error = steps(&words(ticks), period, millisecond()).unwrap_err();
            assert!(error.contains(reason), "{error}");
        };
        refused(&[0, 0, 0, 0], 1.0, "all zero");
        refused(&[5, 9, 12, 11], 1.0, "backwards");
        refused(&[5, 9, 0, 0], 1.0, "not read");
        refused(&[5, 9, 3, 12], 1.0, "ran backwards");
        refused(&[5, 9], 0.0, "ticks every 0 ns");
        refused(&[5, 9], f64::NAN, "ticks every NaN ns");
        // Two seconds within a millisecond.
        refused(&[5, 2_000_000_005], 1.0, "by the host's clock");
        assert_eq!(steps(&[], 1.0, millisecond()), Ok(Vec::new()));
    }
}
