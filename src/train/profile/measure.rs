//! Profiling runs: real training steps in a separate session, so the trainer's weights do not
//! change.

use std::time::{Duration, Instant};

use crate::data::Dataset;
use crate::exec::timeline::median;
use crate::exec::{HostPhase, Timeline};
use crate::graph::Phase;
use crate::plan::{Dispatch, Plan, Step};
use crate::schedule::Progress;
use crate::train::program::PlanKey;
use crate::train::session::Session;
use crate::train::summary::Summary;
use crate::train::trace::Purpose;
use crate::train::trainer::Trainer;
use crate::{Error, Result};

use super::{Profile, Profiling, StepProfile};

/// The training steps before timing starts, because drivers compile lazily, and memory pages are
/// first touched.
const WARM_UP: usize = 2;

impl Trainer {
    /// Runs some training steps on `set`, in the data's order, and measures their parts. The
    /// trainer does not change: weights, position and a training in progress stay the same.
    ///
    /// Steps are timed by the device's timestamps if it has plausible ones, and otherwise by the
    /// host's clock; [`Profile::clock`] says which, and why. With gradient accumulation, the step
    /// of the last batch is timed.
    ///
    /// # Example
    /// ```
    /// use wgrad::data::{Dataset, Targets};
    /// use wgrad::train::Profiling;
    /// use wgrad::{Device, Trainer, nn};
    ///
    /// # fn main() -> wgrad::Result<()> {
    /// let x = (0..640).map(|i| (i as f32).sin()).collect();
    /// let labels = (0..64).map(|i| i % 3).collect();
    /// let set = Dataset::from_arrays(x, [10], Targets::classes(labels, 3))?;
    /// let model = nn::Sequential::new()
    ///     .add(nn::Linear::new(10, 32))
    ///     .add(nn::Relu)
    ///     .add(nn::Linear::new(32, 3));
    /// let mut trainer = Trainer::new(model).compile(&Device::cpu(), &set)?;
    ///
    /// let profile = trainer.profile(&set, Profiling::runs(5).batch_size(16))?;
    /// println!("{profile}");
    /// let slowest = profile.by_op().into_iter().next();
    /// assert!(slowest.is_some_and(|row| row.share > 0.0));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`Error::Argument`] for no runs or an empty batch, and for a device that cannot be
    /// profiled: the reference, and a [checked](crate::Device::checked) one. Also returns the
    /// errors of training.
    pub fn profile(&mut self, set: &Dataset, profiling: Profiling) -> Result<Profile> {
        for (what, n) in [
            ("the number of runs", profiling.runs),
            ("the batch size", profiling.batch_size),
        ] {
            if n == 0 {
                return Err(Error::argument(what, n, "at least 1".to_string()));
            }
        }
        self.check_data(set, "the data to profile with")?;
        if set.is_empty() {
            return Err(Error::data("the data to profile with", "it has no samples"));
        }
        let roofline = self.device.roofline()?;
        let plan_key = PlanKey {
            purpose: Purpose::Train,
            batch: profiling.batch_size.min(set.len()),
            set: 0,
        };
        let sets = vec![("train".to_string(), set.clone())];
        let mut batches = Batches {
            session: self.new_session(sets, vec![plan_key])?,
            trainer: &*self,
            plan_key,
            samples: set.len(),
            next: 0,
        };
        for _ in 0..WARM_UP {
            batches.run()?;
            batches.wait()?;
        }
        let start = Instant::now();
        for _ in 0..profiling.runs {
            batches.run()?;
        }
        batches.wait()?;
        let plain = start.elapsed() / profiling.runs.try_into().unwrap_or(u32::MAX);
        // The first run determines which clock is available.
        batches.timed(profiling)?;
        let start = Instant::now();
        let mut runs: Vec<(Duration, Timeline)> = Vec::with_capacity(profiling.runs);
        while runs.len() < profiling.runs {
            let began = start.elapsed();
            let timeline = batches.timed(profiling)?;
            // The clock has changed, so the earlier measurements are discarded.
            if runs.last().is_some_and(|(_, t)| t.clock != timeline.clock) {
                runs.clear();
            }
            if timeline.steps.len() == batches.plan()?.steps.len() {
                runs.push((began, timeline));
            }
        }
        let plan = batches.plan()?;
        let steps = plan.steps.iter().enumerate();
        let steps = steps.map(|(i, step)| {
            let times = runs.iter().filter_map(|(_, t)| t.steps.get(i));
            let time = median(&mut times.map(|span| span.length).collect::<Vec<_>>());
            let variant = step.variants.get(batches.session.variant(0, i));
            let variant = variant.filter(|_| self.device.is_gpu());
            described(plan, (step, variant), time, &self.summary)
        });
        let outside: Vec<_> = runs
            .iter()
            .map(|(_, timeline)| timeline.outside())
            .collect();
        let outside = HostPhase::ALL.iter().enumerate().map(|(i, phase)| {
            let times = outside.iter().filter_map(|all| all.get(i));
            (
                *phase,
                median(&mut times.map(|(_, time)| *time).collect::<Vec<_>>()),
            )
        });
        let clock = runs.first().map(|(_, timeline)| timeline.clock.clone());
        Ok(Profile {
            device: self.device.name(),
            clock: clock.ok_or_else(|| Error::internal("profiling", "nothing was timed"))?,
            roofline,
            batch: plan_key.batch,
            plain,
            steps: steps.collect(),
            outside: outside.collect(),
            runs,
        })
    }
}

/// The batches of a data set, in order and cyclically.
struct Batches<'a> {
    session: Session,
    trainer: &'a Trainer,
    plan_key: PlanKey,
    samples: usize,
    /// The number of batches trained on.
    next: usize,
}

impl Batches<'_> {
    /// Returns the rows of the next batch, its step, and the scalars of the step.
    fn next(&mut self) -> (Vec<u32>, u64, Vec<f64>) {
        let batch = self.plan_key.batch;
        let from = self.next * batch % self.samples;
        let rows = (from..from + batch).map(|row| (row % self.samples) as u32);
        let at = Progress {
            step: 0,
            steps_per_epoch: self.samples.div_ceil(batch) as u64,
            steps: self.samples.div_ceil(batch) as u64,
            values: &[],
        };
        self.next += 1;
        let step = self.next as u64;
        let counts = batch as f64;
        let (_, scalars) = self.trainer.train_spec.scalars(step, at, (counts, counts));
        (rows.collect(), step, scalars)
    }

    fn run(&mut self) -> Result<()> {
        let (rows, step, scalars) = self.next();
        self.session
            .run(self.plan_key, &rows, (step, step), &scalars)
    }

    fn wait(&mut self) -> Result<()> {
        self.session.results(true).map(drop)
    }

    fn timed(&mut self, profiling: Profiling) -> Result<Timeline> {
        let (rows, step, scalars) = self.next();
        let keys = (step, step);
        let timing = profiling.timing;
        let timeline = self
            .session
            .run_timed(self.plan_key, &rows, keys, &scalars, timing)?;
        self.wait()?;
        Ok(timeline)
    }

    fn plan(&self) -> Result<&Plan> {
        let plan = self.session.plan(0).map(AsRef::as_ref);
        plan.ok_or_else(|| Error::internal("profiling", "there is no plan"))
    }
}

fn described(
    plan: &Plan,
    (step, variant): (&Step, Option<&Vec<Dispatch>>),
    time: Duration,
    summary: &Summary,
) -> StepProfile {
    let layer = summary.layers.iter().find(|l| l.name == step.scope);
    // A copy at the end of a run computes no node; the copied value belongs to the last phase.
    let node = step.anchor.or(step.nodes.last().copied());
    StepProfile {
        op: step.anchor.map(|id| plan.graph.node(id).op.name()),
        label: step.label.clone(),
        kernels: variant
            .into_iter()
            .flatten()
            .map(|d| d.kernel.label)
            .collect(),
        scope: step.scope.clone(),
        layer: layer.map(|l| l.kind.clone()).unwrap_or_default(),
        source: step.source,
        phase: node.map_or(Phase::Update, |id| plan.graph.node(id).phase),
        time,
        flops: step.flops,
        bytes: step.bytes,
    }
}
