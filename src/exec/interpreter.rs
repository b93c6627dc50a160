//! The reference as an executor: trains in f64, slowly, without fusion or memory planning.
//!
//! Its results are those of the mathematics, so other executors and other programs are compared
//! with it.

use crate::exec::reference::{Values, evaluate};
use crate::exec::{Counters, Executor, Program, RunResult, Timeline, Timing, not_timed};
use crate::graph::{Meta, NodeId};
use crate::ops::Array;
use crate::plan::{Plan, Port};
use crate::{DType, Error, Result};

/// Converts the words of a tensor to an array of f64.
pub fn array_of(meta: &Meta, words: &[u32]) -> Array {
    let value = |w: &u32| match meta.dtype {
        DType::F32 | DType::F16 | DType::Bf16 => f64::from(f32::from_bits(*w)),
        DType::I32 => f64::from(*w as i32),
        DType::U32 | DType::Bool => f64::from(*w),
    };
    Array::new(meta.shape.clone(), words.iter().map(value).collect())
}

/// Converts an array of f64 to the words of a tensor.
pub fn words_of(dtype: DType, array: &Array) -> Vec<u32> {
    let word = |v: &f64| match dtype {
        DType::F32 | DType::F16 | DType::Bf16 => (*v as f32).to_bits(),
        DType::I32 => *v as i32 as u32,
        DType::U32 | DType::Bool => *v as u32,
    };
    array.data.iter().map(word).collect()
}

/// Runs the graphs of plans in f64. Variables keep their f64 values between runs.
pub struct ReferenceExecutor {
    program: Program,
    values: Values,
    results: Vec<RunResult>,
    /// The values of the nodes in the last run.
    last: Vec<Option<Array>>,
    runs: u64,
}

impl ReferenceExecutor {
    /// Creates an executor whose variables are all zero.
    pub fn new(program: Program) -> Self {
        let placements = &program.layout.placements;
        let variables = placements
            .iter()
            .map(|p| Array::zeros(p.variable.shape()))
            .collect();
        let values = Values {
            variables,
            ..Values::default()
        };
        ReferenceExecutor {
            program,
            values,
            results: Vec::new(),
            last: Vec::new(),
            runs: 0,
        }
    }

    /// Returns a variable's values in f64.
    pub fn variable(&self, index: usize) -> Option<&Array> {
        self.values.variables.get(index)
    }

    fn value(&self, id: NodeId) -> Result<&Array> {
        self.last
            .get(id.index())
            .and_then(Option::as_ref)
            .ok_or_else(|| {
                Error::internal(
                    "reference executor",
                    format!("node {} has no value", id.index()),
                )
            })
    }

    fn plan(&self, plan: usize) -> Result<std::sync::Arc<Plan>> {
        let plan = self.program.plans.get(plan).cloned();
        plan.ok_or_else(|| Error::internal("reference executor", "no such plan"))
    }
}

impl Executor for ReferenceExecutor {
    fn device_name(&self) -> String {
        "reference (f64)".to_string()
    }

    fn write_variable(&mut self, index: usize, words: &[u32]) -> Result<()> {
        let place = self.program.layout.placements.get(index);
        if let (Some(place), Some(slot)) = (place, self.values.variables.get_mut(index)) {
            *slot = array_of(&place.variable.meta, words);
        }
        Ok(())
    }

    fn read_variable(&mut self, index: usize) -> Result<Vec<u32>> {
        let place = self.program.layout.placements.get(index);
        Ok(match (place, self.values.variables.get(index)) {
            (Some(place), Some(array)) => words_of(place.variable.meta.dtype, array),
            _ => Vec::new(),
        })
    }

    fn run(&mut self, plan: usize, inputs: &[&[u32]]) -> Result<()> {
        let index = plan;
        let plan = self.plan(index)?;
        for (port, words) in plan.inputs.iter().zip(inputs) {
            self.values
                .inputs
                .insert(port.name.clone(), array_of(&port.meta, words));
        }
        self.last = evaluate(&plan.graph, &self.values)?;
        let mut words = Vec::with_capacity(plan.results.len());
        for port in &plan.results {
            let output = plan.graph.outputs.iter().find(|o| o.name == port.name);
            let array = output.map(|o| self.value(o.node)).transpose()?;
            words.extend(
                array
                    .map(|a| words_of(port.meta.dtype, a))
                    .unwrap_or_default(),
            );
        }
        for assign in &plan.graph.assigns {
            let new = self.value(assign.node)?.clone();
            if let Some(slot) = self.values.variables.get_mut(assign.variable.index()) {
                *slot = new;
            }
        }
        self.results.push(RunResult {
            run: self.runs,
            plan: index,
            words,
        });
        self.runs += 1;
        Ok(())
    }

    fn results(&mut self, _: bool) -> Result<Vec<RunResult>> {
        Ok(std::mem::take(&mut self.results))
    }

    fn read_output(&mut self, plan: usize, port: &Port) -> Result<Vec<u32>> {
        let plan = self.plan(plan)?;
        let output = plan.graph.outputs.iter().find(|o| o.name == port.name);
        let array = output.map(|o| self.value(o.node)).transpose()?;
        Ok(array
            .map(|a| words_of(port.meta.dtype, a))
            .unwrap_or_default())
    }

    fn is_ready(&mut self) -> Result<bool> {
        Ok(true)
    }

    fn counters(&self) -> Counters {
        Counters {
            runs: self.runs,
            ..Counters::default()
        }
    }

    fn run_timed(&mut self, _: usize, _: &[&[u32]], _: Timing) -> Result<Timeline> {
        Err(not_timed(&self.device_name()))
    }

    fn retire(&mut self) {
        self.program.plans.clear();
        self.last.clear();
    }
}
