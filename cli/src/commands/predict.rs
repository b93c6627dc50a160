//! `wgrad predict`: writes a trained model's predictions for new data as CSV or JSON lines.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Map, Value};
use wgrad::data::FileList;
use wgrad::run::{AtomicFile, PredictedRows, Prediction, Preprocessing};
use wgrad::{Error, Run};

use crate::args::{PredictArgs, PredictionFormat};
use crate::failure::Failure;
use crate::output::Output;
use crate::predictions::{Formatter, cells};
use crate::text::{count, path};
use wgrad::spec::Overrides;

/// The prediction of a sample, as a JSON event.
#[derive(Serialize)]
struct PredictionEvent {
    /// The index of the sample in the input, counted from 0.
    row: usize,
    /// The cells of the kept columns.
    #[serde(skip_serializing_if = "Map::is_empty")]
    kept: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    labels: Option<Vec<String>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    probabilities: BTreeMap<String, f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    values: Vec<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    deviations: Vec<f64>,
}

/// The last JSON event.
#[derive(Serialize)]
struct Done {
    run: String,
    device: String,
    samples: usize,
    out: Option<String>,
}

/// Computes the predictions of a run's model.
pub fn run(args: &PredictArgs, output: &mut Output) -> Result<(), Failure> {
    if output.json() && args.out.is_none() && args.format.is_some() {
        let reason =
            "--json prints events; give --out FILE with --format, or leave out one of them";
        return Err(Failure::Usage(reason.to_string()));
    }
    let overrides = Overrides {
        device: args.device.clone(),
        ..Overrides::default()
    };
    let run = Run::open_with(&args.run, &overrides)?;
    match args.input.as_slice() {
        [file] if file.as_os_str() == "-" => {
            let copy = StdinCopy::new()?;
            predict(args, &run, &copy.file().into(), output).map_err(|e| copy.named(e))
        }
        files => predict(args, &run, &files.iter().cloned().collect(), output),
    }
}

fn predict(
    args: &PredictArgs,
    run: &Run,
    files: &FileList,
    output: &mut Output,
) -> Result<(), Failure> {
    let input = run.prediction_input(files, &args.keep)?;
    for note in input.notes() {
        output.note(&format!("note: {note}"));
    }
    if !input.unused().is_empty() {
        output.note(&format!(
            "note: columns not used by this model: {}",
            input.unused().join(", ")
        ));
    }
    let preprocessing = run.preprocessing();
    let mut formatter =
        Formatter::new(preprocessing, input.kept(), format(args)).map_err(|name| {
            let reason = format!(
                "the column {name:?} has the name of a key of the predictions, so it cannot be \
                 kept in JSON lines; use --format csv"
            );
            Failure::Usage(reason)
        })?;
    let device = run.config().training.device.open()?;
    let mut predictor = run.predictor(&device)?;
    let mut file = args.out.as_deref().map(AtomicFile::create).transpose()?;
    let mut samples = 0;
    let done = predictor.predict_input(&input, &mut |rows| {
        match (&mut file, &args.out) {
            (Some(file), Some(out)) => {
                let text = formatter.block(&rows).map_err(|e| failed(out, e.into()))?;
                file.write_all(&text).map_err(|e| failed(out, e))?;
            }
            _ if output.json() => events(preprocessing, input.kept(), samples, &rows, output),
            _ => {
                let stdout = Path::new("stdout");
                let text = formatter
                    .block(&rows)
                    .map_err(|e| failed(stdout, e.into()))?;
                output.bytes(&text);
            }
        }
        samples += rows.predictions.len();
        // Without a reader, the rest need not be computed. `Output::finish` returns the error.
        match output.is_closed() {
            true => Err(failed(
                Path::new("stdout"),
                io::ErrorKind::BrokenPipe.into(),
            )),
            false => Ok(()),
        }
    });
    if output.is_closed() && file.is_none() {
        return Ok(());
    }
    done?;
    if let (Some(file), Some(out)) = (file, &args.out) {
        file.commit()?;
        output.say(&format!(
            "{} predictions in {}",
            count(samples as u64),
            path(out)
        ));
    }
    output.event(
        "done",
        &Done {
            run: run.folder().path().display().to_string(),
            device: device.name(),
            samples,
            out: args.out.as_ref().map(|out| out.display().to_string()),
        },
    );
    Ok(())
}

/// Returns the format of the predictions: the one given, or that of the name of the file.
fn format(args: &PredictArgs) -> PredictionFormat {
    let extension = args.out.as_ref().and_then(|out| out.extension());
    let extension = extension.map(|e| e.to_string_lossy().to_lowercase());
    args.format.unwrap_or(match extension.as_deref() {
        Some("jsonl" | "ndjson") => PredictionFormat::Jsonl,
        _ => PredictionFormat::Csv,
    })
}

fn failed(path: &Path, source: io::Error) -> Error {
    Error::Io {
        path: path.to_path_buf(),
        action: "write",
        source,
    }
}

/// A copy of stdin in a temporary folder: a table is read several times. It is removed when the
/// value is dropped.
struct StdinCopy {
    folder: tempfile::TempDir,
}

impl StdinCopy {
    /// Copies stdin to its end.
    fn new() -> Result<Self, Failure> {
        let error = |e: io::Error| {
            let place = std::env::temp_dir();
            let place = place.display();
            Failure::Found(format!("cannot copy stdin to a file in {place}: {e}"))
        };
        let copy = StdinCopy {
            folder: tempfile::tempdir().map_err(error)?,
        };
        let mut file = File::create(copy.file()).map_err(error)?;
        io::copy(&mut io::stdin().lock(), &mut file).map_err(error)?;
        Ok(copy)
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("stdin")
    }

    /// Names stdin in an error instead of the copy.
    fn named(&self, failure: Failure) -> Failure {
        let copy = self.file().display().to_string();
        match failure {
            Failure::Engine(Error::Data { place, reason }) => Failure::Engine(Error::Data {
                place: place.replace(&copy, "stdin"),
                reason: reason.replace(&copy, "stdin"),
            }),
            other => other,
        }
    }
}

/// Prints the predictions as JSON events. `first` is the index of the first row.
fn events(
    preprocessing: &Preprocessing,
    names: &[String],
    first: usize,
    rows: &PredictedRows,
    output: &mut Output,
) {
    for (i, prediction) in rows.predictions.iter().enumerate() {
        let mut event = event(preprocessing, first + i, prediction);
        if let Some(kept) = rows.kept.get(i) {
            event.kept = cells(names, kept);
        }
        output.event("prediction", &event);
    }
}

fn event(preprocessing: &Preprocessing, row: usize, prediction: &Prediction) -> PredictionEvent {
    let mut event = PredictionEvent {
        row,
        kept: Map::new(),
        class: None,
        labels: None,
        probabilities: BTreeMap::new(),
        values: Vec::new(),
        deviations: Vec::new(),
    };
    match prediction {
        Prediction::Class {
            name,
            probabilities,
            ..
        } => {
            event.class = Some(name.clone());
            let named = probabilities.iter().enumerate();
            event.probabilities = named
                .map(|(i, p)| (preprocessing.class_name(i), *p))
                .collect();
        }
        Prediction::Labels {
            names,
            probabilities,
        } => {
            event.labels = Some(names.clone());
            let named = probabilities.iter().enumerate();
            event.probabilities = named
                .map(|(i, p)| (preprocessing.output_name(i), *p))
                .collect();
        }
        Prediction::Values { values, deviations } => {
            event.values.clone_from(values);
            event.deviations.clone_from(deviations);
        }
    }
    event
}
