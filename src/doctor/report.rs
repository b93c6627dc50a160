//! The doctor's report.

use std::collections::BTreeMap;

use crate::Shape;
use crate::graph::Phase;

/// A step of a trial, computed by one variant of its kernels.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The op that is checked.
    pub op: String,
    /// The trial's name.
    pub case: String,
    /// The phase: forward, backward or update.
    pub phase: Phase,
    /// The shape of the step's result.
    pub shape: Shape,
    /// The kernels and the ops of the step.
    pub kernel: String,
    /// The index of the variant; 0 is the default without tuning.
    pub variant: usize,
    /// The largest error of an element, in units of its tolerance.
    pub error: f64,
    /// The problem if the check failed.
    pub problem: Option<String>,
}

impl Row {
    /// Returns whether the check passed.
    pub fn passed(&self) -> bool {
        self.problem.is_none()
    }
}

/// The results of the doctor on a device.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The device's name.
    pub device: String,
    /// All checks.
    pub rows: Vec<Row>,
    /// The number of trials that were run, by op.
    pub run: BTreeMap<String, usize>,
    /// The number of all trials, by op.
    pub listed: BTreeMap<String, usize>,
}

/// A summary of the rows of an op in a phase.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// The op.
    pub op: String,
    /// The phase: forward, backward or update.
    pub phase: Phase,
    /// The number of rows.
    pub checked: usize,
    /// The number of rows that failed.
    pub failed: usize,
    /// The largest number of variants of a step.
    pub variants: usize,
    /// The largest error, in units of the tolerance.
    pub error: f64,
}

impl Report {
    /// Returns the number of rows that failed.
    pub fn failed(&self) -> usize {
        self.failures().count()
    }

    /// Returns the rows that failed.
    pub fn failures(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|r| !r.passed())
    }

    /// Returns a line for each op and phase, in the order in which they ran.
    pub fn lines(&self) -> Vec<Line> {
        let mut lines: Vec<Line> = Vec::new();
        for row in &self.rows {
            let same = |l: &&mut Line| l.op == row.op && l.phase == row.phase;
            let (failed, variants) = (usize::from(!row.passed()), row.variant + 1);
            match lines.iter_mut().find(same) {
                Some(line) => {
                    line.checked += 1;
                    line.failed += failed;
                    line.variants = line.variants.max(variants);
                    line.error = line.error.max(row.error);
                }
                None => lines.push(Line {
                    op: row.op.clone(),
                    phase: row.phase,
                    checked: 1,
                    failed,
                    variants,
                    error: row.error,
                }),
            }
        }
        lines
    }
}
