//! The largest errors that the doctor has seen: `docs/ops-errors.json`, and how it is made from what
//! `wgrad doctor --json` prints.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What the doctor found on an adapter.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    pub adapter: String,
    pub driver: String,
    /// Steps that were compared, and those that were further off than allowed.
    pub checked: u64,
    pub failed: u64,
    /// Of each op, the largest error in steps that compute it alone, in units of what is allowed.
    pub errors: BTreeMap<String, f64>,
}

impl Measured {
    /// From the lines that `wgrad doctor --json` prints.
    pub fn from_doctor(lines: &str) -> Measured {
        let mut errors: BTreeMap<String, f64> = BTreeMap::new();
        let mut done = None;
        for line in lines.lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            match line["event"].as_str().unwrap() {
                "check" => {
                    // "kernels: what the step is made of", or the latter alone.
                    let kernel = line["kernel"].as_str().unwrap();
                    let step = kernel.rsplit(": ").next().unwrap();
                    // No number is an infinite one. A copy is a view's, and nothing is a case of no step.
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

    /// The adapter in a word.
    pub fn short(&self) -> &str {
        self.adapter.split([' ', '(']).next().unwrap_or_default()
    }

    /// The largest error of an op.
    pub fn error(&self, op: &str) -> String {
        let error = self.errors.get(op);
        error.map_or("-".to_string(), |error| error.to_string())
    }
}

/// Rounded to two digits that count.
fn two_digits(v: f64) -> f64 {
    format!("{v:.1e}").parse().unwrap()
}

/// Puts what was measured in the place of what was known of the same adapter, or behind all others.
pub fn replace(known: &mut Vec<Measured>, new: Measured) {
    match known.iter_mut().find(|m| m.adapter == new.adapter) {
        Some(place) => *place = new,
        None => known.push(new),
    }
}
