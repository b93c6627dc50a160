//! The cost of a plan, known before its first run.

use std::collections::HashMap;

use crate::kernel::KernelLimits;
use crate::{Error, Result};

use super::{BufferId, BufferRole, Cost, Layout, Plan, Slot};

impl Plan {
    /// Returns the cost of the plan, with the variables of `layout`.
    pub fn cost(&self, layout: &Layout) -> Cost {
        let slots = || {
            let dispatches = self
                .steps
                .iter()
                .filter_map(|s| s.variants.first())
                .flatten();
            dispatches.flat_map(|d| d.slots.iter().copied())
        };
        let own: u64 = self.buffers.iter().map(|b| b.bytes).sum();
        let arenas = layout.arenas.iter().map(|a| a.bytes);
        let buffers = self.buffers.iter().map(|b| b.bytes);
        Cost {
            bytes: own + layout.bytes(),
            lower_bound: self.lower_bound() + layout.bytes(),
            largest_binding: slots().map(|s| s.bytes).max().unwrap_or(0),
            largest_buffer: arenas.chain(buffers).max().unwrap_or(0),
            dispatches: self
                .steps
                .iter()
                .filter_map(|s| s.variants.first())
                .map(Vec::len)
                .sum(),
            flops: self.steps.iter().map(|s| s.flops).sum(),
            traffic: self.steps.iter().map(|s| s.bytes).sum(),
        }
    }

    /// Returns the largest number of bytes of the plan's own values that are alive at once.
    fn lower_bound(&self) -> u64 {
        let role = |s: &Slot| match s.buffer {
            BufferId::Local(i) => self.buffers.get(i).map(|b| b.role),
            BufferId::Arena(_) => None,
        };
        let fixed: u64 = self
            .buffers
            .iter()
            .filter(|b| b.role != BufferRole::Activations)
            .map(|b| b.bytes)
            .sum();
        let mut last: HashMap<u32, usize> = HashMap::new();
        for (s, step) in self.steps.iter().enumerate() {
            for (id, _) in step.reads.iter().chain(&step.writes) {
                last.insert(id.0, s);
            }
        }
        let (mut alive, mut most) = (0u64, 0u64);
        for (s, step) in self.steps.iter().enumerate() {
            let own = |(_, slot): &&(_, Slot)| role(slot) == Some(BufferRole::Activations);
            alive += step
                .writes
                .iter()
                .filter(own)
                .map(|(_, slot)| slot.bytes)
                .sum::<u64>();
            most = most.max(alive + step.scratch.iter().sum::<u64>());
            let touched = step.reads.iter().chain(&step.writes).filter(own);
            let dead = touched.filter(|(id, _)| last.get(&id.0) == Some(&s));
            alive -= dead.map(|(_, slot)| slot.bytes).sum::<u64>().min(alive);
        }
        fixed + most
    }

    /// Returns an error with the sizes if a device cannot hold the plan.
    pub fn check(&self, layout: &Layout, limits: &KernelLimits, device: &str) -> Result<()> {
        let cost = self.cost(layout);
        let refuse = |what: &str, needed: u64, available: u64| {
            let what = format!("{what} of the plan (bytes)");
            let hint = "use a smaller batch or model".to_string();
            Err(Error::Limit {
                what,
                needed,
                available,
                device: device.to_string(),
                hint,
            })
        };
        if cost.largest_binding > limits.binding_bytes {
            return refuse(
                "the largest binding",
                cost.largest_binding,
                limits.binding_bytes,
            );
        }
        if cost.largest_buffer > limits.buffer_bytes {
            return refuse(
                "the largest buffer",
                cost.largest_buffer,
                limits.buffer_bytes,
            );
        }
        Ok(())
    }
}
