//! The CPU device: runs plans in f32, for machines without a GPU.
//!
//! Everything is prepared when the executor is created: the memory, and for each plan a flat list
//! of ops and chains with their slices. A run iterates over the list, without lookups or
//! allocations.
//!
//! Invariant: two runs give the same bits, with any number of threads. Threads share the elements
//! of a chain and the rows and columns of an op's result, never the terms of a sum.

mod buffer;
mod buffers;
mod chain;
mod inspect;
mod memory;
mod roofline;
mod spin_wait;
mod step;
mod thread_policy;
mod timed;

#[cfg(test)]
mod tests;

use crate::passes::Sources;
use crate::plan::{Port, Slot};
use crate::{Error, Result};

use super::{Counters, Executor, Program, RunResult, Timeline, Timing};

pub(crate) use roofline::measure as measure_roofline;

use buffers::Buffers;
use chain::Registers;
use memory::Memory;
use step::{NextValues, PreparedDispatch, prepare};
use thread_policy::ThreadPolicy;

/// The largest number of tensors that one step of a plan may read and write.
pub const MAX_TENSORS: u32 = memory::MAX_ACCESSES as u32;

/// The number of runs held for [`Executor::results`] before their list must grow.
const RESULTS: usize = 256;

/// Runs plans on the CPU.
pub struct CpuExecutor {
    program: Program,
    plans: Vec<PreparedPlan>,
    memory: Memory,
    /// One set for each thread.
    registers: Vec<Registers>,
    counters: Counters,
    last: Option<usize>,
    /// Finished runs: number, plan and number of words. The words of all are in one list.
    finished: Vec<(u64, usize, usize)>,
    words: Vec<u32>,
}

struct PreparedPlan {
    steps: Vec<PreparedDispatch>,
    /// By step of the plan: the end of its range in `steps`.
    ends: Vec<usize>,
    buffers: Buffers,
    /// Whether some step is faster on more than one thread.
    parallel: bool,
    /// The floating-point operations of a run.
    flops: f64,
    /// Selects the number of threads for a short plan.
    thread_policy: ThreadPolicy,
}

impl CpuExecutor {
    /// Prepares the plans of `program`, with all memory and threads that they use.
    ///
    /// # Errors
    /// Returns [`Error::OutOfMemory`] if the buffers do not fit, and an internal error for an
    /// invalid plan.
    pub fn new(program: Program) -> Result<Self> {
        let mut sizes: Vec<u64> = program.layout.arenas.iter().map(|a| a.bytes).collect();
        let arenas = sizes.len();
        let shared = program.shared();
        sizes.extend(shared.buffers.iter().map(|(_, bytes)| bytes));
        let locals = shared.indices.iter().map(|indices| indices.iter());
        let locals = locals.map(|indices| indices.map(|at| arenas + at).collect());
        let (prologue, acc) = (sizes.len(), sizes.len() + 1);
        let mut workspaces = [0, 0];
        let mut plans = Vec::with_capacity(program.plans.len());
        for (plan, locals) in program.plans.iter().zip(locals) {
            let [prologue_words, acc_words] = workspaces;
            let mut buffers = Buffers {
                arenas,
                locals,
                prologue: (prologue, prologue_words),
                acc: (acc, acc_words),
            };
            let mut steps = Vec::with_capacity(plan.steps.len());
            let sources = Sources::new(&plan.graph);
            let next = NextValues::new(&plan.graph, &sources);
            let mut ends = Vec::with_capacity(plan.steps.len());
            for step in &plan.steps {
                steps.extend(prepare(plan, (&sources, &next), step, &mut buffers)?);
                ends.push(steps.len());
            }
            workspaces = [buffers.prologue.1, buffers.acc.1];
            let parallel = steps.iter().any(PreparedDispatch::is_parallel);
            plans.push(PreparedPlan {
                steps,
                ends,
                buffers,
                parallel,
                flops: plan.steps.iter().map(|step| step.flops).sum(),
                thread_policy: ThreadPolicy::default(),
            });
        }
        let words = |bytes: &u64| usize::try_from(bytes.div_ceil(4)).unwrap_or(usize::MAX);
        let mut words: Vec<usize> = sizes.iter().map(words).collect();
        words.extend(workspaces);
        let memory = Memory::new(&words)?;
        let all = || plans.iter().flat_map(|p| &p.steps);
        let registers = all().map(PreparedDispatch::registers).max().unwrap_or(0);
        let threads = match plans.iter().any(|p| p.parallel) {
            true => rayon::current_num_threads().max(1),
            false => 1,
        };
        let counters = Counters {
            buffers: memory.count() as u64,
            bytes: memory.bytes(),
            ..Counters::default()
        };
        let results = program
            .plans
            .iter()
            .map(|p| p.results.len())
            .max()
            .unwrap_or(0);
        let executor = CpuExecutor {
            registers: (0..threads).map(|_| Registers::new(registers)).collect(),
            program,
            plans,
            memory,
            counters,
            last: None,
            finished: Vec::with_capacity(RESULTS),
            words: Vec::with_capacity(RESULTS * results),
        };
        executor.check_accesses()?;
        Ok(executor)
    }

    /// Checks that every slice that is ever opened is inside the memory.
    fn check_accesses(&self) -> Result<()> {
        for place in &self.program.layout.placements {
            self.memory
                .get(self.variable(place.slot, place.variable.meta.shape.len())?)?;
        }
        for (plan, prepared) in self.program.plans.iter().zip(&self.plans) {
            for port in plan.inputs.iter().chain(&plan.results).chain(&plan.outputs) {
                self.memory
                    .get(prepared.buffers.span(port.slot, port.meta.shape.len())?)?;
            }
            for step in &prepared.steps {
                step.accesses().check(&self.memory)?;
            }
        }
        Ok(())
    }

    fn variable(&self, slot: Slot, words: usize) -> Result<memory::Span> {
        let arenas = self.program.layout.arenas.len();
        Buffers {
            arenas,
            locals: Vec::new(),
            prologue: (0, 0),
            acc: (0, 0),
        }
        .span(slot, words)
    }

    fn variable_at(&self, index: usize) -> Result<memory::Span> {
        let placements = &self.program.layout.placements;
        let missing = || Error::argument("variable", index, format!("below {}", placements.len()));
        let place = placements.get(index).ok_or_else(missing)?;
        self.variable(place.slot, place.variable.meta.shape.len())
    }

    fn plan(&self, plan: usize) -> Result<&PreparedPlan> {
        let missing = || Error::argument("plan", plan, format!("below {}", self.plans.len()));
        self.plans.get(plan).ok_or_else(missing)
    }

    /// Copies the inputs of a run of plan `plan` to their slots.
    fn take_inputs(&mut self, plan: usize, inputs: &[&[u32]]) -> Result<()> {
        self.plan(plan)?;
        let (ports, prepared) = (&self.program.plans[plan].inputs, &self.plans[plan]);
        if ports.len() != inputs.len() {
            return Err(Error::argument(
                "the number of inputs",
                inputs.len(),
                ports.len().to_string(),
            ));
        }
        for (port, words) in ports.iter().zip(inputs) {
            let span = prepared.buffers.span(port.slot, port.meta.shape.len())?;
            let to = self.memory.get_mut(span)?;
            copy_to(to, words, || {
                format!("the length of the input {:?}", port.name)
            })?;
        }
        Ok(())
    }

    /// Keeps the results of a finished run of plan `plan`.
    fn hand_back(&mut self, plan: usize) -> Result<()> {
        let prepared = &self.plans[plan];
        for port in &self.program.plans[plan].results {
            let span = prepared.buffers.span(port.slot, port.meta.shape.len())?;
            self.words.extend_from_slice(self.memory.get(span)?);
        }
        self.finished
            .push((self.counters.runs, plan, self.words.len()));
        self.counters.runs += 1;
        self.last = Some(plan);
        Ok(())
    }
}

impl Executor for CpuExecutor {
    fn device_name(&self) -> String {
        "cpu".to_string()
    }

    fn write_variable(&mut self, index: usize, words: &[u32]) -> Result<()> {
        let span = self.variable_at(index)?;
        copy_to(self.memory.get_mut(span)?, words, || {
            format!("the length of variable {index}")
        })
    }

    fn read_variable(&mut self, index: usize) -> Result<Vec<u32>> {
        let span = self.variable_at(index)?;
        Ok(self.memory.get(span)?.to_vec())
    }

    fn run(&mut self, plan: usize, inputs: &[&[u32]]) -> Result<()> {
        self.take_inputs(plan, inputs)?;
        let PreparedPlan {
            steps,
            parallel,
            flops,
            thread_policy,
            ..
        } = &mut self.plans[plan];
        let (memory, registers) = (&mut self.memory, self.registers.as_mut_slice());
        let mut run = || steps.iter().for_each(|step| step.run(memory, registers));
        match *parallel && rayon::current_num_threads() > 1 {
            true if spin_wait::is_short(*flops) => thread_policy.run(*flops, run),
            true => spin_wait::in_pool(*flops, run),
            false => run(),
        }
        self.hand_back(plan)
    }

    fn results(&mut self, _wait: bool) -> Result<Vec<RunResult>> {
        let mut from = 0;
        let words = &self.words;
        let all = self.finished.drain(..).map(|(run, plan, end)| {
            let words = words.get(from..end).unwrap_or(&[]).to_vec();
            from = end;
            RunResult { run, plan, words }
        });
        let all = all.collect();
        self.words.clear();
        Ok(all)
    }

    fn read_output(&mut self, plan: usize, port: &Port) -> Result<Vec<u32>> {
        let span = self
            .plan(plan)?
            .buffers
            .span(port.slot, port.meta.shape.len())?;
        if self.last != Some(plan) {
            let last = self.last.map_or("none has run".to_string(), |last| {
                format!("{last}, the last one")
            });
            return Err(Error::argument("the plan of an output", plan, last));
        }
        Ok(self.memory.get(span)?.to_vec())
    }

    fn is_ready(&mut self) -> Result<bool> {
        Ok(true)
    }

    fn counters(&self) -> Counters {
        self.counters
    }

    fn run_timed(&mut self, plan: usize, inputs: &[&[u32]], _: Timing) -> Result<Timeline> {
        self.timed(plan, inputs)
    }

    fn retire(&mut self) {
        self.plans.clear();
        self.memory.keep(self.program.layout.arenas.len());
    }
}

fn copy_to(to: &mut [u32], words: &[u32], what: impl Fn() -> String) -> Result<()> {
    if to.len() != words.len() {
        let given = format!("{} words", words.len());
        return Err(Error::argument(
            what(),
            given,
            format!("{} words", to.len()),
        ));
    }
    to.copy_from_slice(words);
    Ok(())
}
