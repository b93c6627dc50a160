//! Benchmarks the variants of a step: on the same drawn inputs, compares their bits and then their
//! times.

use std::time::{Duration, Instant};

use crate::exec::gpu::compile::prepare::PreparedDispatch;
use crate::exec::gpu::device::GpuDevice;
use crate::exec::gpu::executor::get;
use crate::exec::gpu::memory::Transfer;
use crate::exec::gpu::memory::buffers::Buffers;
use crate::exec::gpu::submit;
use crate::exec::timeline::median;
use crate::exec::{Counters, Program};
use crate::plan::{BufferId, BufferRole, Step};
use crate::random::Stream;
use crate::{DType, Result};

/// A measurement repeats the step until it takes this long, so that the overhead of a submission is
/// negligible.
const MIN_MEASUREMENT: Duration = Duration::from_millis(2);

/// The largest number of repeats of a step in a measurement.
const MAX_REPEATS: u32 = 64;

/// The number of measurements of each variant, whose medians are compared.
const MEASUREMENTS: usize = 5;

/// The period of the drawn inputs, in elements: a prime, so that rows differ.
const DRAWN_PERIOD: usize = 4093;

/// The result of a benchmark.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::exec::gpu) enum Measured {
    /// The candidate gave different bits than the variant in use.
    Differs,
    /// Both gave the same bits, in these times.
    Times { used: Duration, candidate: Duration },
}

/// Runs steps between two runs of the program, when all the slots that they write are dead. No run
/// may be in flight.
pub(in crate::exec::gpu) struct Benchmark<'a> {
    pub(in crate::exec::gpu) device: &'a GpuDevice,
    pub(in crate::exec::gpu) program: &'a Program,
    pub(in crate::exec::gpu) buffers: &'a Buffers,
    pub(in crate::exec::gpu) transfer: &'a mut Transfer,
    pub(in crate::exec::gpu) counters: &'a mut Counters,
}

impl Benchmark<'_> {
    /// Compares the bits of a candidate with those of the dispatches in use and, if they agree, the
    /// times.
    pub(in crate::exec::gpu) fn compare(
        &mut self,
        plan: usize,
        step: &Step,
        used: &[PreparedDispatch],
        candidate: &[PreparedDispatch],
    ) -> Result<Measured> {
        if !self.gives_same_bits(plan, step, used, candidate)? {
            return Ok(Measured::Differs);
        }
        let once = self.time(used, 1)?.max(Duration::from_nanos(1));
        let repeats = MIN_MEASUREMENT.as_nanos() / once.as_nanos();
        let repeats = u32::try_from(repeats)
            .unwrap_or(MAX_REPEATS)
            .clamp(1, MAX_REPEATS);
        let mut times = [[Duration::ZERO; MEASUREMENTS]; 2];
        for i in 0..MEASUREMENTS {
            for (times, dispatches) in times.iter_mut().zip([used, candidate]) {
                times[i] = self.time(dispatches, repeats)? / repeats;
            }
        }
        let [used, candidate] = times.map(|mut times| median(&mut times));
        Ok(Measured::Times { used, candidate })
    }

    /// Returns whether both give the same bits on the same drawn inputs.
    pub(in crate::exec::gpu) fn gives_same_bits(
        &mut self,
        plan: usize,
        step: &Step,
        used: &[PreparedDispatch],
        candidate: &[PreparedDispatch],
    ) -> Result<bool> {
        self.draw(plan, step)?;
        let want = self.outputs(plan, step, used)?;
        Ok(self.outputs(plan, step, candidate)? == want)
    }

    /// Fills the step's inputs that are dead between runs: floats between -1 and 1, and integers of
    /// 0 and 1, which are valid labels and masks.
    fn draw(&mut self, plan: usize, step: &Step) -> Result<()> {
        let planned = get(&self.program.plans, plan, "plan")?;
        for (id, slot) in &step.reads {
            let BufferId::Local(at) = slot.buffer else {
                continue;
            };
            let role = planned.buffers.get(at).map(|b| b.role);
            if !matches!(role, Some(BufferRole::Activations | BufferRole::Gradients)) {
                continue;
            }
            let Some(node) = planned.graph.nodes().get(id.index()) else {
                continue;
            };
            let drawn = drawn(node.meta.dtype, node.meta.shape.len(), u64::from(id.0));
            self.transfer.write_elements(
                (self.device, self.buffers, self.counters),
                (plan, *slot),
                node.meta.dtype,
                &drawn,
            )?;
        }
        Ok(())
    }

    /// Returns the outputs of a step. They are filled with a pattern first, so that elements that
    /// are not written are detected.
    fn outputs(
        &mut self,
        plan: usize,
        step: &Step,
        dispatches: &[PreparedDispatch],
    ) -> Result<Vec<Vec<u32>>> {
        let planned = get(&self.program.plans, plan, "plan")?;
        let metas = step.writes.iter().filter_map(|(id, slot)| {
            let node = planned.graph.nodes().get(id.index())?;
            Some((*slot, node.meta.dtype, node.meta.shape.len()))
        });
        let metas: Vec<_> = metas.collect();
        for (slot, dtype, len) in &metas {
            self.transfer.write_elements(
                (self.device, self.buffers, self.counters),
                (plan, *slot),
                *dtype,
                &vec![0x7777_7777; *len],
            )?;
        }
        self.time(dispatches, 1)?;
        let read = metas.iter().map(|(slot, dtype, len)| {
            self.transfer
                .read_elements((self.device, self.buffers), (plan, *slot), *dtype, *len)
        });
        read.collect()
    }

    /// Runs a step `repeats` times and waits. Returns the elapsed time.
    fn time(&self, dispatches: &[PreparedDispatch], repeats: u32) -> Result<Duration> {
        self.device.check()?;
        let lock = self.device.submit_lock();
        let start = Instant::now();
        let after = self.device.guarded("tuning", 0, |d| {
            let mut encoder = d.create_command_encoder(&Default::default());
            for _ in 0..repeats {
                submit::encode_dispatches(&mut encoder, dispatches, None);
            }
            self.device.wgpu().1.submit([encoder.finish()])
        });
        drop(lock);
        self.device.poll(Some(&after?))?;
        Ok(start.elapsed())
    }
}

fn drawn(dtype: DType, len: usize, seed: u64) -> Vec<u32> {
    let mut random = Stream::new(seed);
    let mut number = || match dtype {
        // A half-precision value in a word of its own is stored as the equal `f32`.
        DType::F16 | DType::Bf16 => (random.below(257) as f32 / 128.0 - 1.0).to_bits(),
        DType::F32 => (2.0 * random.uniform() - 1.0).to_bits(),
        DType::I32 | DType::U32 | DType::Bool => random.below(2),
    };
    let some: Vec<u32> = (0..len.min(DRAWN_PERIOD)).map(|_| number()).collect();
    some.iter().cycle().take(len).copied().collect()
}
