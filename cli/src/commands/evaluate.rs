//! `wgrad evaluate`: a trained network on its test data.

use crate::args::EvaluateArgs;
use crate::commands::open_run;
use crate::config::Overrides;
use crate::failure::Failure;
use crate::output::Output;

/// Measures the network of a run.
pub fn run(args: &EvaluateArgs, _output: &mut Output) -> Result<(), Failure> {
    let overrides = Overrides {
        device: args.device.clone(),
        ..Overrides::default()
    };
    let (_run, _config) = open_run(&args.run, &overrides)?;
    Err(Failure::Missing("evaluate"))
}
