//! The targets of a table: classes, labels or numbers.

use crate::data::{
    ColumnFormat, ColumnProfile, ColumnType, MISSING, Profile, RawTable, RowPlace, Targets, Values,
};
use crate::run::preprocessing::Preprocessing;
use crate::spec::TableSpec;
use crate::task::Task;
use crate::{Error, Result};

/// The most distinct integers of a target that are classes.
const MOST_CLASSES: usize = 20;

/// Returns the task of a table's targets, and the reason.
pub(super) fn task_of(spec: &TableSpec, profile: &Profile) -> Result<(Task, String)> {
    let unknown: Vec<&str> = spec
        .target
        .iter()
        .filter(|name| profile.column(name).is_none())
        .collect();
    if !unknown.is_empty() {
        return Err(profile.table.no_columns(&unknown));
    }
    let columns: Vec<&ColumnProfile> = spec
        .target
        .iter()
        .filter_map(|name| profile.column(name))
        .collect();
    match columns.as_slice() {
        [one] => Ok(task_of_one(spec, one)),
        several => {
            if several.iter().all(|column| is_label(column)) {
                let why = format!("{} have booleans only", quoted(spec.target.iter()));
                return Ok((Task::Multilabel, why));
            }
            let other = several.iter().find(|c| c.numbers != c.present());
            match other {
                None => Ok((
                    Task::Regression,
                    format!("{} have numbers", quoted(spec.target.iter())),
                )),
                Some(column) => {
                    let found = column.not_a_number.as_ref();
                    let (found, at) =
                        found.map_or(("", RowPlace::default()), |(cell, at)| (cell, *at));
                    let reason = format!(
                        "expected only numbers or only booleans in the {} targets, found {found:?} in column \
                         {:?} ({})",
                        several.len(),
                        column.name,
                        profile.table.row_name(at)
                    );
                    Err(Error::data(profile.table.place(), reason))
                }
            }
        }
    }
}

fn task_of_one(spec: &TableSpec, target: &ColumnProfile) -> (Task, String) {
    let name = &target.name;
    if let Some(separator) = &spec.separator {
        let why = format!("{name:?} has labels between {separator:?}");
        return (Task::Multilabel, why);
    }
    let of = spec.columns.get(name);
    match of.copied().unwrap_or(target.inferred.column_type) {
        ColumnType::Number | ColumnType::Date | ColumnType::Id if of.is_some() => {
            (Task::Regression, format!("{name:?} is set to be a number"))
        }
        // Also numbers that count the rows, or that are all the same.
        _ if target.numbers == target.present() && of.is_none() && spec.positive.is_none() => {
            match target.integers && !target.more_distinct && target.distinct <= MOST_CLASSES {
                true => {
                    let why = format!("{name:?} has {} distinct integers", target.distinct);
                    (Task::Classification, why)
                }
                false => (Task::Regression, format!("{name:?} has numbers")),
            }
        }
        _ => (Task::Classification, format!("{name:?} has names")),
    }
}

/// Returns whether a column has booleans only: in words, or the numbers 0 and 1.
fn is_label(column: &ColumnProfile) -> bool {
    let bits = column.integers
        && column.numbers == column.present()
        && column
            .range
            .is_some_and(|(low, high)| low >= 0.0 && high <= 1.0);
    bits || column.inferred.column_type == ColumnType::Boolean
}

fn quoted<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("{name:?}")).collect();
    names.join(", ")
}

/// Returns how the targets are read. The target of a classification is read as text, so that `7`
/// and `007` are two classes.
pub(super) fn formats(spec: &TableSpec, task: Task) -> Vec<ColumnFormat> {
    let column_type = match task {
        Task::Classification => ColumnType::Category,
        Task::Multilabel if spec.separator.is_some() => ColumnType::Category,
        Task::Multilabel => ColumnType::Boolean,
        Task::Regression | Task::Language => ColumnType::Number,
    };
    let format = |name: &str| ColumnFormat {
        name: name.to_string(),
        column_type,
        date_format: None,
    };
    spec.target.iter().map(format).collect()
}

/// The targets of a table's rows.
pub(super) struct TableTargets {
    /// The targets.
    pub targets: Targets,
    /// The names of several values: of labels, or of target columns.
    pub outputs: Vec<String>,
}

/// Returns the targets of the training data. With `merge`, names of classes that differ in upper
/// and lower case only are one class.
pub(super) fn of(
    spec: &TableSpec,
    task: Task,
    columns: Vec<Values>,
    merge: bool,
    table: &RawTable,
    notes: &mut Vec<String>,
) -> Result<TableTargets> {
    let (targets, outputs) = match (task, &spec.separator) {
        (Task::Classification, _) => {
            let first = columns.into_iter().next();
            let values = first.unwrap_or(Values::Number(Vec::new()));
            let targets = classes(values, merge, notes)?;
            (positive_last(spec, targets, table)?, Vec::new())
        }
        (Task::Multilabel, Some(separator)) => {
            let (codes, names) = categories(&columns)?;
            let mut labels: Vec<String> = names
                .iter()
                .flat_map(|cell| labels_of(cell, separator))
                .map(str::to_string)
                .collect();
            labels.sort();
            labels.dedup();
            if labels.is_empty() {
                let reason = "expected labels in some row, found none";
                return Err(Error::data(place(spec, table), reason));
            }
            let none = codes.iter().filter(|code| **code == MISSING).count();
            if none > 0 {
                let rows_have = if none == 1 { "row has" } else { "rows have" };
                notes.push(format!("{none} {rows_have} no label"));
            }
            let targets = separated(codes, names, &labels, separator, &place(spec, table))?;
            (targets, labels)
        }
        (Task::Multilabel | Task::Regression | Task::Language, _) => {
            let outputs = match columns.len() {
                1 => Vec::new(),
                _ => spec.target.iter().map(str::to_string).collect(),
            };
            (numbers(&columns)?, outputs)
        }
    };
    Ok(TableTargets { targets, outputs })
}

/// Returns the targets of other rows, with the classes and labels of the training data.
pub(super) fn like(
    known: &Preprocessing,
    spec: &TableSpec,
    task: Task,
    columns: Vec<Values>,
    table: &RawTable,
) -> Result<Targets> {
    match (task, &spec.separator) {
        (Task::Classification, _) => {
            let (codes, names) = categories(&columns)?;
            let place_of = |name: &str| {
                let exact = known.classes.iter().position(|n| n == name);
                let same = |n: &String| n.eq_ignore_ascii_case(name);
                exact.or_else(|| known.classes.iter().position(same))
            };
            let mut places = Vec::with_capacity(names.len());
            for name in names {
                let Some(class) = place_of(name) else {
                    let reason = format!(
                        "expected a class of the training data, one of {}, found {name:?}",
                        quoted(known.classes.iter().take(12).map(String::as_str))
                    );
                    return Err(Error::data(place(spec, table), reason));
                };
                places.push(class as u32);
            }
            let label = |code: &u32| places.get(*code as usize).copied().unwrap_or(0);
            Ok(Targets::Classes {
                labels: codes.iter().map(label).collect(),
                names: known.classes.clone(),
            })
        }
        (Task::Multilabel, Some(separator)) => {
            let (codes, names) = categories(&columns)?;
            separated(codes, names, &known.outputs, separator, &place(spec, table))
        }
        (Task::Multilabel | Task::Regression | Task::Language, _) => numbers(&columns),
    }
}

fn place(spec: &TableSpec, table: &RawTable) -> String {
    format!("{}, column {}", table.place(), quoted(spec.target.iter()))
}

fn categories(columns: &[Values]) -> Result<(&[u32], &[String])> {
    match columns {
        [Values::Category { codes, names }] => Ok((codes, names)),
        _ => Err(Error::data("the target", "expected one column of names")),
    }
}

/// Returns numbers, `[rows, columns]`.
fn numbers(columns: &[Values]) -> Result<Targets> {
    let mut parts = Vec::with_capacity(columns.len());
    for column in columns {
        match column {
            Values::Number(v) | Values::Date(v) => parts.push(v),
            other => {
                let reason = format!("expected numbers, found {}", other.kind());
                return Err(Error::data("the target", reason));
            }
        }
    }
    let rows = parts.first().map_or(0, |part| part.len());
    let row = |i: usize| parts.iter().filter_map(move |part| part.get(i));
    Ok(Targets::Values {
        values: (0..rows).flat_map(row).map(|v| *v as f32).collect(),
        width: parts.len(),
    })
}

/// Returns the labels of a cell.
fn labels_of<'c>(cell: &'c str, separator: &'c str) -> impl Iterator<Item = &'c str> {
    cell.split(separator)
        .map(str::trim)
        .filter(|label| !label.is_empty())
}

/// Returns 1 for the labels of each row and 0 for the others, `[rows, labels]`.
fn separated(
    codes: &[u32],
    cells: &[String],
    labels: &[String],
    separator: &str,
    place: &str,
) -> Result<Targets> {
    let mut of_cells = Vec::with_capacity(cells.len());
    for cell in cells {
        let mut row = vec![0.0; labels.len()];
        for label in labels_of(cell, separator) {
            let at = labels.iter().position(|known| known == label);
            let Some(slot) = at.and_then(|at| row.get_mut(at)) else {
                let known = quoted(labels.iter().take(12).map(String::as_str));
                let reason = format!(
                    "expected labels of the training data, among them {known}, found {label:?}"
                );
                return Err(Error::data(place, reason));
            };
            *slot = 1.0;
        }
        of_cells.push(row);
    }
    let none = vec![0.0; labels.len()];
    let row = |code: &u32| of_cells.get(*code as usize).unwrap_or(&none);
    Ok(Targets::Values {
        values: codes.iter().flat_map(row).copied().collect(),
        width: labels.len(),
    })
}

/// Makes the positive class the second of two.
fn positive_last(spec: &TableSpec, targets: Targets, table: &RawTable) -> Result<Targets> {
    let (
        Some(positive),
        Targets::Classes {
            mut labels,
            mut names,
        },
    ) = (&spec.positive, targets.clone())
    else {
        return Ok(targets);
    };
    let place = || place(spec, table);
    if names.len() != 2 {
        let reason = format!(
            "`positive` is for two classes, but there are {}: {}",
            names.len(),
            quoted(names.iter().take(12).map(String::as_str))
        );
        return Err(Error::data(place(), reason));
    }
    match names.iter().position(|name| name == positive) {
        Some(1) => Ok(targets),
        Some(_) => {
            names.reverse();
            labels.iter_mut().for_each(|label| *label = 1 - *label);
            Ok(Targets::Classes { labels, names })
        }
        None => {
            let known = quoted(names.iter().map(String::as_str));
            let reason = format!("expected `positive` to be one of {known}, found {positive:?}");
            Err(Error::data(place(), reason))
        }
    }
}

/// Returns labels with the names of their classes. With `merge`, names that differ in upper and
/// lower case only are one class, with the most frequent of these names.
fn classes(values: Values, merge: bool, notes: &mut Vec<String>) -> Result<Targets> {
    let Values::Category {
        mut codes,
        mut names,
    } = values
    else {
        let reason = format!("expected names of classes, found {}", values.kind());
        return Err(Error::data("the target", reason));
    };
    // Without the names of rows that were left out.
    let mut counts = vec![0usize; names.len()];
    for code in &codes {
        if let Some(count) = counts.get_mut(*code as usize) {
            *count += 1;
        }
    }
    let mut kept: Vec<(String, usize)> = Vec::new();
    let mut places = vec![MISSING; names.len()];
    for (i, name) in names.iter().enumerate() {
        let count = counts.get(i).copied().unwrap_or(0);
        if count == 0 {
            continue;
        }
        let same = |other: &(String, usize)| merge && other.0.eq_ignore_ascii_case(name);
        let place = match kept.iter().position(same) {
            Some(place) => place,
            None => {
                kept.push((name.clone(), 0));
                kept.len() - 1
            }
        };
        if let (Some(slot), Some(entry)) = (places.get_mut(i), kept.get_mut(place)) {
            *slot = place as u32;
            if entry.0 != *name {
                notes.push(format!(
                    "the targets {:?} and {name:?} are one class",
                    entry.0
                ));
            }
            if count > entry.1 {
                *entry = (name.clone(), count);
            }
        }
    }
    for code in &mut codes {
        *code = places.get(*code as usize).copied().unwrap_or(MISSING);
    }
    names = kept.into_iter().map(|(name, _)| name).collect();
    Ok(Targets::Classes {
        labels: codes,
        names,
    })
}
