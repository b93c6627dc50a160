//! Results of runs on their way back.
//!
//! Each run copies its results behind the others into the open buffer. A buffer is closed, and asked
//! to be mapped, when it is full or when no other is under way: so results are no later than the
//! device is behind, and a fast device shares one mapping among many runs. Mapping is also how the
//! end of a run, and the loss of a device, is seen; so a run without results copies one word.

use std::collections::VecDeque;
use std::time::Instant;

use crate::exec::{Counters, RunResult};
use crate::{Error, Result};

use super::budget::Budget;
use super::buffers::allocate;
use super::device::GpuDevice;
use super::fetch::word;
use super::upload::MapState;

/// Runs that share a buffer.
const RUNS: usize = 16;

/// Closed buffers under way. Past that a run waits, so that a long loop queues only so much.
const UNDER_WAY: usize = 3;

/// Runs that share a buffer.
struct Group {
    buffer: wgpu::Buffer,
    state: MapState,
    /// Number and plan of each run.
    runs: Vec<(u64, usize)>,
    /// When its first run was submitted.
    opened: Instant,
    /// The submission of its last run.
    after: Option<wgpu::SubmissionIndex>,
}

/// The ring of buffers.
pub(super) struct Readback {
    free: Vec<Group>,
    open: Option<Group>,
    /// Closed, oldest first.
    under_way: VecDeque<Group>,
    /// Bytes a run takes in a buffer.
    stride: u64,
    /// By plan: where the words of each result lie behind the run's start, and how many.
    places: Vec<Vec<(u64, usize)>>,
    arrived: Vec<RunResult>,
    /// When the group before was seen to end.
    last_end: Instant,
}

impl Readback {
    /// `places` are, by plan, byte offset and words of each result.
    pub(super) fn new(
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
        let bytes = stride.saturating_mul(RUNS as u64);
        let now = Instant::now();
        let free = (0..UNDER_WAY + 1).map(|_| {
            Ok(Group {
                buffer: allocate(device, counters, "results under way", bytes, usage, false)?,
                state: MapState::mapped(),
                runs: Vec::with_capacity(RUNS),
                opened: now,
                after: None,
            })
        });
        Ok(Readback {
            free: free.collect::<Result<_>>()?,
            open: None,
            under_way: VecDeque::with_capacity(UNDER_WAY),
            stride,
            places,
            arrived: Vec::new(),
            last_end: now,
        })
    }

    /// Whether the next run finds room without waiting.
    pub(super) fn has_room(&self) -> bool {
        let ended = self.under_way.front().is_some_and(|g| g.state.is_settled());
        self.open.is_some() || !self.free.is_empty() || ended
    }

    /// Where the next run's results go. Waits where too much is under way.
    pub(super) fn place(
        &mut self,
        device: &GpuDevice,
        budgets: &mut [Budget],
    ) -> Result<(&wgpu::Buffer, u64)> {
        if self.open.is_none() {
            if self.free.is_empty() {
                self.finish_oldest(device, budgets)?;
            }
            self.open = self.free.pop();
        }
        let none = || Error::internal("the readback ring", "no buffer is free");
        let group = self.open.as_ref().ok_or_else(none)?;
        Ok((&group.buffer, group.runs.len() as u64 * self.stride))
    }

    /// The run that was given the last place was submitted. At most `most` runs share a buffer.
    pub(super) fn submitted(
        &mut self,
        device: &GpuDevice,
        (run, plan): (u64, usize),
        after: wgpu::SubmissionIndex,
        most: usize,
    ) -> Result<()> {
        let Some(group) = &mut self.open else {
            return Ok(());
        };
        if group.runs.is_empty() {
            group.opened = Instant::now();
        }
        group.runs.push((run, plan));
        group.after = Some(after);
        if group.runs.len() >= most.min(RUNS) || self.under_way.is_empty() {
            self.close(device)?;
        }
        Ok(())
    }

    /// Sends the open buffer on its way.
    fn close(&mut self, device: &GpuDevice) -> Result<()> {
        let used = self.open.take_if(|group| !group.runs.is_empty());
        if let Some(group) = used {
            let bytes = group.runs.len() as u64 * self.stride;
            let ask = |_: &_| group.state.ask(&group.buffer, wgpu::MapMode::Read, bytes);
            let asked = device.guarded("results", 0, ask);
            self.under_way.push_back(group);
            asked?;
        }
        Ok(())
    }

    /// Takes in what has arrived; with `wait`, all runs so far.
    pub(super) fn collect(
        &mut self,
        device: &GpuDevice,
        budgets: &mut [Budget],
        wait: bool,
    ) -> Result<()> {
        if wait {
            self.close(device)?;
        }
        while self
            .under_way
            .front()
            .is_some_and(|g| wait || g.state.is_settled())
        {
            self.finish_oldest(device, budgets)?;
        }
        if self.under_way.is_empty() {
            self.close(device)?;
        }
        Ok(())
    }

    /// The results that have arrived since the last call.
    pub(super) fn take(&mut self) -> Vec<RunResult> {
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

    /// Shares the time of a group among its runs, in proportion to what they are thought to take.
    fn time(&mut self, group: &Group, budgets: &mut [Budget]) {
        let now = Instant::now();
        let time = now.duration_since(group.opened.max(self.last_end));
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
