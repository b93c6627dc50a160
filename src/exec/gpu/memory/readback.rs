//! The readback of the results of runs.
//!
//! The runs of a submission copy their results one after the other into its buffer, which is mapped
//! when the submission has finished. The mapping also signals the end of a run and the loss of a
//! device, so a run without results copies one word.

use std::collections::VecDeque;
use std::time::Instant;

use crate::exec::{Counters, RunResult};
use crate::{Error, Result};

use crate::exec::gpu::device::GpuDevice;
use crate::exec::gpu::memory::buffers::allocate;
use crate::exec::gpu::memory::fetch::word;
use crate::exec::gpu::memory::upload::MapState;
use crate::exec::gpu::submit::budget::Budget;

/// The largest number of runs that share a submission.
pub(in crate::exec::gpu) const MAX_RUNS_PER_SUBMISSION: usize = 16;

/// The largest number of submissions in flight. Beyond it a run waits, so that a long loop queues a
/// bounded amount of work.
const MAX_SUBMISSIONS: usize = 3;

/// Runs that share a submission.
struct Group {
    buffer: wgpu::Buffer,
    state: MapState,
    /// The number and the plan of each run.
    runs: Vec<(u64, usize)>,
    /// The time of the submission.
    sent: Instant,
    after: Option<wgpu::SubmissionIndex>,
}

/// The ring of readback buffers.
pub(in crate::exec::gpu) struct Readback {
    free: Vec<Group>,
    /// The group that is being recorded.
    open: Option<Group>,
    /// The submitted groups, the oldest first.
    under_way: VecDeque<Group>,
    /// The bytes of a run in a buffer.
    stride: u64,
    /// By plan: the offset of each result relative to the run's start, and the number of its words.
    places: Vec<Vec<(u64, usize)>>,
    arrived: Vec<RunResult>,
    /// The time at which the previous group was seen to end.
    last_end: Instant,
}

impl Readback {
    /// Creates the ring. `places` are the byte offset and the number of words of each result, by
    /// plan.
    pub(in crate::exec::gpu) fn new(
        device: &GpuDevice,
        counters: &mut Counters,
        places: Vec<Vec<(u64, usize)>>,
    ) -> Result<Self> {
        let ends = places
            .iter()
            .flatten()
            .map(|(at, words)| at + *words as u64 * 4);
        let stride = ends.max().unwrap_or(0).max(4).next_multiple_of(8);
        let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
        let bytes = stride.saturating_mul(MAX_RUNS_PER_SUBMISSION as u64);
        let now = Instant::now();
        let free = (0..MAX_SUBMISSIONS + 1).map(|_| {
            Ok(Group {
                buffer: allocate(device, counters, "readback of results", bytes, usage, false)?,
                state: MapState::mapped(),
                runs: Vec::with_capacity(MAX_RUNS_PER_SUBMISSION),
                sent: now,
                after: None,
            })
        });
        Ok(Readback {
            free: free.collect::<Result<_>>()?,
            open: None,
            under_way: VecDeque::with_capacity(MAX_SUBMISSIONS),
            stride,
            places,
            arrived: Vec::new(),
            last_end: now,
        })
    }

    /// Returns whether there is room for the next run without waiting.
    pub(in crate::exec::gpu) fn has_room(&self) -> bool {
        let ended = self.under_way.front().is_some_and(|g| g.state.is_settled());
        self.open.is_some() || !self.free.is_empty() || ended
    }

    /// Returns whether no submission is in flight.
    pub(in crate::exec::gpu) fn is_idle(&self) -> bool {
        self.under_way.is_empty()
    }

    /// Makes room for the next run, and waits if too many submissions are in flight. Returns the
    /// number of recorded runs.
    pub(in crate::exec::gpu) fn room(
        &mut self,
        device: &GpuDevice,
        budgets: &mut [Budget],
    ) -> Result<usize> {
        if self.open.is_none() {
            if self.free.is_empty() {
                self.finish_oldest(device, budgets)?;
            }
            self.open = self.free.pop();
        }
        Ok(self.recorded_runs())
    }

    /// Returns the number of runs that are recorded but not submitted.
    pub(in crate::exec::gpu) fn recorded_runs(&self) -> usize {
        self.open.as_ref().map_or(0, |group| group.runs.len())
    }

    /// Returns the buffer and offset for the next run's results. There must be room for it.
    pub(in crate::exec::gpu) fn place(&self) -> Result<(&wgpu::Buffer, u64)> {
        let none = || Error::internal("the readback ring", "no buffer is free");
        let group = self.open.as_ref().ok_or_else(none)?;
        Ok((&group.buffer, group.runs.len() as u64 * self.stride))
    }

    /// Notes that the run with the last place is recorded. Returns the number of recorded runs.
    pub(in crate::exec::gpu) fn recorded(&mut self, (run, plan): (u64, usize)) -> usize {
        let Some(group) = &mut self.open else {
            return 0;
        };
        group.runs.push((run, plan));
        group.runs.len()
    }

    /// Notes that the recorded group is in flight as submission `after`. Without a submission, it
    /// failed and is dropped.
    pub(in crate::exec::gpu) fn submitted(
        &mut self,
        device: &GpuDevice,
        after: Option<wgpu::SubmissionIndex>,
    ) -> Result<()> {
        let Some(mut group) = self.open.take() else {
            return Ok(());
        };
        if after.is_none() {
            group.runs.clear();
            self.free.push(group);
            return Ok(());
        }
        group.sent = Instant::now();
        group.after = after;
        let bytes = group.runs.len() as u64 * self.stride;
        let ask = |_: &_| group.state.ask(&group.buffer, wgpu::MapMode::Read, bytes);
        let asked = device.guarded("results", 0, ask);
        self.under_way.push_back(group);
        asked
    }

    /// Collects the results that have arrived; with `wait`, those of all submissions in flight.
    pub(in crate::exec::gpu) fn collect(
        &mut self,
        device: &GpuDevice,
        budgets: &mut [Budget],
        wait: bool,
    ) -> Result<()> {
        while self
            .under_way
            .front()
            .is_some_and(|g| wait || g.state.is_settled())
        {
            self.finish_oldest(device, budgets)?;
        }
        Ok(())
    }

    /// Returns the results that have arrived since the last call.
    pub(in crate::exec::gpu) fn take(&mut self) -> Vec<RunResult> {
        std::mem::take(&mut self.arrived)
    }

    fn finish_oldest(&mut self, device: &GpuDevice, budgets: &mut [Budget]) -> Result<()> {
        let Some(mut group) = self.under_way.pop_front() else {
            return Ok(());
        };
        group.state.wait(device, group.after.as_ref())?;
        self.read(device, &group)?;
        device.guarded("results", 0, |_| group.buffer.unmap())?;
        self.time(&group, budgets);
        group.runs.clear();
        group.after = None;
        self.free.push(group);
        Ok(())
    }

    fn read(&mut self, device: &GpuDevice, group: &Group) -> Result<()> {
        let bytes = group.runs.len() as u64 * self.stride;
        let view = match group.buffer.get_mapped_range(..bytes) {
            Ok(view) => view,
            Err(error) => return Err(device.lost(&error.to_string())),
        };
        for (&(run, plan), data) in group.runs.iter().zip(view.chunks(self.stride as usize)) {
            let places = self.places.get(plan).map_or(&[][..], |p| p);
            let words = places.iter().flat_map(|&(at, words)| {
                let data = data.get(at as usize..).unwrap_or(&[]);
                data.chunks_exact(4).take(words).map(word)
            });
            self.arrived.push(RunResult {
                run,
                plan,
                words: words.collect(),
            });
        }
        Ok(())
    }

    /// Divides the time of a group among its runs, in proportion to their estimated times.
    fn time(&mut self, group: &Group, budgets: &mut [Budget]) {
        let now = Instant::now();
        let time = now.duration_since(group.sent.max(self.last_end));
        self.last_end = now;
        let guess = |plan: usize| budgets.get(plan).map_or(0.0, Budget::seconds).max(1e-9);
        let guesses: Vec<f64> = group.runs.iter().map(|&(_, plan)| guess(plan)).collect();
        let total: f64 = guesses.iter().sum();
        for (&(_, plan), guess) in group.runs.iter().zip(guesses) {
            if let Some(budget) = budgets.get_mut(plan) {
                budget.observe(time.mul_f64(guess / total));
            }
        }
    }
}
