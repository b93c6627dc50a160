//! `wgrad explain`: which columns of a table matter, and what they contribute to one prediction.

use std::path::Path;

use serde::Serialize;
use wgrad::Run;
use wgrad::explain::{Explainer, permutation_importance};
use wgrad::run::Prediction;
use wgrad::spec::Overrides;

use crate::args::ExplainArgs;
use crate::failure::Failure;
use crate::output::Output;
use crate::text::{count, cut, metric, path, short};

/// The width of the longest bar.
const BAR: f64 = 20.0;

/// The width of the names.
const NAME: usize = 30;

/// A column with its number.
#[derive(Serialize)]
struct ColumnEvent<'a> {
    column: &'a str,
    /// The importance, or the contribution.
    value: f64,
    /// The standard deviation of an importance over the shuffles.
    #[serde(skip_serializing_if = "Option::is_none")]
    deviation: Option<f64>,
}

/// Explains a run, or one of its predictions.
pub fn run(args: &ExplainArgs, output: &mut Output) -> Result<(), Failure> {
    let overrides = Overrides {
        device: args.device.clone(),
        ..Overrides::default()
    };
    let run = Run::open_with(&args.run, &overrides)?;
    match (&args.file, args.row) {
        (Some(file), Some(row)) => contributions(&run, file, row, output),
        (Some(_), None) => Err(Failure::Usage(
            "a file needs the row to explain: add --row 1".to_string(),
        )),
        (None, _) => importance(&run, output),
    }
}

fn importance(run: &Run, output: &mut Output) -> Result<(), Failure> {
    let data = run.datasets()?;
    let (set, split) = match (&data.test, &data.validation) {
        (Some(test), _) => (test, "test"),
        (None, Some(validation)) => (validation, "validation"),
        (None, None) => (&data.train, "training"),
    };
    let device = run.config().training.device.open()?;
    let mut trainer = run.trainer(&device)?;
    let seed = run.config().training.seed;
    let (name, columns) =
        permutation_importance(&mut trainer, run.config(), run.preprocessing(), set, seed)?;
    output.say(&format!(
        "{}: {name} on the {split} split ({} samples) gets worse by this much\n\
         when a column is shuffled, mean and standard deviation of 5 shuffles\n",
        path(run.folder().path()),
        count(set.len() as u64)
    ));
    let rows = columns.iter();
    let rows: Vec<(&str, f64, Option<f64>)> = rows
        .map(|c| (c.column.as_str(), c.drop, Some(c.deviation)))
        .collect();
    table(&name, &rows, output);
    output.event(
        "done",
        &serde_json::json!({ "metric": name, "split": split, "samples": set.len() }),
    );
    Ok(())
}

fn contributions(run: &Run, file: &Path, row: usize, output: &mut Output) -> Result<(), Failure> {
    let device = run.config().training.device.open()?;
    let explained = Explainer::new(run, &device)?.row(file, row)?;
    let prediction = match &explained.prediction {
        Prediction::Class { name, .. } => name.clone(),
        Prediction::Labels { names, .. } => names.join(", "),
        Prediction::Values { values, .. } => {
            let shown: Vec<String> = values.iter().map(|v| short(*v)).collect();
            shown.join(", ")
        }
    };
    let how = match explained.exact {
        true => "exact",
        false => "estimated from 32 orders of the columns",
    };
    output.say(&format!(
        "{}, row {}: {prediction}\n{} {}; mean of training rows {}\n\
         contributions of the columns (Shapley values, {how})\n",
        path(file),
        count(row as u64),
        explained.quantity,
        short(explained.output),
        short(explained.base)
    ));
    let rows = explained.columns.iter();
    let rows: Vec<(&str, f64, Option<f64>)> = rows
        .map(|(name, value)| (name.as_str(), *value, None))
        .collect();
    table("", &rows, output);
    output.event(
        "done",
        &serde_json::json!({
            "prediction": prediction,
            "quantity": explained.quantity,
            "base": explained.base,
            "output": explained.output,
            "exact": explained.exact,
        }),
    );
    Ok(())
}

/// Prints columns with their numbers and bars.
fn table(name: &str, rows: &[(&str, f64, Option<f64>)], output: &mut Output) {
    let names = rows.iter().map(|(column, _, _)| column.chars().count());
    let width = names.max().unwrap_or(0).min(NAME);
    let largest = rows.iter().map(|row| row.1.abs()).fold(0.0, f64::max);
    for (column, value, deviation) in rows {
        let length = match largest > 0.0 {
            true => (value.abs() / largest * BAR).round() as usize,
            false => 0,
        };
        let mark = if *value < 0.0 { "-" } else { "#" };
        let spread = deviation.map_or(String::new(), |d| format!(" ±{}", metric(name, d)));
        let line = format!(
            "{:width$}  {:>10}{spread:11}  {}",
            cut(column, width),
            metric(name, *value),
            mark.repeat(length)
        );
        output.say(line.trim_end());
        output.event(
            "column",
            &ColumnEvent {
                column,
                value: *value,
                deviation: *deviation,
            },
        );
    }
}
