//! `wgrad predict`: a trained network's outputs for new data.

use crate::args::PredictArgs;
use crate::commands::open_run;
use crate::config::Overrides;
use crate::failure::Failure;
use crate::output::Output;

/// Computes the outputs of a run's network.
pub fn run(args: &PredictArgs, _output: &mut Output) -> Result<(), Failure> {
    let overrides = Overrides {
        device: args.device.clone(),
        ..Overrides::default()
    };
    let (_run, _config) = open_run(&args.run, &overrides)?;
    Err(Failure::Missing("predict"))
}
