//! The text form of a plan, as a table.

use std::fmt;

use super::{BufferId, Plan, Slot};

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:>4}  {:<22} {:<36} {:>10} {:>10}  {:<24} from",
            "step", "kernel", "computes", "MFLOP", "KiB", "writes"
        )?;
        for (i, step) in self.steps.iter().enumerate() {
            let kernels: Vec<&str> = step
                .variants
                .first()
                .into_iter()
                .flatten()
                .map(|d| d.kernel.label)
                .collect();
            let writes: Vec<String> = step.writes.iter().map(|(_, s)| place(*s)).collect();
            let layer = if step.scope.is_empty() {
                String::new()
            } else {
                format!(" ({})", step.scope)
            };
            writeln!(
                f,
                "{i:>4}  {:<22} {:<36} {:>10.3} {:>10.1}  {:<24} {}{layer}",
                shorten(&kernels.join(", "), 22),
                shorten(&step.label, 36),
                step.flops / 1e6,
                step.bytes as f64 / 1024.0,
                shorten(&writes.join(" "), 24),
                step.source,
            )?;
        }
        for group in &self.concurrent {
            writeln!(
                f,
                "steps {} to {} may run concurrently",
                group.start,
                group.end - 1
            )?;
        }
        for (i, buffer) in self.buffers.iter().enumerate() {
            let kib = buffer.bytes as f64 / 1024.0;
            writeln!(f, "buffer b{i}: {:?}, {kib:.1} KiB", buffer.role)?;
        }
        Ok(())
    }
}

fn place(slot: Slot) -> String {
    match slot.buffer {
        BufferId::Arena(i) => format!("v{i}+{}", slot.offset),
        BufferId::Local(i) => format!("b{i}+{}", slot.offset),
    }
}

fn shorten(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some(_) => text
            .chars()
            .take(most.saturating_sub(2))
            .chain("..".chars())
            .collect(),
        None => text.to_string(),
    }
}
