//! The doctor: does this device, with this driver, compute the right thing?
//!
//! Runs every op and every elementwise function, forward and backward, at sizes around the borders of
//! vectors and workgroups, as well as chains of ops and optimizers' updates. Each goes through the
//! whole way that training goes: graph, gradients, passes, plan, kernels. Every step of the plan is
//! computed by every variant of its kernels, from values that the device itself holds, and compared
//! with the f64 reference; and each variant must give the bits of the first.
//!
//! Nothing stops at a failure: what is wrong is a row of the report, beside all that is right.

mod case;
mod cases;
mod examine;
mod report;
mod traced;
mod trial;
mod update;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use crate::graph::Phase;
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
    if all.is_empty() {
        let known: BTreeSet<String> = trials().into_iter().map(|t| t.op).collect();
        let known = known.into_iter().collect::<Vec<_>>().join(", ");
        return Err(Error::argument("the op", &options.only, known));
    }
    let mut rows = Vec::new();
    let mut seen = BTreeSet::new();
    for (done, trial) in all.iter().enumerate() {
        progress(done, all.len());
        let found = examine::examine(device, trial, &|_| ())?;
        rows.extend(found.rows);
        seen.extend(found.names);
    }
    progress(all.len(), all.len());
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
    })
}
