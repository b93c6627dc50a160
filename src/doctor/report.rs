//! What the doctor found.

use std::collections::BTreeMap;

use crate::Shape;
use crate::graph::Phase;

/// One step of one trial, computed by one variant of its kernels.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The op that is tried.
    pub op: String,
    /// The trial's name.
    pub case: String,
    /// Forward, backward or update.
    pub phase: Phase,
    /// The shape of the step's result.
    pub shape: Shape,
    /// The kernels, and what the step is made of.
    pub kernel: String,
    /// Which variant; 0 is the one that is used untuned.
    pub variant: usize,
    /// The error of the element that is furthest off, in units of what it may be off.
    pub error: f64,
    /// What is wrong, if anything.
    pub problem: Option<String>,
}

impl Row {
    /// Whether all is well.
    pub fn passed(&self) -> bool {
        self.problem.is_none()
    }
}

/// What the doctor found on a device.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The device's name.
    pub device: String,
    /// Everything that was checked.
    pub rows: Vec<Row>,
    /// By op: how many trials were run,
    pub run: BTreeMap<String, usize>,
    /// and how many there are.
    pub listed: BTreeMap<String, usize>,
}

/// All rows of one op and phase, in short.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// The op.
    pub op: String,
    /// Forward, backward or update.
    pub phase: Phase,
    /// How many rows.
    pub checked: usize,
    /// How many of them failed.
    pub failed: usize,
    /// The most variants that a step has.
    pub variants: usize,
    /// The largest error, in units of what is allowed.
    pub error: f64,
}

impl Report {
    /// How many rows failed.
    pub fn failed(&self) -> usize {
        self.failures().count()
    }

    /// The rows that failed.
    pub fn failures(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|r| !r.passed())
    }

    /// A line for each op and phase, in the order they were tried.
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
