//! The end of a training run: the test, the report and the summary.

use serde::{Serialize, Serializer};
use wgrad::Device;
use wgrad::train::Evaluation;

use super::tested::Tested;
use super::{Training, file_name};
use crate::failure::Failure;
use crate::output::Output;
use crate::report::{
    ClassScores, Confusion, DataFacts, LayerRow, Report, RunFacts, TestResult, Trivial, not_better,
};
use crate::text::{count, duration, metric, paragraph, path};
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
pub struct Scores {
    loss: f64,
    metrics: Vec<(String, f64)>,
}

impl Scores {
    /// Returns the scores of an evaluation.
    pub fn new(evaluation: &Evaluation) -> Scores {
        Scores {
            loss: evaluation.loss,
            metrics: evaluation.metrics.clone(),
        }
    }
}

impl Serialize for Scores {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let metrics = self.metrics.iter().map(|(name, x)| (name.as_str(), *x));
        serializer.collect_map(std::iter::once(("loss", self.loss)).chain(metrics))
    }
}

/// The scores of the trivial model, in JSON.
#[derive(Serialize)]
pub struct TrivialScores {
    /// What it predicts for every sample.
    prediction: String,
    #[serde(flatten)]
    scores: Scores,
}

impl TrivialScores {
    /// Returns the scores of a trivial model.
    pub fn new(trivial: &Trivial) -> TrivialScores {
        TrivialScores {
            prediction: trivial.prediction.clone(),
            scores: Scores {
                loss: trivial.loss,
                metrics: trivial.metrics.clone(),
            },
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
    /// Which weights were tested.
    weights: &'a str,
    /// The scores of a model that predicts the same for every sample.
    baseline: Option<TrivialScores>,
    /// The 95% confidence intervals of the test's metrics: name, low, high.
    intervals: &'a [(String, f64, f64)],
    confusion: Option<&'a Confusion>,
    classes: Option<Vec<ClassScores>>,
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
        let best = early && run.best_path().is_file();
        if best {
            self.trainer.load_weights(run.best_path())?;
        }
        let weights = self.weights_text(best.then_some(best_epoch).flatten(), epochs.len());
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
        let report = self.report(run, facts, epochs, best_epoch, &weights, tested);
        run.write_report(&report.to_html())?;
        run.write_summary(&Summary {
            epochs: done.epochs,
            best_epoch,
            stopped: stopped.as_deref(),
            done: &done,
            data: &report.data,
            run: &report.run,
            weights: &weights,
            baseline: report.baseline.as_ref().map(TrivialScores::new),
            intervals: report
                .test
                .as_ref()
                .map_or(&[], |test| test.intervals.as_slice()),
            confusion: report.confusion.as_ref(),
            classes: report.confusion.as_ref().map(Confusion::all_scores),
        })?;
        let ended = match stopped {
            Some(reason) => format!(", stopped early: {reason}"),
            None => String::new(),
        };
        output.say(&format!(
            "trained {} epochs, {} steps in {}{ended}",
            count(done.epochs as u64),
            count(steps),
            duration(seconds)
        ));
        output.say(&format!("weights {weights}"));
        if let Some(test) = &report.test {
            say_scores(test, report.data.test, report.baseline.as_ref(), output);
        }
        output.say(&format!("report  {}", path(&run.report_path())));
        output.event("done", &done);
        Ok(())
    }

    /// Describes the weights that are tested. `best` is the best epoch, if they are its weights.
    fn weights_text(&self, best: Option<usize>, epochs: usize) -> String {
        match best {
            Some(best) => {
                let by = self.monitor().map_or("loss", |(monitor, _)| monitor);
                format!("the best epoch, {}, by {by}", count(best as u64))
            }
            None => format!("the last epoch, {}", count(epochs as u64)),
        }
    }

    fn report(
        &self,
        run: &RunFolder,
        facts: RunFacts,
        epochs: Vec<wgrad::run::EpochRecord>,
        best_epoch: Option<usize>,
        weights: &str,
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
                metrics: evaluation.metrics,
                intervals: tested.intervals,
                weights: weights.to_string(),
            }),
            epochs,
            best_epoch,
            confusion: tested.confusion,
            predictions: tested.predictions,
            baseline: tested.baseline,
            probabilities: tested.probabilities,
            importance: tested.importance,
            worst: tested.worst,
            columns: super::tested::columns(&self.config, &data.preprocessing),
            notes: data.notes.clone(),
            layers: layers.collect(),
            config: self.config.to_toml(),
        }
    }
}

/// Prints a test's results, the first metric first, and below them those of the trivial model.
pub fn say_scores(
    test: &TestResult,
    samples: usize,
    trivial: Option<&Trivial>,
    output: &mut Output,
) {
    let with = |mut parts: Vec<String>, note: String| {
        if let Some(last) = parts.last_mut() {
            last.push_str(&note);
        }
        parts
    };
    let note = format!(" ({} samples)", count(samples as u64));
    let parts = with(values_text(&test.metrics, test.loss), note);
    output.say(&paragraph("test", &parts));
    let Some(trivial) = trivial else { return };
    let note = format!(" (always {})", trivial.prediction);
    let parts = with(values_text(&trivial.metrics, trivial.loss), note);
    output.say(&paragraph("trivial", &parts));
    if let Some(sentence) = not_better(test, trivial) {
        let parts: Vec<String> = sentence.split(", ").map(str::to_string).collect();
        output.say(&paragraph("note", &parts));
    }
}

fn values_text(metrics: &[(String, f64)], loss: f64) -> Vec<String> {
    let pairs = metrics.iter().map(|(name, value)| (name.as_str(), *value));
    pairs
        .chain([("loss", loss)])
        .map(|(name, value)| format!("{name} {}", metric(name, value)))
        .collect()
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
