//! The subcommands, one file each: `run(arguments, output)`.

pub mod devices;
pub mod doctor;
pub mod evaluate;
pub mod predict;
pub mod train;

use std::path::Path;

use crate::config::{Config, Overrides};
use crate::failure::Failure;
use crate::run_folder::RunFolder;

/// Opens an earlier run, with the configuration it was run with.
fn open_run(path: &Path, overrides: &Overrides) -> Result<(RunFolder, Config), Failure> {
    let run = RunFolder::open(path)?;
    let config = Config::load(&run.config_path(), overrides)?;
    Ok((run, config))
}
