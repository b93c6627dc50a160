//! Runs plans on a device and on the reference in lockstep. The first step that differs is an
//! error.
//!
//! Before each step, its inputs are read back, and its nodes are evaluated in f64 from these
//! values. Then the step runs, and its results are compared. So errors do not accumulate over
//! steps, and the reported step is the wrong one. The comparison also detects a value that is
//! overwritten too early. Memory is filled with NaN before it is computed, so that it also detects
//! elements that are not written.
//!
//! Invariant: a run that passes leaves the same bits as an unchecked one.

use std::sync::Arc;

use crate::exec::inspect::Walk;
use crate::exec::{Counters, Executor, Program, RunResult, Stepwise, Timeline, Timing, not_timed};
use crate::plan::{Plan, Port};
use crate::{Error, Result};

/// An executor that compares every step of another one with the reference.
///
/// A run fails with [`Error::Diverged`] at the first step that differs, and with
/// [`Error::Internal`] if the plan overwrites a value too early.
pub struct CheckedExecutor {
    inner: Box<dyn Stepwise>,
    program: Program,
    results: Vec<RunResult>,
    runs: u64,
}

impl CheckedExecutor {
    /// Creates an executor that checks `inner`, which runs the plans of `program`.
    pub fn new(inner: Box<dyn Stepwise>, program: Program) -> Self {
        CheckedExecutor {
            inner,
            program,
            results: Vec::new(),
            runs: 0,
        }
    }

    fn plan(&self, plan: usize) -> Result<Arc<Plan>> {
        let count = self.program.plans.len();
        let plan_at = self.program.plans.get(plan).cloned();
        plan_at.ok_or_else(|| Error::argument("plan", plan, format!("below {count}")))
    }
}

impl Executor for CheckedExecutor {
    fn device_name(&self) -> String {
        format!("{}, checked", self.inner.device_name())
    }

    fn write_variable(&mut self, index: usize, words: &[u32]) -> Result<()> {
        self.inner.write_variable(index, words)
    }

    fn read_variable(&mut self, index: usize) -> Result<Vec<u32>> {
        self.inner.read_variable(index)
    }

    fn run(&mut self, plan: usize, inputs: &[&[u32]]) -> Result<()> {
        let index = plan;
        let plan = self.plan(index)?;
        let mut walk = Walk::start(self.inner.as_mut(), &plan, index, inputs)?;
        for (at, step) in plan.steps.iter().enumerate() {
            let expected = walk.expect(step)?;
            let outputs = walk.run(at, None)?;
            for (expected, words) in expected.iter().zip(&outputs) {
                let got = walk.array(expected.node, words);
                let Some(found) = expected.furthest(&got).filter(|d| d.is_failure()) else {
                    continue;
                };
                let node = plan.graph.node(expected.node);
                return Err(Error::Diverged {
                    step: at,
                    kernel: walk.kernel_name(at, 0),
                    op: node.op.name(),
                    index: found.index,
                    got: found.got,
                    want: found.want,
                    error: found.error,
                    at: node.source,
                });
            }
            walk.accept(step, outputs);
        }
        let words = walk.finish(&self.program.layout)?;
        self.results.push(RunResult {
            run: self.runs,
            plan: index,
            words,
        });
        self.runs += 1;
        Ok(())
    }

    fn results(&mut self, _wait: bool) -> Result<Vec<RunResult>> {
        Ok(std::mem::take(&mut self.results))
    }

    fn read_output(&mut self, plan: usize, port: &Port) -> Result<Vec<u32>> {
        match port.meta.shape.len() {
            0 => Ok(Vec::new()),
            len => self
                .inner
                .read_elements(plan, port.slot, port.meta.dtype, len),
        }
    }

    /// The executor waits for each step, so the next run never has to wait.
    fn is_ready(&mut self) -> Result<bool> {
        Ok(true)
    }

    fn counters(&self) -> Counters {
        Counters {
            runs: self.runs,
            ..self.inner.counters()
        }
    }

    fn run_timed(&mut self, _: usize, _: &[&[u32]], _: Timing) -> Result<Timeline> {
        Err(not_timed(&self.device_name()))
    }

    fn retire(&mut self) {
        self.inner.retire();
    }
}
