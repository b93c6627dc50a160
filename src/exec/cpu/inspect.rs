//! Runs plans step by step, for comparison and inspection.

use std::ops::Range;

use crate::exec::Stepwise;
use crate::plan::Slot;
use crate::{DType, Error, Result};

use super::{CpuExecutor, copy_to};

impl Stepwise for CpuExecutor {
    fn read_elements(&mut self, plan: usize, slot: Slot, _: DType, len: usize) -> Result<Vec<u32>> {
        let span = self.plan(plan)?.buffers.span(slot, len)?;
        Ok(self.memory.get(span)?.to_vec())
    }

    fn write_elements(
        &mut self,
        plan: usize,
        slot: Slot,
        _: DType,
        elements: &[u32],
    ) -> Result<()> {
        let span = self.plan(plan)?.buffers.span(slot, elements.len())?;
        copy_to(self.memory.get_mut(span)?, elements, || format!("{slot:?}"))
    }

    fn run_steps(&mut self, plan: usize, steps: Range<usize>) -> Result<()> {
        self.plan(plan)?;
        let prepared = &self.plans[plan];
        let start = match steps.start {
            0 => Some(0),
            n => prepared.ends.get(n - 1).copied(),
        };
        let end = match steps.end {
            0 => Some(0),
            n => prepared.ends.get(n - 1).copied(),
        };
        let range = start.zip(end).and_then(|(a, b)| prepared.steps.get(a..b));
        let Some(parts) = range else {
            let expected = format!("within 0..{}", prepared.ends.len());
            return Err(Error::argument("steps", format!("{steps:?}"), expected));
        };
        for part in parts {
            part.run(&mut self.memory, &mut self.registers);
        }
        self.last = Some(plan);
        Ok(())
    }

    fn choose(&mut self, _plan: usize, _step: usize, _variant: usize) -> Result<()> {
        // Each op has only one implementation.
        Ok(())
    }

    fn variants(&self, _plan: usize, _step: usize) -> usize {
        1
    }

    fn kernels(&self, _plan: usize, _step: usize, _variant: usize) -> Vec<&'static str> {
        Vec::new()
    }
}
