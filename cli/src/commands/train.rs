//! `wgrad train`: trains the model of a configuration file.
//!
//! The data, the model and the device are created and checked before the run folder. A run that
//! fails before its first checkpoint leaves no folder.

mod events;
mod finish;
mod resume;
mod tested;
mod work;

pub use finish::{Scores, TrivialScores, say_scores};
pub use tested::trivial;

use std::time::Instant;

use serde::Serialize;
use wgrad::train::Fit;
use wgrad::{Device, Trainer};

use crate::args::TrainArgs;
use crate::failure::Failure;
use crate::output::Output;
use crate::text::{bytes, count, path, significant};
use wgrad::run::Datasets;
use wgrad::run::RunFolder;
use wgrad::spec::Config;

/// A training run with everything that it uses.
pub(super) struct Training {
    config: Config,
    data: Datasets,
    device: Device,
    trainer: Trainer,
    facts: PlanFacts,
    /// The time when the program started.
    started: Instant,
}

/// The cost of a training step, known before the first one.
#[derive(Debug, Clone, Copy, Default, Serialize)]
struct PlanFacts {
    /// The exact peak of device memory, in bytes.
    bytes: u64,
    dispatches: usize,
    flops: f64,
}

/// The first JSON event of a run.
#[derive(Serialize)]
struct Start<'a> {
    run: String,
    device: String,
    why: &'a str,
    parameters: usize,
    train: usize,
    validation: usize,
    test: usize,
    plan: PlanFacts,
    resumed_epoch: Option<usize>,
}

/// Trains a model and writes its run folder. `started` is the time when the program started.
pub fn run(args: &TrainArgs, output: &mut Output, started: Instant) -> Result<(), Failure> {
    let mut config = match (&args.target, args.files.as_slice()) {
        (Some(target), files) => {
            let files = files.iter().cloned().collect();
            let text = super::new::configuration(&files, target, |file| Ok(file.to_path_buf()))?;
            // Relative paths start from the current folder.
            Config::parse("table.toml", &text, &args.overrides())?
        }
        (None, [folder]) if folder.is_dir() => {
            // A run's folder is for --resume.
            if folder.join("config.toml").is_file() {
                let folder = folder.display();
                return Err(Failure::Usage(format!(
                    "expected a configuration file, found the folder of a run, {folder}; to resume it: \
                     wgrad train CONFIG.toml --resume {folder}"
                )));
            }
            let text = super::new::images(folder, folder)?;
            Config::parse("images.toml", &text, &args.overrides())?
        }
        (None, [file]) => Config::load(file, &args.overrides())?,
        (None, _) => {
            let reason = "expected one configuration file, or --target with the files of a table";
            return Err(Failure::Usage(reason.to_string()));
        }
    };
    let resumed = match &args.resume {
        Some(Some(given)) => Some(RunFolder::open(given)?.absolute()),
        Some(None) => Some(RunFolder::newest(config.output.folder())?),
        None => None,
    };
    let data = Datasets::load(&mut config)?;
    if let Some(run) = &resumed {
        resume::check(run, &config, &data.preprocessing)?;
        if resume::is_complete(run, &config, output)? {
            return Ok(());
        }
    }
    let device = config.training.device.open()?;
    let mut trainer = config.trainer(&data.preprocessing, &device)?;
    if let Some(run) = &resumed {
        resume::restore(run, &mut trainer)?;
    }
    let mut fit = Fit::epochs(config.training.epochs as u64)
        .batch_size(config.training.batch_size)
        .shuffle(config.training.shuffle);
    if let Some(validation) = &data.validation {
        fit = fit.validation(validation);
    }
    if let Some(limit) = config.training.memory_limit {
        fit = fit.memory_limit(limit.0);
    }
    trainer.begin(&data.train, fit)?;
    let memory = trainer.memory().unwrap_or_default();
    let facts = trainer
        .cost()
        .map_or_else(PlanFacts::default, |cost| PlanFacts {
            bytes: memory,
            dispatches: cost.dispatches,
            flops: cost.flops,
        });
    let mut training = Training {
        config,
        data,
        device,
        trainer,
        facts,
        started,
    };
    let fresh = resumed.is_none();
    let run = match resumed {
        Some(run) => run,
        None => RunFolder::create(training.config.output.folder())?,
    };
    let done = training.in_folder(&run, fresh, output);
    if done.is_err() && fresh && run.resume_path()?.is_none() {
        run.remove()?;
    }
    done
}

impl Training {
    /// Runs the part of the training that writes to the run folder.
    fn in_folder(
        &mut self,
        run: &RunFolder,
        fresh: bool,
        output: &mut Output,
    ) -> Result<(), Failure> {
        let finished = self.trainer.history().epochs.len();
        run.write_config(&self.config.to_toml())?;
        run.write_scaler(&self.data.preprocessing)?;
        if let Some(tokenizer) = &self.data.tokenizer {
            tokenizer.save(run.tokenizer_path())?;
        }
        if !fresh {
            run.keep_epochs_up_to(finished)?;
        }
        self.announce(run, (!fresh).then_some(finished), output);
        let stopped = self.work(run, output)?;
        self.finish(run, stopped, output)
    }

    /// Prints the device, the data, the run folder and the model.
    fn announce(&self, run: &RunFolder, resumed: Option<usize>, output: &mut Output) {
        let samples = &self.data;
        let size = |set: &Option<_>| set.as_ref().map_or(0, wgrad::data::Dataset::len);
        let (train, validation, test) = (
            samples.train.len(),
            size(&self.data.validation),
            size(&samples.test),
        );
        let device = self.trainer.device();
        output.say(&format!("device  {}, {}", device.name(), device.why()));
        output.say(&format!(
            "data    {}: {}\n        {} training samples, {} validation samples, {} test samples",
            file_name(&self.config),
            target_words(&self.config, samples),
            count(train as u64),
            count(validation as u64),
            count(test as u64)
        ));
        for remark in &samples.notes {
            output.note(&format!("note    {remark}"));
        }
        output.say(&format!(
            "run     {}{}",
            path(run.path()),
            match resumed {
                Some(n) => {
                    let step = self.trainer.steps();
                    format!(", resumed after {n} epochs, at step {}", count(step))
                }
                None => String::new(),
            }
        ));
        output.say(&format!("\n{}", self.trainer.summary()));
        let facts = &self.facts;
        let savings = self
            .trainer
            .memory_report()
            .map(|report| format!("memory: {report}\n"));
        output.say(&format!(
            "step    {} dispatches, {} Mflop; peak device memory {}\n{}",
            count(facts.dispatches as u64),
            significant(facts.flops / 1e6, 3),
            bytes(facts.bytes),
            savings.unwrap_or_default()
        ));
        let start = Start {
            run: run.path().display().to_string(),
            device: device.name(),
            why: device.why(),
            parameters: self.trainer.summary().parameters,
            train,
            validation,
            test,
            plan: *facts,
            resumed_epoch: resumed,
        };
        output.event("start", &start);
    }
}

/// Returns the name of the data file.
fn file_name(config: &Config) -> String {
    let mut files = config.data.source.files();
    for file in files.paths_mut() {
        *file = file.file_name().map_or(file.clone(), Into::into);
    }
    files.to_string()
}

/// Describes the features and the targets of the data.
fn target_words(config: &Config, data: &Datasets) -> String {
    let shape = &data.preprocessing.sample_shape;
    if let Some(text) = data.preprocessing.text {
        return format!(
            "{} tokens of {}, in windows of {}",
            count(text.tokens as u64),
            count(text.vocabulary as u64),
            shape.iter().product::<usize>()
        );
    }
    let samples_are = match data.preprocessing.sample_shape.as_slice() {
        [features] => format!("{features} features"),
        shape => format!("samples of {shape:?}"),
    };
    let target = match config.data.source.target() {
        Some(name) => format!(" ({name})"),
        None => String::new(),
    };
    match data.preprocessing.classes.len() {
        0 => format!("{samples_are}, a quantity{target}"),
        n => format!("{samples_are}, {n} classes{target}"),
    }
}
