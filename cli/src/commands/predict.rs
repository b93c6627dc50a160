//! `wgrad predict`: writes a trained model's predictions for new data as CSV.

use std::collections::BTreeMap;

use serde::Serialize;
use wgrad::Run;
use wgrad::data::ImageFolder;
use wgrad::run::{Prediction, write_atomically};

use crate::args::PredictArgs;
use crate::failure::Failure;
use crate::output::Output;
use crate::text::{count, path};
use wgrad::run::Preprocessing;
use wgrad::spec::{DataSource, Overrides};

/// The prediction of a sample, as a JSON event.
#[derive(Serialize)]
struct PredictionEvent {
    /// The index of the sample in the input, counted from 0.
    row: usize,
    /// The file of an image.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
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
    let overrides = Overrides {
        device: args.device.clone(),
        ..Overrides::default()
    };
    let run = Run::open_with(&args.run, &overrides)?;
    let preprocessing = run.preprocessing();
    let source = &run.config().data.source;
    let (set, spare, names) = match source {
        DataSource::Images(_) => {
            let images = ImageFolder::unlabelled(&args.input)?;
            for note in images.notes() {
                output.note(&format!("note: {note}"));
            }
            let names: Vec<String> = images.names().map(str::to_string).collect();
            (preprocessing.images(&images)?, Vec::new(), names)
        }
        _ => {
            let files = args.input.iter().cloned().collect();
            let (set, spare) = preprocessing.unlabelled(source, &files)?;
            (set, spare, Vec::new())
        }
    };
    let unexpected: Vec<&str> = spare
        .iter()
        .map(String::as_str)
        .filter(|c| *c != preprocessing.target)
        .collect();
    if !unexpected.is_empty() {
        output.note(&format!(
            "note: columns not used by this model: {}",
            unexpected.join(", ")
        ));
    }
    let device = run.config().training.device.open()?;
    let predictions = run.predictor(&device)?.predict(&set)?;
    let failed =
        |e: csv::Error| Failure::Found(format!("cannot write the predictions as CSV: {e}"));
    match &args.out {
        Some(out) => {
            let text = table(preprocessing, &predictions, &names).map_err(failed)?;
            write_atomically(out, &text)?;
            output.say(&format!(
                "{} predictions in {}",
                count(predictions.len() as u64),
                path(out)
            ));
        }
        None if output.json() => {
            for (row, prediction) in predictions.iter().enumerate() {
                let event = PredictionEvent {
                    file: names.get(row).cloned(),
                    ..event(preprocessing, row, prediction)
                };
                output.event("prediction", &event);
            }
        }
        None => {
            let text = table(preprocessing, &predictions, &names).map_err(failed)?;
            output.say(String::from_utf8_lossy(&text).trim_end());
        }
    }
    output.event(
        "done",
        &Done {
            run: run.folder().path().display().to_string(),
            device: device.name(),
            samples: predictions.len(),
            out: args.out.as_ref().map(|out| out.display().to_string()),
        },
    );
    Ok(())
}

fn event(preprocessing: &Preprocessing, row: usize, prediction: &Prediction) -> PredictionEvent {
    let mut event = PredictionEvent {
        row,
        file: None,
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

/// Formats the predictions as CSV, in the order of the input. The first column is the `files` of
/// images; other samples have none.
fn table(
    preprocessing: &Preprocessing,
    predictions: &[Prediction],
    files: &[String],
) -> csv::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let predicted = match preprocessing.target.as_str() {
        "" => "predicted".to_string(),
        target => format!("predicted {target}"),
    };
    let mut header = vec![predicted.clone()];
    let first = predictions.first();
    let output = |i: usize| preprocessing.output_name(i);
    match (preprocessing.quantities, first) {
        (n, Some(Prediction::Labels { .. })) => {
            header.extend((0..n).map(|i| format!("p({})", output(i))));
        }
        (0, Some(Prediction::Class { probabilities, .. })) if probabilities.is_empty() => {}
        (0, _) => header.extend(preprocessing.classes.iter().map(|c| format!("p({c})"))),
        (1, _) => {}
        (n, _) if preprocessing.outputs.is_empty() => {
            header = (0..n).map(|i| format!("{predicted} {i}")).collect();
        }
        (n, _) => header = (0..n).map(|i| format!("predicted {}", output(i))).collect(),
    }
    if let Some(Prediction::Values { deviations, .. }) = first
        && !deviations.is_empty()
    {
        let of: Vec<String> = header.iter().map(|h| format!("deviation of {h}")).collect();
        header.extend(of);
    }
    let named = !files.is_empty();
    writer.write_record(
        named
            .then_some("file")
            .into_iter()
            .chain(header.iter().map(String::as_str)),
    )?;
    for (row, prediction) in predictions.iter().enumerate() {
        if let Some(file) = files.get(row) {
            writer.write_field(file)?;
        }
        match prediction {
            Prediction::Class {
                name,
                probabilities,
                ..
            } => {
                let mut fields = vec![name.clone()];
                // Probabilities come from f32 logits, so more than six digits carry no information.
                fields.extend(probabilities.iter().map(|p| format!("{p:.6}")));
                writer.write_record(&fields)?;
            }
            Prediction::Labels {
                names,
                probabilities,
            } => {
                let mut fields = vec![names.join("|")];
                fields.extend(probabilities.iter().map(|p| format!("{p:.6}")));
                writer.write_record(&fields)?;
            }
            Prediction::Values { values, deviations } => {
                let all = values.iter().chain(deviations);
                writer.write_record(all.map(|v| (*v as f32).to_string()))?;
            }
        }
    }
    writer
        .into_inner()
        .map_err(|e| csv::Error::from(e.into_error()))
}
