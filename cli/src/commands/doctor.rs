//! `wgrad doctor`: every kernel of this adapter against the reference.

use crate::args::DoctorArgs;
use crate::failure::Failure;
use crate::output::Output;

/// Checks the adapter; fails where a kernel does.
pub fn run(_args: &DoctorArgs, _output: &mut Output) -> Result<(), Failure> {
    Err(Failure::Missing("doctor"))
}
