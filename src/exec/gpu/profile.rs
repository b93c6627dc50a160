//! How long each step of a plan takes on the device.

use std::time::{Duration, Instant};

use crate::{Error, Result};

use super::buffers::allocate;
use super::executor::{GpuExecutor, get};
use super::fetch::Fetch;
use super::submit;

/// Steps that share a query set: WebGPU allows 4,096 queries in one, two a step.
const STEPS: usize = 2048;

/// How often a step is timed by the wall clock. The least counts.
const REPEATS: usize = 3;

/// The times of a plan's steps.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// By step.
    pub steps: Vec<Duration>,
    /// Whether the device timed itself. Without, a step's time is that of a submission with a wait:
    /// too long by what those cost, and good for comparing large steps only.
    pub on_device: bool,
}

impl GpuExecutor {
    /// Runs plan `plan` once, each step in a pass of its own, with what lies in its buffers now, and
    /// times the steps. A training step changes the variables here as it does in a run; where the
    /// device cannot time itself, its steps are even run several times. Waits for the device.
    pub fn profile(&mut self, plan: usize) -> Result<Profile> {
        self.device.check()?;
        let steps = get(&self.plans, plan, "plan")?.steps.len();
        if self.device.info().timestamps {
            let mut times = Vec::with_capacity(steps);
            for start in (0..steps).step_by(STEPS) {
                times.extend(self.timestamps(plan, start, (start + STEPS).min(steps))?);
            }
            // Some drivers accept the queries and never write them.
            if times.iter().any(|t| !t.is_zero()) {
                return Ok(Profile {
                    steps: times,
                    on_device: true,
                });
            }
        }
        let times = (0..steps).map(|step| self.wall_clock(plan, step));
        Ok(Profile {
            steps: times.collect::<Result<_>>()?,
            on_device: false,
        })
    }

    fn timestamps(&mut self, plan: usize, start: usize, end: usize) -> Result<Vec<Duration>> {
        let device = self.device.clone();
        let count = (end - start) as u32 * 2;
        let bytes = u64::from(count) * 8;
        let usage = wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC;
        let counters = &mut self.counters;
        let resolved = allocate(&device, counters, "timestamps", bytes, usage, false)?;
        let fetch = Fetch::new(&device, counters, bytes)?;
        let ready = get(&self.plans, plan, "plan")?;
        let turn = device.turn();
        device.guarded("profiling", bytes, |d| {
            let queries = d.create_query_set(&wgpu::QuerySetDescriptor {
                label: Some("steps"),
                ty: wgpu::QueryType::Timestamp,
                count,
            });
            let mut encoder = d.create_command_encoder(&Default::default());
            for (query, step) in (0..).step_by(2).zip(start..end) {
                let times = wgpu::ComputePassTimestampWrites {
                    query_set: &queries,
                    beginning_of_pass_write_index: Some(query),
                    end_of_pass_write_index: Some(query + 1),
                };
                submit::encode(&mut encoder, &ready.steps, step..step + 1, Some(times));
            }
            encoder.resolve_query_set(&queries, 0..count, &resolved, 0);
            device.wgpu().1.submit([encoder.finish()]);
        })?;
        drop(turn);
        let words = fetch.read(&device, &resolved, 0, count as usize * 2)?;
        // Both buffers go with this call.
        self.counters.buffers -= 2;
        self.counters.bytes -= 2 * bytes.max(16).next_multiple_of(16);
        let period = f64::from(device.wgpu().1.get_timestamp_period());
        let ticks = |low: u32, high: u32| u64::from(high) << 32 | u64::from(low);
        let times = words.chunks_exact(4).map(|w| match w {
            // A clock that is set back between the two gives no time rather than a huge one.
            [a, b, c, d] => ticks(*c, *d).saturating_sub(ticks(*a, *b)),
            _ => 0,
        });
        let nanoseconds = times.map(|ticks| (ticks as f64 * period) as u64);
        Ok(nanoseconds.map(Duration::from_nanos).collect())
    }

    fn wall_clock(&mut self, plan: usize, step: usize) -> Result<Duration> {
        let mut least = Duration::MAX;
        for _ in 0..REPEATS {
            let start = Instant::now();
            let after = self.submit_steps(plan, step..step + 1)?;
            self.device.poll(Some(&after))?;
            least = least.min(start.elapsed());
        }
        match least {
            Duration::MAX => Err(Error::internal("profile", "nothing was timed")),
            least => Ok(least),
        }
    }
}
