//! `wgrad train`: a network, as a configuration file says.

use crate::args::TrainArgs;
use crate::config::Config;
use crate::failure::Failure;
use crate::output::Output;

/// Trains, and leaves a run's folder behind.
pub fn run(args: &TrainArgs, _output: &mut Output) -> Result<(), Failure> {
    let _config = Config::load(&args.config, &args.overrides())?;
    Err(Failure::Missing("train"))
}
