//! Benchmarks a step's variants: on the same drawn inputs it compares their bits, then their times.

use std::time::{Duration, Instant};

use crate::exec::{Counters, Executor, Stepwise};
use crate::plan::{BufferId, BufferRole, Dispatch, Step};
use crate::random::Stream;
use crate::{DType, Error, Result};

use super::buffers::Uniforms;
use super::executor::{GpuExecutor, get};
use super::prepare::{PrepareContext, PreparedDispatch};
use super::submit;
use super::tuner::{Candidate, Measured, Tuner, Tuning};

/// A measurement repeats the step until it takes this long, so that the overhead of a submission does not count.
const MIN_MEASUREMENT: Duration = Duration::from_millis(2);

/// Repeats of a step in one measurement at most.
const MAX_REPEATS: u32 = 64;

/// Measurements of each variant, of which the medians are compared.
const MEASUREMENTS: usize = 5;

/// The drawn inputs repeat after this many elements: a prime, so that rows differ.
const DRAWN_PERIOD: usize = 4093;

impl GpuExecutor {
    /// Benchmarks variants, as far as the tuner's share of the time allows.
    pub(super) fn tune(&mut self) -> Result<()> {
        let start = Instant::now();
        if !self.tuner.is_due(start) {
            return Ok(());
        }
        let mut tuner = std::mem::replace(&mut self.tuner, Tuner::new(Tuning::Off));
        let tried = self.benchmark_next(&mut tuner);
        tuner.spend(start.elapsed());
        self.tuner = tuner;
        tried
    }

    fn benchmark_next(&mut self, tuner: &mut Tuner) -> Result<()> {
        let device = self.device.clone();
        loop {
            let next = tuner.next(&self.program, &device.tuning_cache());
            let Some(candidate) = next else {
                return Ok(());
            };
            self.benchmark(tuner, candidate)?;
            if let Some((cache_key, variant, steps)) = tuner.finished() {
                for (plan, step) in steps {
                    self.use_variant(plan, step, variant)?;
                }
                device.tuning_cache().insert(cache_key, variant);
            }
            if !tuner.is_eager() {
                return Ok(());
            }
        }
    }

    /// Compares a candidate with the variant in use, and uses the candidate where it is faster.
    fn benchmark(&mut self, tuner: &mut Tuner, candidate: Candidate) -> Result<()> {
        let Candidate {
            plan,
            step,
            variant,
        } = candidate;
        // Runs in flight must end first, and must not be measured.
        self.collect(true)?;
        let planned = get(&self.program.plans, plan, "plan")?.clone();
        let of_step = get(&planned.steps, step, "step")?;
        let new = match self.prepared(plan, step, variant) {
            Ok(new) => vec![new],
            // This device cannot run the candidate.
            Err(Error::Limit { .. } | Error::Gpu { .. }) => {
                tuner.note(candidate, Measured::Differs);
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let before = self.variant(plan, step);
        let place = self.plans.get_mut(plan).and_then(|p| p.steps.get_mut(step));
        let used = vec![place.map(std::mem::take).unwrap_or_default()];
        let outcome = self.compare(plan, of_step, &used, &new);
        let better = match &outcome {
            Ok(outcome) => tuner.note(candidate, *outcome),
            Err(_) => false,
        };
        let (kept, which) = if better {
            (new, variant)
        } else {
            (used, before)
        };
        if let Some(prepared) = self.plans.get_mut(plan) {
            prepared.replace(step, kept.into_iter().next().unwrap_or_default(), which);
        }
        let outcome = outcome?;
        let kernels = self.kernels(plan, step, variant);
        log::debug!("{}: {kernels:?}: {outcome:?}", of_step.label);
        if outcome == Measured::Differs {
            let name = self.device.name();
            log::warn!(
                "{name}: {kernels:?} gives different bits than {:?} and is not used",
                self.kernels(plan, step, 0)
            );
        }
        Ok(())
    }

    fn use_variant(&mut self, plan: usize, step: usize, variant: usize) -> Result<()> {
        let dispatches = self.prepared(plan, step, variant)?;
        if let Some(prepared) = self.plans.get_mut(plan) {
            prepared.replace(step, dispatches, variant);
        }
        Ok(())
    }

    /// Prepares a variant of a step.
    fn prepared(&self, plan: usize, step: usize, variant: usize) -> Result<Vec<PreparedDispatch>> {
        let planned = get(&self.program.plans, plan, "plan")?;
        let of_step = get(&planned.steps, step, "step")?;
        let dispatches = get(&of_step.variants, variant, "variant")?;
        self.make(plan, &self.uniforms, dispatches)
    }

    /// Prepares dispatches without counting them in the executor's counters.
    pub(super) fn make(
        &self,
        plan: usize,
        uniforms: &Uniforms,
        dispatches: &[Dispatch],
    ) -> Result<Vec<PreparedDispatch>> {
        let mut cx = PrepareContext {
            device: &self.device,
            buffers: &self.buffers,
            uniforms,
            counters: &mut Counters::default(),
        };
        cx.prepare(plan, &dispatches.iter().collect::<Vec<_>>())
    }

    fn compare(
        &mut self,
        plan: usize,
        step: &Step,
        used: &[Vec<PreparedDispatch>],
        new: &[Vec<PreparedDispatch>],
    ) -> Result<Measured> {
        self.draw(plan, step)?;
        let want = self.outputs(plan, step, used)?;
        if self.outputs(plan, step, new)? != want {
            return Ok(Measured::Differs);
        }
        let once = self.time(used, 1)?.max(Duration::from_nanos(1));
        let repeats = MIN_MEASUREMENT.as_nanos() / once.as_nanos();
        let repeats = u32::try_from(repeats)
            .unwrap_or(MAX_REPEATS)
            .clamp(1, MAX_REPEATS);
        let mut times = [
            Vec::with_capacity(MEASUREMENTS),
            Vec::with_capacity(MEASUREMENTS),
        ];
        for _ in 0..MEASUREMENTS {
            for (times, variant) in times.iter_mut().zip([used, new]) {
                times.push(self.time(variant, repeats)? / repeats);
            }
        }
        let [used, candidate] = times.map(|mut times| {
            times.sort();
            times.get(MEASUREMENTS / 2).copied().unwrap_or_default()
        });
        Ok(Measured::Times { used, candidate })
    }

    /// Fills the step's inputs that are dead between runs: floats between -1 and 1, integers of 0 and 1, which
    /// serve as labels and masks.
    pub(super) fn draw(&mut self, plan: usize, step: &Step) -> Result<()> {
        let planned = get(&self.program.plans, plan, "plan")?.clone();
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
            self.write_elements(plan, *slot, node.meta.dtype, &drawn)?;
        }
        Ok(())
    }

    /// The outputs of a step. They are filled with a pattern first, so that an element that is not written shows.
    pub(super) fn outputs(
        &mut self,
        plan: usize,
        step: &Step,
        variant: &[Vec<PreparedDispatch>],
    ) -> Result<Vec<Vec<u32>>> {
        let planned = get(&self.program.plans, plan, "plan")?.clone();
        let metas = step.writes.iter().filter_map(|(id, slot)| {
            let node = planned.graph.nodes().get(id.index())?;
            Some((*slot, node.meta.dtype, node.meta.shape.len()))
        });
        let metas: Vec<_> = metas.collect();
        for (slot, dtype, len) in &metas {
            self.write_elements(plan, *slot, *dtype, &vec![0x7777_7777; *len])?;
        }
        self.time(variant, 1)?;
        let read = metas
            .iter()
            .map(|(slot, dtype, len)| self.read_elements(plan, *slot, *dtype, *len));
        read.collect()
    }

    /// Runs a step `repeats` times and waits; the time that took.
    fn time(&self, variant: &[Vec<PreparedDispatch>], repeats: u32) -> Result<Duration> {
        self.device.check()?;
        let lock = self.device.submit_lock();
        let start = Instant::now();
        let after = self.device.guarded("tuning", 0, |d| {
            let mut encoder = d.create_command_encoder(&Default::default());
            for _ in 0..repeats {
                submit::encode(&mut encoder, variant, 0..1, None);
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
        // A half-precision value in a word of its own is the `f32` it stands for.
        DType::F16 | DType::Bf16 => (random.below(257) as f32 / 128.0 - 1.0).to_bits(),
        DType::F32 => (2.0 * random.uniform() - 1.0).to_bits(),
        DType::I32 | DType::U32 | DType::Bool => random.below(2),
    };
    let some: Vec<u32> = (0..len.min(DRAWN_PERIOD)).map(|_| number()).collect();
    some.iter().cycle().take(len).copied().collect()
}
