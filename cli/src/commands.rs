//! The subcommands, one file each: `run(arguments, output)`.

pub mod devices;
pub mod doctor;
pub mod evaluate;
pub mod generate;
pub mod predict;
pub mod profile;
pub mod train;

use std::path::{Path, PathBuf};

use wgrad::{Error, Trainer};

use crate::config::{Config, Overrides};
use crate::engine;
use crate::failure::Failure;
use crate::preparation::Preparation;
use crate::run_folder::RunFolder;
use crate::text;

/// Opens an earlier run, with the configuration it was run with.
fn open_run(path: &Path, overrides: &Overrides) -> Result<(RunFolder, Config), Failure> {
    let run = RunFolder::open(path)?.absolute();
    let config = Config::load(&run.config_path(), overrides)?;
    Ok((run, config))
}

/// A run's network with its weights.
struct Trained {
    preparation: Preparation,
    trainer: Trainer,
    /// The checkpoint that the weights are from.
    weights: PathBuf,
}

/// The weights that a run's own test used: the best epoch's where it stops early, else the last.
fn trained_weights(run: &RunFolder, config: &Config) -> Result<PathBuf, Failure> {
    let best = run.best_path();
    let early = config.training.early_stopping.is_some();
    match run.resume_path()? {
        Some(_) if early && best.is_file() => Ok(best),
        Some(latest) => Ok(latest),
        None => Err(Failure::Engine(Error::Data {
            place: text::path(&run.checkpoints()),
            reason: "there is no checkpoint in it, so there is no trained network".to_string(),
        })),
    }
}

impl Trained {
    /// With the weights that the run's own test used.
    fn open(run: &RunFolder, config: &Config) -> Result<Trained, Failure> {
        let preparation = Preparation::load(&run.scaler_path())?;
        let weights = trained_weights(run, config)?;
        let device = engine::device(&config.training.device)?;
        let mut trainer = engine::trainer(config, &preparation, &device)?;
        trainer.load_weights(&weights)?;
        Ok(Trained {
            preparation,
            trainer,
            weights,
        })
    }
}
