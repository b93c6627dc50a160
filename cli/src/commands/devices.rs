//! `wgrad devices`: the adapters, with what they offer.

use crate::failure::Failure;
use crate::output::Output;

/// Lists the adapters.
pub fn run(_output: &mut Output) -> Result<(), Failure> {
    Err(Failure::Missing("devices"))
}
