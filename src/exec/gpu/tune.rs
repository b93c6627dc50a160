//! Tuning: the fastest variant of each step, and horizontal fusion of small steps.

pub(super) mod benchmark;
pub(super) mod horizontal;
pub(super) mod tuner;
pub(super) mod tuning_cache;

use std::time::Instant;

use crate::exec::{Counters, Stepwise};
use crate::plan::Dispatch;
use crate::{Error, Result};

use super::compile::prepare::{PrepareContext, PreparedDispatch};
use super::executor::{GpuExecutor, get};
use super::memory::buffers::Uniforms;
use benchmark::{Benchmark, Measured};
use tuner::Candidate;

impl GpuExecutor {
    /// Benchmarks variants, within the tuner's share of the time.
    pub(super) fn tune(&mut self) -> Result<()> {
        let start = Instant::now();
        if !self.tuner.is_due(start) {
            return Ok(());
        }
        let tuned = self.benchmark_next();
        self.tuner.spend(start.elapsed());
        tuned
    }

    fn benchmark_next(&mut self) -> Result<()> {
        let device = self.device.clone();
        loop {
            let next = self.tuner.next(&self.program, &device.tuning_cache());
            let Some(candidate) = next else {
                return Ok(());
            };
            self.benchmark_candidate(candidate)?;
            if let Some((cache_key, variant, steps)) = self.tuner.finished() {
                for (plan, step) in steps {
                    self.use_variant(plan, step, variant)?;
                }
                device.tuning_cache().insert(cache_key, variant);
            }
            if !self.tuner.is_eager() {
                return Ok(());
            }
        }
    }

    /// Compares a candidate with the variant in use, and uses the candidate if it is faster.
    fn benchmark_candidate(&mut self, candidate: Candidate) -> Result<()> {
        let Candidate {
            plan,
            step,
            variant,
        } = candidate;
        // Runs in flight must end first, because they must not be measured.
        self.collect(true)?;
        let planned = get(&self.program.plans, plan, "plan")?.clone();
        let of_step = get(&planned.steps, step, "step")?;
        let new = match self.prepare_variant(plan, step, variant) {
            Ok(new) => new,
            // This device cannot run the candidate.
            Err(Error::Limit { .. } | Error::Gpu { .. }) => {
                self.tuner.note(candidate, Measured::Differs);
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let used = get(&get(&self.plans, plan, "plan")?.steps, step, "step")?;
        let mut benchmark = Benchmark {
            device: &self.device,
            program: &self.program,
            buffers: &self.buffers,
            transfer: &mut self.transfer,
            counters: &mut self.counters,
        };
        let measured = benchmark.compare(plan, of_step, used, &new)?;
        let faster = self.tuner.note(candidate, measured);
        if let Some(prepared) = self.plans.get_mut(plan).filter(|_| faster) {
            prepared.replace(step, new, variant);
        }
        let kernels = self.kernels(plan, step, variant);
        log::debug!("{}: {kernels:?}: {measured:?}", of_step.label);
        if measured == Measured::Differs {
            let name = self.device.name();
            log::warn!(
                "{name}: {kernels:?} gives different bits than {:?} and is not used",
                self.kernels(plan, step, 0)
            );
        }
        Ok(())
    }

    fn use_variant(&mut self, plan: usize, step: usize, variant: usize) -> Result<()> {
        let dispatches = self.prepare_variant(plan, step, variant)?;
        if let Some(prepared) = self.plans.get_mut(plan) {
            prepared.replace(step, dispatches, variant);
        }
        Ok(())
    }

    /// Prepares a variant of a step.
    fn prepare_variant(
        &self,
        plan: usize,
        step: usize,
        variant: usize,
    ) -> Result<Vec<PreparedDispatch>> {
        let planned = get(&self.program.plans, plan, "plan")?;
        let of_step = get(&planned.steps, step, "step")?;
        let dispatches = get(&of_step.variants, variant, "variant")?;
        self.prepare_uncounted(plan, &self.uniforms, dispatches)
    }

    /// Prepares dispatches without counting them in the executor's counters.
    fn prepare_uncounted(
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
}
