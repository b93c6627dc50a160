//! `wgrad data`: describes the columns of a table.

use serde::Serialize;
use wgrad::data::{ColumnProfile, ColumnType, FileList, Profile, ReadOptions};

use crate::args::DataArgs;
use crate::failure::Failure;
use crate::output::Output;
use crate::text::{count, cut, short};

/// The width of the terminal.
const WIDTH: usize = 80;
/// The most characters of a column's name.
const NAME: usize = 22;

/// A column, as a JSON event.
#[derive(Serialize)]
struct Column<'a> {
    name: &'a str,
    #[serde(rename = "type")]
    column_type: ColumnType,
    rows: u64,
    missing: u64,
    distinct: usize,
    /// Whether there are more distinct values than were counted.
    more_distinct: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    range: Option<(f64, f64)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mean: Option<f64>,
    examples: &'a [String],
    #[serde(skip_serializing_if = "str::is_empty")]
    reason: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Problem<'a>>,
}

#[derive(Serialize)]
struct Problem<'a> {
    message: &'a str,
    file: usize,
    line: u64,
}

/// Describes a table.
pub fn run(args: &DataArgs, output: &mut Output) -> Result<(), Failure> {
    let options = ReadOptions {
        delimiter: args.delimiter,
        header: args.no_header.then_some(false),
        decimal: args.decimal,
        encoding: args.encoding.clone(),
        missing: args.missing.clone(),
    };
    let files: FileList = args.files.iter().cloned().collect();
    let (files, test) = super::new::with_test(&files)?;
    let profile = Profile::open(&files, &options)?;
    let (rows, columns) = (count(profile.rows), profile.columns.len());
    let ending = |one: bool| if one { "" } else { "s" };
    output.say(&format!(
        "{files}: {rows} row{}, {columns} column{}",
        ending(profile.rows == 1),
        ending(columns == 1)
    ));
    if let Some(test) = test {
        output.say(&format!("note: the test data in {test} is not described"));
    }
    for note in profile.table.notes() {
        output.say(&format!("note: {note}"));
    }
    if profile.duplicates > 0 {
        let rows = match profile.duplicates {
            1 => "1 row equals".to_string(),
            n => format!("{} rows equal", count(n)),
        };
        output.say(&format!("note: {rows} an earlier row"));
    }
    let names = profile.columns.iter().map(|c| c.name.chars().count());
    let width = names.max().unwrap_or(0).clamp(6, NAME);
    output.say(&format!(
        "\n{:width$}  type      missing  distinct  values",
        "column"
    ));
    for column in &profile.columns {
        output.say(&line(column, width));
        output.event("column", &event(column));
    }
    let reasons = profile
        .columns
        .iter()
        .filter(|c| !c.inferred.reason.is_empty());
    for (i, column) in reasons.enumerate() {
        let start = if i == 0 { "\n" } else { "" };
        output.say(&format!(
            "{start}{}: {}",
            column.name, column.inferred.reason
        ));
    }
    if let Some(problem) = profile.problem(&|_| true) {
        output.say(&format!("\nproblem: {problem}"));
    }
    output.event(
        "done",
        &serde_json::json!({
            "rows": profile.rows,
            "columns": columns,
            "duplicates": profile.duplicates,
            "encoding": profile.table.encoding(),
            "delimiter": profile.table.dialect().map(|d| char::from(d.delimiter).to_string()),
            "notes": profile.table.notes(),
        }),
    );
    Ok(())
}

fn event(column: &ColumnProfile) -> Column<'_> {
    let problem = column.inferred.problem.as_ref();
    Column {
        name: &column.name,
        column_type: column.inferred.column_type,
        rows: column.rows,
        missing: column.missing,
        distinct: column.distinct,
        more_distinct: column.more_distinct,
        range: column.range,
        mean: column.range.map(|_| column.mean),
        examples: &column.examples,
        reason: &column.inferred.reason,
        problem: problem.map(|problem| Problem {
            message: &problem.message,
            file: problem.at.file,
            line: problem.at.line,
        }),
    }
}

/// Formats a column as one line of at most [`WIDTH`] characters.
fn line(column: &ColumnProfile, width: usize) -> String {
    let name = cut(&column.name, width);
    let more = if column.more_distinct { ">" } else { "" };
    let start = format!(
        "{name:width$}  {:8}  {:>7}  {:>8}  ",
        column.inferred.column_type.name(),
        share(column.missing, column.rows),
        format!("{more}{}", count(column.distinct as u64)),
    );
    let rest = WIDTH.saturating_sub(start.chars().count());
    format!("{start}{}", cut(&values(column), rest))
        .trim_end()
        .to_string()
}

/// Formats a fraction as a percentage, so that only zero is `0%`.
fn share(part: u64, whole: u64) -> String {
    let percent = 100.0 * part as f64 / whole.max(1) as f64;
    match part {
        0 => "0%".to_string(),
        _ if percent < 1.0 => "<1%".to_string(),
        _ if part < whole && percent > 99.0 => ">99%".to_string(),
        _ => format!("{percent:.0}%"),
    }
}

/// Describes the values of a column: the range of numbers, or the most frequent others.
fn values(column: &ColumnProfile) -> String {
    match (column.inferred.column_type, column.range) {
        (ColumnType::Number, Some((low, high))) => {
            format!(
                "{} to {}, mean {}",
                short(low),
                short(high),
                short(column.mean)
            )
        }
        (ColumnType::Category | ColumnType::Boolean, _) if !column.values.is_empty() => {
            let shown = column.values.iter().take(4);
            let shown: Vec<String> = shown.map(|(v, n)| format!("{v} ({})", count(*n))).collect();
            let more = if column.values.len() > 4 { ", ..." } else { "" };
            format!("{}{more}", shown.join(", "))
        }
        _ => column.examples.join(", "),
    }
}
