//! Walks through a run of a plan, step by step, with access to every value.

use std::collections::HashMap;

use crate::exec::Stepwise;
use crate::exec::expected::{Expected, expected};
use crate::exec::interpreter::array_of;
use crate::exec::reference::Values;
use crate::graph::{NodeId, Op};
use crate::ops::Array;
use crate::passes::Sources;
use crate::plan::{Layout, Plan, Port, Slot, Step};
use crate::{Error, Result};

/// A NaN with which memory is filled before a step computes it.
const POISON: u32 = 0x7fc0_0000;

/// A run of plan `index` of an executor in progress.
pub struct Walk<'a> {
    executor: &'a mut dyn Stepwise,
    plan: &'a Plan,
    index: usize,
    /// The last known words of each node, to detect a slot that is overwritten too early.
    held: HashMap<NodeId, Vec<u32>>,
}

impl<'a> Walk<'a> {
    /// Starts the walk with the words of the inputs, in the order of [`Plan::inputs`].
    pub fn start(
        executor: &'a mut dyn Stepwise,
        plan: &'a Plan,
        index: usize,
        inputs: &[&[u32]],
    ) -> Result<Self> {
        if inputs.len() != plan.inputs.len() {
            let expected = plan.inputs.len().to_string();
            return Err(Error::argument(
                "the number of inputs",
                inputs.len(),
                expected,
            ));
        }
        let mut held = HashMap::new();
        for (port, words) in plan.inputs.iter().zip(inputs) {
            let len = port.meta.shape.len();
            if words.len() != len {
                let what = format!("the number of elements of {}", port.name);
                return Err(Error::argument(what, words.len(), len.to_string()));
            }
            if len > 0 {
                executor.write_elements(index, port.slot, port.meta.dtype, words)?;
            }
            let named = |op: &Op| matches!(op, Op::Input(i) if i.name == port.name);
            let nodes = plan
                .graph
                .ids()
                .filter(|&id| named(&plan.graph.node(id).op));
            held.extend(nodes.map(|id| (id, words.to_vec())));
        }
        Ok(Walk {
            executor,
            plan,
            index,
            held,
        })
    }

    /// Returns the expected results of a step, from the current values on the device.
    pub fn expect(&mut self, step: &Step) -> Result<Vec<Expected>> {
        let mut known = HashMap::new();
        for &(id, slot) in &step.inputs {
            let words = self.read(id, slot)?;
            if self.held.get(&id).is_some_and(|held| *held != words) {
                return Err(self.overwritten(id, &step.label));
            }
            known.insert(id, array_of(self.plan.graph.meta(id), &words));
            self.held.insert(id, words);
        }
        let outputs: Vec<NodeId> = step.outputs.iter().map(|(id, _)| *id).collect();
        expected(&self.plan.graph, &outputs, known, &Values::default())
    }

    /// Runs step `at` with one of its variants (`None` for the chosen one). Returns its results, in
    /// the order of [`Step::outputs`].
    ///
    /// It may be called again for the same step: values that were updated in place are restored
    /// first.
    pub fn run(&mut self, at: usize, variant: Option<usize>) -> Result<Vec<Vec<u32>>> {
        let plan = self.plan;
        let missing = || Error::argument("step", at, format!("below {}", plan.steps.len()));
        let step = plan.steps.get(at).ok_or_else(missing)?;
        for &(id, slot) in &step.outputs {
            let updates = step.inputs.iter().any(|(_, s)| s.overlaps(&slot));
            let meta = plan.graph.meta(id);
            let poison = vec![POISON; meta.shape.len()];
            if !updates && !poison.is_empty() {
                self.executor
                    .write_elements(self.index, slot, meta.dtype, &poison)?;
            }
        }
        for (id, slot) in &step.inputs {
            let updated = step.outputs.iter().any(|(_, s)| s.overlaps(slot));
            if let Some(words) = self.held.get(id).filter(|w| updated && !w.is_empty()) {
                let dtype = plan.graph.meta(*id).dtype;
                self.executor
                    .write_elements(self.index, *slot, dtype, words)?;
            }
        }
        if let Some(variant) = variant {
            self.executor.choose(self.index, at, variant)?;
        }
        self.executor.run_steps(self.index, at..at + 1)?;
        let outputs = step.outputs.iter();
        outputs.map(|&(id, slot)| self.read(id, slot)).collect()
    }

    /// Returns the number of variants of step `at`.
    pub fn variants(&self, at: usize) -> usize {
        self.executor.variants(self.index, at)
    }

    /// Describes a step by its kernels, and its nodes if they have other names.
    pub fn kernel_name(&self, at: usize, variant: usize) -> String {
        let label = self.plan.steps.get(at).map_or("", |s| &s.label);
        let mut kernels = self.executor.kernels(self.index, at, variant);
        kernels.dedup();
        match kernels.join(", ") {
            kernels if kernels.is_empty() || kernels == label => label.to_string(),
            kernels => format!("{kernels}: {label}"),
        }
    }

    /// Takes the results of a step as correct from now on.
    pub fn accept(&mut self, step: &Step, outputs: Vec<Vec<u32>>) {
        for (&(id, _), words) in step.outputs.iter().zip(outputs) {
            self.held.insert(id, words);
        }
    }

    /// Returns the words of a node as an array.
    pub fn array(&self, id: NodeId, words: &[u32]) -> Array {
        array_of(self.plan.graph.meta(id), words)
    }

    /// Ends the walk after the last step. Checks that the results and the new values of the
    /// variables are those that were computed. Returns the words of the results.
    pub fn finish(mut self, layout: &Layout) -> Result<Vec<u32>> {
        let plan = self.plan;
        let sources = Sources::new(&plan.graph);
        let mut words = Vec::new();
        for output in &plan.graph.outputs {
            let named = |p: &&Port| p.name == output.name;
            let storage = sources.storage(output.node);
            let result = plan.results.iter().find(named);
            if let Some(port) = result.or_else(|| plan.outputs.iter().find(named)) {
                let read = self.check(storage, port.slot, &port.name)?;
                if result.is_some() {
                    words.extend(read);
                }
            }
        }
        for assign in &plan.graph.assigns {
            let variable = plan.graph.variables.get(assign.variable.index());
            if let Some(place) = variable.and_then(|v| layout.find(&v.name)) {
                let reader = format!("the variable {}", place.variable.name);
                self.check(sources.storage(assign.node), place.slot, &reader)?;
            }
        }
        Ok(words)
    }

    /// Checks that the slot of a value still contains it.
    fn check(&mut self, id: NodeId, slot: Slot, reader: &str) -> Result<Vec<u32>> {
        let words = self.read(id, slot)?;
        match self.held.get(&id).is_some_and(|held| *held != words) {
            true => Err(self.overwritten(id, reader)),
            false => Ok(words),
        }
    }

    fn read(&mut self, id: NodeId, slot: Slot) -> Result<Vec<u32>> {
        let meta = self.plan.graph.meta(id);
        match meta.shape.len() {
            0 => Ok(Vec::new()),
            len => self
                .executor
                .read_elements(self.index, slot, meta.dtype, len),
        }
    }

    fn overwritten(&self, id: NodeId, reader: &str) -> Error {
        let node = self.plan.graph.node(id);
        let detail = format!(
            "the value of %{} ({}, {}) was overwritten before {reader} read it",
            id.index(),
            node.op.name(),
            node.source
        );
        Error::internal("the plan's memory", detail)
    }
}
