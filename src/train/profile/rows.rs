//! Groups of steps and their sums.

use std::collections::HashMap;
use std::time::Duration;

use crate::exec::Roofline;
use crate::graph::Phase;

use super::{Profile, StepProfile};

/// The label of the parameter update where rows are layers or lines, because one step may update
/// the parameters of all layers.
const UPDATE: &str = "update of the parameters";

/// A group of steps, or a single step.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The common label.
    pub label: String,
    /// The number of steps.
    pub count: usize,
    /// The time of all steps.
    pub time: Duration,
    /// The time as a fraction of [`Profile::total`], from 0 to 1.
    pub share: f64,
    /// Floating-point operations.
    pub flops: f64,
    /// Bytes read and written.
    pub bytes: u64,
}

impl Row {
    /// Returns floating-point operations per second; 0 if the time was too short for the clock.
    pub fn flops_per_second(&self) -> f64 {
        per_second(self.flops, self.time)
    }

    /// Returns bytes per second; 0 if the time was too short for the clock.
    pub fn bytes_per_second(&self) -> f64 {
        per_second(self.bytes as f64, self.time)
    }

    /// Returns both as fractions of the roofline. A fraction of bytes above 1 is due to caches.
    pub fn of(&self, roofline: &Roofline) -> (f64, f64) {
        let share = |x: f64, most: f64| if most > 0.0 { x / most } else { 0.0 };
        (
            share(self.flops_per_second(), roofline.flops),
            share(self.bytes_per_second(), roofline.bandwidth),
        )
    }
}

fn per_second(amount: f64, time: Duration) -> f64 {
    match time.is_zero() {
        true => 0.0,
        false => amount / time.as_secs_f64(),
    }
}

impl Profile {
    /// Groups the steps by the label that `label` returns, and sorts the groups by time, the
    /// longest first.
    ///
    /// # Example
    /// ```
    /// # use wgrad::train::Profile;
    /// # fn example(profile: &Profile) {
    /// // By kernel rather than by op.
    /// let rows = profile.group(|step| step.kernels.join(", "));
    /// # }
    /// ```
    pub fn group(&self, label: impl Fn(&StepProfile) -> String) -> Vec<Row> {
        let total = self.total().as_secs_f64();
        let mut rows: Vec<Row> = Vec::new();
        let mut known: HashMap<String, usize> = HashMap::new();
        for step in &self.steps {
            let label = label(step);
            let at = *known.entry(label.clone()).or_insert(rows.len());
            if at == rows.len() {
                rows.push(Row {
                    label,
                    count: 0,
                    time: Duration::ZERO,
                    share: 0.0,
                    flops: 0.0,
                    bytes: 0,
                });
            }
            if let Some(row) = rows.get_mut(at) {
                row.count += 1;
                row.time += step.time;
                row.flops += step.flops;
                row.bytes += step.bytes;
            }
        }
        for row in &mut rows {
            row.share = match total > 0.0 {
                true => row.time.as_secs_f64() / total,
                false => 0.0,
            };
        }
        rows.sort_by_key(|row| std::cmp::Reverse(row.time));
        rows
    }

    /// Groups by op and phase of the training step. Chains of functions are `elementwise`.
    pub fn by_op(&self) -> Vec<Row> {
        self.group(|step| {
            let op = step.op.unwrap_or("elementwise");
            format!("{op}, {}", step.phase_name())
        })
    }

    /// Groups by layer, as in `state_dict` names.
    pub fn by_layer(&self) -> Vec<Row> {
        self.group(|step| match (step.phase, step.scope.as_str()) {
            (Phase::Update, _) => UPDATE.to_string(),
            (_, "") => "outside any layer".to_string(),
            (_, scope) => format!("{scope} {}", step.layer).trim_end().to_string(),
        })
    }

    /// Groups by line of the user's program.
    pub fn by_source(&self) -> Vec<Row> {
        self.group(|step| match step.phase {
            Phase::Update => UPDATE.to_string(),
            _ => step.source.to_string(),
        })
    }

    /// Returns each step by itself, with its index in the plan.
    pub fn by_step(&self) -> Vec<Row> {
        let number = std::cell::Cell::new(0);
        self.group(|step| {
            let at = number.replace(number.get() + 1);
            format!("{at:>3} {}: {}", step.phase_name(), step.label)
        })
    }
}
