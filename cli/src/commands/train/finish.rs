//! The end of a training run: the test, the report and the summary.

use std::collections::BTreeMap;

use serde::Serialize;
use wgrad::train::Evaluation;
use wgrad::{Device, run};

use super::{Training, file_name};
use crate::failure::Failure;
use crate::output::Output;
use crate::report::{
    ClassScores, Confusion, DataFacts, LayerRow, Predictions, Report, RunFacts, TestResult,
};
use crate::text::{duration, metric, path};
use wgrad::Task;
use wgrad::run::RunFolder;

/// The last JSON event of a run.
#[derive(Serialize)]
struct Done {
    run: String,
    device: String,
    epochs: usize,
    steps: u64,
    /// Seconds of training and validation, summed over all parts of a resumed run.
    seconds: f64,
    /// Milliseconds from the program's start to the loss of the first step; `None` if no step was
    /// run.
    first_step_ms: Option<f64>,
    weights_sha256: String,
    test: Option<Scores>,
}

/// A loss and the metrics.
#[derive(Serialize)]
pub struct Scores {
    loss: f64,
    #[serde(flatten)]
    metrics: BTreeMap<String, f64>,
}

impl Scores {
    /// Returns the scores of an evaluation.
    pub fn new(evaluation: &Evaluation) -> Scores {
        Scores {
            loss: evaluation.loss,
            metrics: evaluation.metrics.iter().cloned().collect(),
        }
    }
}

/// The contents of `summary.json`.
#[derive(Serialize)]
struct Summary<'a> {
    epochs: usize,
    best_epoch: Option<usize>,
    /// The reason if the training stopped before its last epoch.
    stopped: Option<&'a str>,
    done: &'a Done,
    data: &'a DataFacts,
    run: &'a RunFacts,
    confusion: Option<&'a Confusion>,
    classes: Option<Vec<ClassScores>>,
}

/// The results of the test.
#[derive(Default)]
struct Tested {
    evaluation: Option<Evaluation>,
    confusion: Option<Confusion>,
    predictions: Option<Predictions>,
}

impl Training {
    /// Tests the model, writes the report and the summary, and prints the results.
    pub(super) fn finish(
        &mut self,
        run: &RunFolder,
        stopped: Option<String>,
        output: &mut Output,
    ) -> Result<(), Failure> {
        let best_epoch = self.best_epoch()?;
        let epochs = run.epochs()?;
        let seconds: f64 = epochs.iter().map(|e| e.seconds).sum();
        let steps = self.trainer.steps();
        let first_step = self.trainer.first_step();
        // With early stopping, the weights of the best epoch are tested, not those of the last one.
        let early = self.config.training.early_stopping.is_some();
        if early && run.best_path().is_file() {
            self.trainer.load_weights(run.best_path())?;
        }
        let tested = self.test()?;
        let done = Done {
            run: run.path().display().to_string(),
            device: self.device.name(),
            epochs: epochs.len(),
            steps,
            seconds,
            first_step_ms: first_step.map(|t| (t - self.started).as_secs_f64() * 1e3),
            weights_sha256: self.trainer.weights_sha256()?,
            test: tested.evaluation.as_ref().map(Scores::new),
        };
        let samples = self.data.train.len() as f64;
        let facts = RunFacts {
            device: self.device.name(),
            driver: driver(&self.device),
            seconds,
            first_step_ms: done.first_step_ms.unwrap_or(f64::NAN),
            steps,
            samples_per_second: samples * epochs.len() as f64 / seconds.max(1e-9),
            parameters: self.trainer.summary().parameters as u64,
            peak_bytes: self.facts.bytes,
            seed: self.config.training.seed,
            weights_sha256: done.weights_sha256.clone(),
            version: env!("CARGO_PKG_VERSION").to_string(),
        };
        let report = self.report(run, facts, epochs, best_epoch, tested);
        run.write_report(&report.to_html())?;
        run.write_summary(&Summary {
            epochs: done.epochs,
            best_epoch,
            stopped: stopped.as_deref(),
            done: &done,
            data: &report.data,
            run: &report.run,
            confusion: report.confusion.as_ref(),
            classes: report.confusion.as_ref().map(Confusion::all_scores),
        })?;
        let ended = match stopped {
            Some(reason) => format!(", stopped early: {reason}"),
            None => String::new(),
        };
        output.say(&format!(
            "trained {} epochs, {} steps in {}{ended}",
            done.epochs,
            steps,
            duration(seconds)
        ));
        if let (true, Some(best)) = (early, best_epoch) {
            output.say(&format!("weights of the best epoch, {best}"));
        }
        if let Some(test) = &report.test {
            output.say(&format!("test    {}", scores_text(test, report.data.test)));
        }
        output.say(&format!("report  {}", path(&run.report_path())));
        output.event("done", &done);
        Ok(())
    }

    fn test(&mut self) -> Result<Tested, Failure> {
        let Some(set) = &self.data.test else {
            return Ok(Tested::default());
        };
        let evaluation = self.trainer.evaluate(set)?;
        let preprocessing = &self.data.preprocessing;
        if preprocessing.text.is_some() {
            return Ok(Tested {
                evaluation: Some(evaluation),
                ..Tested::default()
            });
        }
        let all = run::predict(&mut self.trainer, &self.config, preprocessing, set)?;
        let target = match preprocessing.target.as_str() {
            "" => "target",
            name => name,
        };
        Ok(match preprocessing.classes.as_slice() {
            [] => Tested {
                evaluation: Some(evaluation),
                confusion: None,
                predictions: Some(Predictions::of(target, set, &all)),
            },
            names => Tested {
                evaluation: Some(evaluation),
                confusion: Some(Confusion::count(names, set, &all)),
                predictions: None,
            },
        })
    }

    fn report(
        &self,
        run: &RunFolder,
        facts: RunFacts,
        epochs: Vec<wgrad::run::EpochRecord>,
        best_epoch: Option<usize>,
        tested: Tested,
    ) -> Report {
        let data = &self.data;
        let size = |set: &Option<_>| set.as_ref().map_or(0, wgrad::data::Dataset::len);
        let layers = self.trainer.summary().layers.iter().map(|layer| LayerRow {
            name: layer.name.clone(),
            kind: layer.kind.clone(),
            output: layer.output.shape.iter().skip(1).copied().collect(),
            parameters: layer.parameters as u64,
            bytes: 4 * layer.parameters as u64,
        });
        let name = run.path().file_name().unwrap_or(run.path().as_os_str());
        Report {
            title: name.to_string_lossy().into_owned(),
            task: self.config.data.task.unwrap_or(Task::Classification),
            data: DataFacts {
                name: file_name(&self.config),
                train: data.train.len(),
                validation: size(&data.validation),
                test: size(&data.test),
                sample_shape: data.preprocessing.sample_shape.clone(),
            },
            run: facts,
            test: tested.evaluation.map(|evaluation| TestResult {
                loss: evaluation.loss,
                metrics: evaluation.metrics.into_iter().collect(),
            }),
            epochs,
            best_epoch,
            confusion: tested.confusion,
            predictions: tested.predictions,
            layers: layers.collect(),
            config: self.config.to_toml(),
        }
    }
}

/// Formats a test's results on one line.
pub fn scores_text(test: &TestResult, samples: usize) -> String {
    let mut text = format!("loss {}", metric("loss", test.loss));
    for (name, value) in &test.metrics {
        text.push_str(&format!(", {name} {}", metric(name, *value)));
    }
    format!("{text} ({} samples)", crate::text::count(samples as u64))
}

/// Returns a GPU's driver and its version; empty for the CPU.
fn driver(device: &Device) -> String {
    let Some(gpu) = device.as_gpu() else {
        return String::new();
    };
    let info = gpu.info();
    format!("{} {}", info.driver, info.driver_info)
        .trim()
        .to_string()
}
