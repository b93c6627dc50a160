//! Checks that a device and its driver compute correctly.
//!
//! The doctor runs every op and every elementwise function, forward and backward, and also chains
//! of ops and optimizer updates. By default it runs every kind of step and every variant once. With
//! [`Options::thorough`] it runs all cases, at sizes around the borders of vectors and workgroups.
//! Each case takes the same path as training: graph, gradients, passes, plan, kernels. Every
//! variant computes every step of the plan, from the values on the device, and the results are
//! compared with the f64 reference. Each variant must also give the bits of the first one.
//!
//! A failure does not stop the doctor: it becomes a row of the report.

mod case;
mod cases;
mod choice;
mod coverage;
mod examine;
mod report;
mod traced;
mod trial;
mod update;
mod workers;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use crate::graph::Phase;
use crate::kernel::KernelLimits;
use crate::ops::elementwise::functions;
use crate::{Device, Error, Result, Shape};

pub use case::{Argument, Case, Draw, case};
pub use cases::{KNOWN, Known, all as cases};
pub use report::{Line, Report, Row};
pub use traced::{Traced, values};
pub use trial::{Trial, trials};

/// Options of the doctor.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Checks only ops whose name contains this text. Empty: all ops.
    pub only: String,
    /// Runs every case with every variant. Otherwise the doctor runs a subset that covers: each op
    /// and each function, forward and backward; each chain of functions and each op's kernel with
    /// each set of shader files; each further variant with each shader file.
    pub thorough: bool,
}

/// Checks a device. Calls `progress` with the number of finished trials and the number of all
/// trials.
///
/// A kernel that fails to compile or computes a wrong result becomes a row of the report.
///
/// # Errors
///
/// Returns an error if the device is lost, or if no op matches [`Options::only`].
pub fn doctor(
    device: &Device,
    options: &Options,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Report> {
    let mut all = trials();
    all.retain(|t| t.op.contains(&options.only));
    let listed = count(&all);
    if all.is_empty() {
        let known: BTreeSet<String> = trials().into_iter().map(|t| t.op).collect();
        let known = known.into_iter().collect::<Vec<_>>().join(", ");
        return Err(Error::argument("the op", &options.only, known));
    }
    if !options.thorough {
        all = choice::choose(all, &device.kernel_limits());
    }
    let mut rows = Vec::new();
    let mut seen = BTreeSet::new();
    progress(0, all.len());
    for found in workers::examine_all(device, &all, &mut |done| progress(done, all.len()))? {
        rows.extend(found.rows);
        seen.extend(found.names);
    }
    if options.only.is_empty() {
        // A function that no trial used counts as failed, because nothing checked it.
        let missing = functions().filter(|f| !seen.contains(f.name));
        rows.extend(missing.map(|f| Row {
            op: f.name.to_string(),
            case: String::new(),
            phase: Phase::Forward,
            shape: Shape::scalar(),
            kernel: String::new(),
            variant: 0,
            error: f64::INFINITY,
            problem: Some("no case checks this function".to_string()),
        }));
    }
    Ok(Report {
        device: device.name(),
        rows,
        run: count(&all),
        listed,
    })
}

/// Returns the trials that run by default on a device with these limits.
pub fn chosen(limits: &KernelLimits) -> Vec<Trial> {
    choice::choose(trials(), limits)
}

/// Counts the trials of each op.
fn count(trials: &[Trial]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for trial in trials {
        *counts.entry(trial.op.clone()).or_default() += 1;
    }
    counts
}
