//! Writes predictions as CSV, JSON lines or events.

use serde_json::{Map, Value};
use wgrad::run::{PredictedRows, Prediction, Preprocessing};

use crate::args::PredictionFormat;

/// The keys of a row of JSON lines, besides those of the kept columns.
const KEYS: [&str; 3] = ["predicted", "probabilities", "deviations"];

/// Formats blocks of predictions, in the order of the input.
pub struct Formatter<'a> {
    preprocessing: &'a Preprocessing,
    kept: &'a [String],
    format: PredictionFormat,
    started: bool,
}

impl<'a> Formatter<'a> {
    /// Creates a formatter for predictions with these kept columns.
    ///
    /// # Errors
    ///
    /// Returns the name of a kept column that is a key of the format itself.
    pub fn new(
        preprocessing: &'a Preprocessing,
        kept: &'a [String],
        format: PredictionFormat,
    ) -> Result<Self, &'a str> {
        let taken = kept.iter().find(|name| KEYS.contains(&name.as_str()));
        match (format, taken) {
            (PredictionFormat::Jsonl, Some(name)) => Err(name),
            _ => Ok(Formatter {
                preprocessing,
                kept,
                format,
                started: false,
            }),
        }
    }

    /// Returns a block of predictions as text; with the header before the first one.
    pub fn block(&mut self, rows: &PredictedRows) -> csv::Result<Vec<u8>> {
        match self.format {
            PredictionFormat::Csv => self.csv(rows),
            PredictionFormat::Jsonl => Ok(self.json_lines(rows)),
        }
    }

    fn csv(&mut self, rows: &PredictedRows) -> csv::Result<Vec<u8>> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        if !std::mem::replace(&mut self.started, true) {
            let names = header(self.preprocessing, rows.predictions.first());
            writer.write_record(self.kept.iter().chain(&names))?;
        }
        for (row, prediction) in rows.predictions.iter().enumerate() {
            let kept = rows.kept.get(row).map(Vec::as_slice).unwrap_or_default();
            writer.write_record(kept.iter().chain(&fields(prediction)))?;
        }
        writer
            .into_inner()
            .map_err(|e| csv::Error::from(e.into_error()))
    }

    fn json_lines(&self, rows: &PredictedRows) -> Vec<u8> {
        let mut text = Vec::new();
        for (row, prediction) in rows.predictions.iter().enumerate() {
            let kept = rows.kept.get(row).map(Vec::as_slice).unwrap_or_default();
            let mut object = cells(self.kept, kept);
            object.extend(self.object(prediction));
            text.extend(Value::Object(object).to_string().into_bytes());
            text.push(b'\n');
        }
        text
    }

    /// Returns a prediction as a JSON object.
    fn object(&self, prediction: &Prediction) -> Map<String, Value> {
        let shares = |values: &[f64], name: &dyn Fn(usize) -> String| {
            let named = values
                .iter()
                .enumerate()
                .map(|(i, p)| (name(i), (*p).into()));
            Value::Object(named.collect())
        };
        let of = self.preprocessing;
        let mut object = Map::new();
        let [predicted, probabilities_key, deviations_key] = KEYS.map(str::to_string);
        match prediction {
            Prediction::Class {
                name,
                probabilities,
                ..
            } => {
                object.insert(predicted, name.as_str().into());
                if !probabilities.is_empty() {
                    let named = shares(probabilities, &|i| of.class_name(i));
                    object.insert(probabilities_key, named);
                }
            }
            Prediction::Labels {
                names,
                probabilities,
            } => {
                object.insert(predicted, names.clone().into());
                let named = shares(probabilities, &|i| of.output_name(i));
                object.insert(probabilities_key, named);
            }
            Prediction::Values { values, deviations } => {
                let name = |i: usize| match of.target.as_str() {
                    target if values.len() == 1 && !target.is_empty() => target.to_string(),
                    _ => of.output_name(i),
                };
                // As in CSV, without digits that an f32 does not have.
                let shown = |values: &[f64]| {
                    let named = values.iter().enumerate();
                    let named = named.map(|(i, v)| (name(i), number(*v)));
                    Value::Object(named.collect())
                };
                object.insert(predicted, shown(values));
                if !deviations.is_empty() {
                    object.insert(deviations_key, shown(deviations));
                }
            }
        }
        object
    }
}

/// Returns the cells of the kept columns by name.
pub fn cells(names: &[String], cells: &[String]) -> Map<String, Value> {
    let named = names.iter().zip(cells);
    named
        .map(|(name, cell)| (name.clone(), cell.as_str().into()))
        .collect()
}

/// Returns the shortest number that is the same f32; null if it is not finite.
fn number(value: f64) -> Value {
    let text = (value as f32).to_string();
    text.parse::<f64>().map_or(Value::Null, Value::from)
}

/// Returns the header of the predictions in CSV.
fn header(preprocessing: &Preprocessing, first: Option<&Prediction>) -> Vec<String> {
    let predicted = match preprocessing.target.as_str() {
        "" => "predicted".to_string(),
        target => format!("predicted {target}"),
    };
    let mut header = vec![predicted.clone()];
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
    header
}

/// Returns the fields of a prediction in CSV.
fn fields(prediction: &Prediction) -> Vec<String> {
    // Probabilities come from f32 logits, so more than six digits carry no information.
    let shares = |probabilities: &[f64]| -> Vec<String> {
        probabilities.iter().map(|p| format!("{p:.6}")).collect()
    };
    match prediction {
        Prediction::Class {
            name,
            probabilities,
            ..
        } => [vec![name.clone()], shares(probabilities)].concat(),
        Prediction::Labels {
            names,
            probabilities,
        } => [vec![names.join("|")], shares(probabilities)].concat(),
        Prediction::Values { values, deviations } => {
            let all = values.iter().chain(deviations);
            all.map(|v| (*v as f32).to_string()).collect()
        }
    }
}
