//! The doctor: does this device, with this driver, compute the right thing?
//!
//! Runs every op and every elementwise function, forward and backward, as well as chains of ops and
//! optimizers' updates: every kind of step and every variant once, or with [`Options::thorough`] all
//! cases, at sizes around the borders of vectors and workgroups. Each goes through the
//! whole way that training goes: graph, gradients, passes, plan, kernels. Every step of the plan is
//! computed by every variant of its kernels, from values that the device itself holds, and compared
//! with the f64 reference; and each variant must give the bits of the first.
//!
//! Nothing stops at a failure: what is wrong is a row of the report, beside all that is right.

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

/// What to check.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Only the ops whose name contains this; everything where it is empty.
    pub only: String,
    /// Every trial. Without: each op and each function once forward and once backward; each chain of functions
    /// and each op's kernel with each set of shader files; and each further variant with each part that it is
    /// put together from.
    pub thorough: bool,
}

/// Checks a device; `progress` hears how many of the trials are done, and of how many.
///
/// A kernel that computes wrongly or does not compile is a row of the report. An error is only what
/// keeps the doctor from going on: the device was lost, or nothing is called as asked for.
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
        // A function that no trial used is not right, but unknown.
        let missing = functions().filter(|f| !seen.contains(f.name));
        rows.extend(missing.map(|f| Row {
            op: f.name.to_string(),
            case: String::new(),
            phase: Phase::Forward,
            shape: Shape::scalar(),
            kernel: String::new(),
            variant: 0,
            error: f64::INFINITY,
            problem: Some("nothing checks it".to_string()),
        }));
    }
    Ok(Report {
        device: device.name(),
        rows,
        run: count(&all),
        listed,
    })
}

/// The trials that are run on a device with these limits, where not all are.
pub fn chosen(limits: &KernelLimits) -> Vec<Trial> {
    choice::choose(trials(), limits)
}

/// How many trials each op has.
fn count(trials: &[Trial]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for trial in trials {
        *counts.entry(trial.op.clone()).or_default() += 1;
    }
    counts
}
