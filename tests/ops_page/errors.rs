//! The largest errors that the doctor has measured: `docs/ops-errors.json`, and its conversion from
//! the output of `wgrad doctor --json`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The doctor's results on an adapter.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    pub adapter: String,
    pub driver: String,
    /// The number of steps that were compared, and of those that exceeded the tolerance.
    pub checked: u64,
    pub failed: u64,
    /// The largest error of each op in steps that compute it alone, in units of the tolerance.
    pub errors: BTreeMap<String, f64>,
}

impl Measured {
    /// Converts the output of `wgrad doctor --json`.
    pub fn from_doctor(lines: &str) -> Measured {
        let mut errors: BTreeMap<String, f64> = BTreeMap::new();
        let mut done = None;
        for line in lines.lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            match line["event"].as_str().unwrap() {
                "check" => {
                    // "kernels: ops of the step", or only the latter.
                    let kernel = line["kernel"].as_str().unwrap();
                    let step = kernel.rsplit(": ").next().unwrap();
                    // A missing number is infinite. A copy is that of a view, and a trial without
                    // steps has no kernel.
                    let error = line["error"].as_f64().unwrap_or(f64::MAX);
                    if !step.contains('+') && !matches!(step, "" | "copy") {
                        let largest = errors.entry(step.to_string()).or_default();
                        *largest = largest.max(two_digits(error));
                    }
                }
                "done" => done = Some(line),
                _ => {}
            }
        }
        let done = done.expect("the doctor did not come to its end");
        let text = |key: &str| done[key].as_str().unwrap().to_string();
        Measured {
            adapter: text("adapter"),
            driver: text("driver"),
            checked: done["checked"].as_u64().unwrap(),
            failed: done["failed"].as_u64().unwrap(),
            errors,
        }
    }

    /// Returns a short name of the adapter.
    pub fn short(&self) -> &str {
        self.adapter.split([' ', '(']).next().unwrap_or_default()
    }

    /// Returns the largest error of an op.
    pub fn error(&self, op: &str) -> String {
        let error = self.errors.get(op);
        error.map_or("-".to_string(), |error| error.to_string())
    }
}

/// Rounds to two significant digits.
fn two_digits(v: f64) -> f64 {
    format!("{v:.1e}").parse().unwrap()
}

/// Replaces the earlier results of the same adapter, or appends new ones.
pub fn replace(known: &mut Vec<Measured>, new: Measured) {
    match known.iter_mut().find(|m| m.adapter == new.adapter) {
        Some(place) => *place = new,
        None => known.push(new),
    }
}
