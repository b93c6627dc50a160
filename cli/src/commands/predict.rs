//! `wgrad predict`: a trained network's outputs for new data, as CSV.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::args::PredictArgs;
use crate::commands::{Trained, open_run};
use crate::config::Overrides;
use crate::failure::Failure;
use crate::outcome::{self, Answer};
use crate::output::Output;
use crate::preparation::Preparation;
use crate::text::{count, path};

/// One sample's prediction, as an event.
#[derive(Serialize)]
struct Prediction {
    /// Which sample of the input, counted from 0.
    row: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    probabilities: BTreeMap<String, f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    values: Vec<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    deviations: Vec<f64>,
}

/// The command's result.
#[derive(Serialize)]
struct Done {
    run: String,
    device: String,
    samples: usize,
    out: Option<String>,
}

/// Computes the outputs of a run's network.
pub fn run(args: &PredictArgs, output: &mut Output) -> Result<(), Failure> {
    let overrides = Overrides {
        device: args.device.clone(),
        ..Overrides::default()
    };
    let (run, config) = open_run(&args.run, &overrides)?;
    let mut trained = Trained::open(&run, &config)?;
    let (set, spare) = trained
        .preparation
        .unlabelled(&config.data.source, &args.input)?;
    let unexpected: Vec<&str> = spare
        .iter()
        .map(String::as_str)
        .filter(|c| *c != trained.preparation.target)
        .collect();
    if !unexpected.is_empty() {
        output.note(&format!(
            "note: not used by this network: {}",
            unexpected.join(", ")
        ));
    }
    let predictions = trained.trainer.predict(&set)?;
    let answers = outcome::answers(
        config.training.loss.as_ref(),
        &trained.preparation,
        &predictions,
    );
    let failed = |e: csv::Error| Failure::Found(format!("the predictions are no CSV: {e}"));
    match &args.out {
        Some(out) => {
            let text = table(&trained.preparation, &answers).map_err(failed)?;
            wgrad::write_atomically(out, &text)?;
            output.say(&format!(
                "{} predictions in {}",
                count(answers.len() as u64),
                path(out)
            ));
        }
        None if output.json() => {
            for (row, answer) in answers.iter().enumerate() {
                output.event("prediction", &event(&trained.preparation, row, answer));
            }
        }
        None => {
            let text = table(&trained.preparation, &answers).map_err(failed)?;
            output.say(String::from_utf8_lossy(&text).trim_end());
        }
    }
    output.event(
        "done",
        &Done {
            run: run.path().display().to_string(),
            device: trained.trainer.device().name(),
            samples: answers.len(),
            out: args.out.as_ref().map(|out| out.display().to_string()),
        },
    );
    Ok(())
}

fn event(preparation: &Preparation, row: usize, answer: &Answer) -> Prediction {
    let mut event = Prediction {
        row,
        class: None,
        probabilities: BTreeMap::new(),
        values: Vec::new(),
        deviations: Vec::new(),
    };
    match answer {
        Answer::Class {
            class,
            probabilities,
        } => {
            event.class = Some(preparation.class_name(*class));
            let named = probabilities.iter().enumerate();
            event.probabilities = named
                .map(|(i, p)| (preparation.class_name(i), *p))
                .collect();
        }
        Answer::Values { values, deviations } => {
            event.values.clone_from(values);
            event.deviations.clone_from(deviations);
        }
    }
    event
}

/// The predictions as CSV, in the order of the input.
fn table(preparation: &Preparation, answers: &[Answer]) -> csv::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let predicted = match preparation.target.as_str() {
        "" => "predicted".to_string(),
        target => format!("predicted {target}"),
    };
    let mut header = vec![predicted.clone()];
    let first = answers.first();
    match (preparation.quantities, first) {
        (0, Some(Answer::Class { probabilities, .. })) if probabilities.is_empty() => {}
        (0, _) => header.extend(preparation.classes.iter().map(|c| format!("p({c})"))),
        (1, _) => {}
        (n, _) => header = (0..n).map(|i| format!("{predicted} {i}")).collect(),
    }
    if let Some(Answer::Values { deviations, .. }) = first
        && !deviations.is_empty()
    {
        let of: Vec<String> = header.iter().map(|h| format!("deviation of {h}")).collect();
        header.extend(of);
    }
    writer.write_record(&header)?;
    for answer in answers {
        match answer {
            Answer::Class {
                class,
                probabilities,
            } => {
                let mut fields = vec![preparation.class_name(*class)];
                // Probabilities are computed in f32 logits: six digits are all that is in them.
                fields.extend(probabilities.iter().map(|p| format!("{p:.6}")));
                writer.write_record(&fields)?;
            }
            Answer::Values { values, deviations } => {
                let all = values.iter().chain(deviations);
                writer.write_record(all.map(|v| (*v as f32).to_string()))?;
            }
        }
    }
    writer
        .into_inner()
        .map_err(|e| csv::Error::from(e.into_error()))
}
