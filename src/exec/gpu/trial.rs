//! Trying a step's variants: the same drawn numbers, the bits, the times.

use std::time::{Duration, Instant};

use crate::exec::{Counters, Executor, Stepwise};
use crate::plan::{BufferId, BufferRole, Dispatch, Step};
use crate::random::Stream;
use crate::{DType, Error, Result};

use super::buffers::Uniforms;
use super::executor::{GpuExecutor, get};
use super::prepare::{Prepared, Workshop};
use super::submit;
use super::tuner::{Candidate, Outcome, Tuner, Tuning};

/// A measurement should take so long, so that what is around it does not count...
const LONG: Duration = Duration::from_millis(2);

/// ...but no more than so many times the step.
const REPEATS: u32 = 64;

/// Measurements of each variant; the medians count.
const ROUNDS: usize = 5;

/// Drawn numbers, which repeat after so many: a prime, so that rows differ.
const DRAWN: usize = 4093;

impl GpuExecutor {
    /// Tries variants, as far as it is time for that.
    pub(super) fn tune(&mut self) -> Result<()> {
        let start = Instant::now();
        if !self.tuner.is_due(start) {
            return Ok(());
        }
        let mut tuner = std::mem::replace(&mut self.tuner, Tuner::new(Tuning::Off));
        let tried = self.try_next(&mut tuner);
        tuner.spend(start.elapsed());
        self.tuner = tuner;
        tried
    }

    fn try_next(&mut self, tuner: &mut Tuner) -> Result<()> {
        let device = self.device.clone();
        loop {
            let next = tuner.next(&self.program, &device.tuning_cache());
            let Some(candidate) = next else {
                return Ok(());
            };
            self.try_out(tuner, candidate)?;
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

    /// Compares a candidate with the variant in use, and uses it where it is better.
    fn try_out(&mut self, tuner: &mut Tuner, candidate: Candidate) -> Result<()> {
        let Candidate {
            plan,
            step,
            variant,
        } = candidate;
        // What is under way must not be disturbed, nor counted.
        self.collect(true)?;
        let planned = get(&self.program.plans, plan, "plan")?.clone();
        let of_step = get(&planned.steps, step, "step")?;
        let new = match self.prepared(plan, step, variant) {
            Ok(new) => vec![new],
            // One that this device cannot make is no candidate.
            Err(Error::Limit { .. } | Error::Gpu { .. }) => {
                tuner.note(candidate, Outcome::Differs);
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
        if let Some(ready) = self.plans.get_mut(plan) {
            ready.replace(step, kept.into_iter().next().unwrap_or_default(), which);
        }
        let outcome = outcome?;
        let kernels = self.kernels(plan, step, variant);
        log::debug!("{}: {kernels:?}: {outcome:?}", of_step.label);
        if outcome == Outcome::Differs {
            let name = self.device.name();
            log::warn!(
                "{name}: {kernels:?} gives other bits than {:?} and is not used",
                self.kernels(plan, step, 0)
            );
        }
        Ok(())
    }

    fn use_variant(&mut self, plan: usize, step: usize, variant: usize) -> Result<()> {
        let prepared = self.prepared(plan, step, variant)?;
        if let Some(ready) = self.plans.get_mut(plan) {
            ready.replace(step, prepared, variant);
        }
        Ok(())
    }

    /// A variant of a step, made ready.
    fn prepared(&self, plan: usize, step: usize, variant: usize) -> Result<Vec<Prepared>> {
        let planned = get(&self.program.plans, plan, "plan")?;
        let of_step = get(&planned.steps, step, "step")?;
        let dispatches = get(&of_step.variants, variant, "variant")?;
        self.make(plan, &self.uniforms, dispatches)
    }

    /// Dispatches made ready, not counted with what a training makes.
    pub(super) fn make(
        &self,
        plan: usize,
        uniforms: &Uniforms,
        dispatches: &[Dispatch],
    ) -> Result<Vec<Prepared>> {
        let mut workshop = Workshop {
            device: &self.device,
            buffers: &self.buffers,
            uniforms,
            counters: &mut Counters::default(),
        };
        workshop.prepare(plan, &dispatches.iter().collect::<Vec<_>>())
    }

    fn compare(
        &mut self,
        plan: usize,
        step: &Step,
        used: &[Vec<Prepared>],
        new: &[Vec<Prepared>],
    ) -> Result<Outcome> {
        self.draw(plan, step)?;
        let want = self.outputs(plan, step, used)?;
        if self.outputs(plan, step, new)? != want {
            return Ok(Outcome::Differs);
        }
        let once = self.time(used, 1)?.max(Duration::from_nanos(1));
        let repeats = LONG.as_nanos() / once.as_nanos();
        let repeats = u32::try_from(repeats).unwrap_or(REPEATS).clamp(1, REPEATS);
        let mut times = [Vec::with_capacity(ROUNDS), Vec::with_capacity(ROUNDS)];
        for _ in 0..ROUNDS {
            for (times, variant) in times.iter_mut().zip([used, new]) {
                times.push(self.time(variant, repeats)? / repeats);
            }
        }
        let [used, candidate] = times.map(|mut times| {
            times.sort();
            times.get(ROUNDS / 2).copied().unwrap_or_default()
        });
        Ok(Outcome::Times { used, candidate })
    }

    /// Fills what a step reads and what is dead between runs: floats between -1 and 1, integers of 0 and 1, which
    /// are good as labels and masks.
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

    /// What a step computes, over numbers that it would not.
    pub(super) fn outputs(
        &mut self,
        plan: usize,
        step: &Step,
        variant: &[Vec<Prepared>],
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

    /// Computes a step so often, and waits.
    fn time(&self, variant: &[Vec<Prepared>], repeats: u32) -> Result<Duration> {
        self.device.check()?;
        let turn = self.device.turn();
        let start = Instant::now();
        let after = self.device.guarded("tuning", 0, |d| {
            let mut encoder = d.create_command_encoder(&Default::default());
            for _ in 0..repeats {
                submit::encode(&mut encoder, variant, 0..1, None);
            }
            self.device.wgpu().1.submit([encoder.finish()])
        });
        drop(turn);
        self.device.poll(Some(&after?))?;
        Ok(start.elapsed())
    }
}

fn drawn(dtype: DType, len: usize, seed: u64) -> Vec<u32> {
    let mut random = Stream::new(seed);
    let mut number = || match dtype {
        // Halves in a word each are the `f32` they stand for.
        DType::F16 | DType::Bf16 => (random.below(257) as f32 / 128.0 - 1.0).to_bits(),
        DType::F32 => (2.0 * random.uniform() - 1.0).to_bits(),
        DType::I32 | DType::U32 | DType::Bool => random.below(2),
    };
    let some: Vec<u32> = (0..len.min(DRAWN)).map(|_| number()).collect();
    some.iter().cycle().take(len).copied().collect()
}
