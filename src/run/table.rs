//! The data of a table with columns of several types.

use super::dataset::{self, Datasets};
use super::preprocessing::{Preprocessing, TablePreprocessing, TargetScale};
use crate::data::{
    ColumnFormat, ColumnProfile, ColumnType, Dataset, Frame, MISSING, Profile, RawTable, Targets,
    Values,
};
use crate::preprocess::{Features, Preprocessor};
use crate::spec::{Config, TableSpec};
use crate::task::Task;
use crate::{Error, Result};

/// The most distinct integers of a target that are classes.
const MOST_CLASSES: usize = 20;

/// Reads a table, infers the types of its columns, splits it, and fits the preprocessing to the
/// training split.
pub(super) fn datasets(spec: &TableSpec, config: &mut Config) -> Result<Datasets> {
    let profile = Profile::open(&spec.path, &spec.options())?;
    let mut notes = profile.table.notes().to_vec();
    let types = feature_types(spec, &profile, &mut notes)?;
    let target = target_profile(spec, &profile)?;
    let task = match config.data.task {
        Some(task) => task,
        None => {
            let (task, why) = task_of(spec, target);
            notes.push(format!("the task is {}: {why}", task.name()));
            task
        }
    };
    config.settle(task)?;
    let columns = formats(&profile, &types, spec, task);
    let (frame, targets) = labelled_rows(&profile.table, &columns, &types, &mut notes)?;
    let targets = match task {
        Task::Regression | Task::Language => Targets::values(numbers(&targets)?),
        Task::Classification => {
            let merge = target.inferred.column_type == ColumnType::Boolean;
            classes(targets, merge, &mut notes)?
        }
    };
    let test = spec.test_path.as_ref().map(|path| {
        let table = RawTable::open(path, &spec.options())?;
        let (frame, values) = labelled_rows(&table, &columns, &types, &mut Vec::new())?;
        let targets = targets_like(&targets, &values, &table.place(), &spec.target)?;
        Ok::<_, Error>((frame, targets))
    });
    let test = test.transpose()?;

    // The splits depend on the targets only, so the training rows are known before the features.
    let plain = Dataset::from_arrays(vec![0.0; frame.rows()], [1], targets.clone())?;
    let parts = split(&plain, config)?;
    let rows: Vec<usize> = (0..parts.0.len())
        .filter_map(|i| parts.0.stored_row(i))
        .collect();
    let typed: Vec<(String, ColumnType)> = types
        .iter()
        .map(|(name, of)| (name.to_string(), *of))
        .collect();
    let preprocessor = Preprocessor::fit(&frame, &rows, &spec.preprocessing, &typed)?;
    notes.extend(preprocessor.warnings().iter().map(ToString::to_string));
    let whole = preprocessor.transform(&frame)?.into_dataset(targets)?;
    let same = |part: &Dataset| {
        let rows = (0..part.len()).filter_map(|i| Some(part.stored_row(i)? as u32));
        whole.view(&rows.collect::<Vec<u32>>())
    };
    let train = same(&parts.0);
    let validation = parts.1.as_ref().map(same);
    let test = match test {
        Some((frame, targets)) => Some(preprocessor.transform(&frame)?.into_dataset(targets)?),
        None => parts.2.as_ref().map(same),
    };

    dataset::refuse_gaps(&train, validation.as_ref(), &config.data)?;
    let loss = config.training.loss.as_ref();
    for set in [Some(&train), validation.as_ref(), test.as_ref()] {
        set.map_or(Ok(()), |set| dataset::fit_loss(set, loss, &config.data))?;
    }
    let preprocessing = Preprocessing {
        sample_shape: train.sample_shape().dims().to_vec(),
        features: types.iter().map(|(name, _)| name.to_string()).collect(),
        target: spec.target.clone(),
        classes: train.class_names().to_vec(),
        quantities: train.target_width().unwrap_or(0),
        scaler: None,
        target_scale: TargetScale::of(&train, loss),
        text: None,
        table: Some(TablePreprocessing {
            columns: columns
                .into_iter()
                .filter(|c| c.name != spec.target)
                .collect(),
            preprocessor,
        }),
    };
    Ok(Datasets {
        train,
        validation,
        test,
        preprocessing,
        notes,
        tokenizer: None,
    })
}

/// Returns the training, validation and test parts of a set. Classes are split in proportion, in
/// both splits.
fn split(whole: &Dataset, config: &Config) -> Result<(Dataset, Option<Dataset>, Option<Dataset>)> {
    let (data, seed) = (&config.data, config.training.seed);
    let part = |set: &Dataset, fraction: f64| -> Result<(Dataset, Option<Dataset>)> {
        match fraction > 0.0 {
            true => {
                let (rest, part) = dataset::split(set, fraction, seed)?;
                Ok((rest, Some(part)))
            }
            false => Ok((set.clone(), None)),
        }
    };
    let (rest, test) = part(whole, data.test_split())?;
    let (train, validation) = part(&rest, data.validation_split)?;
    Ok((train, validation, test))
}

/// Returns the columns of the features with their types, in the table's order.
fn feature_types<'a>(
    spec: &TableSpec,
    profile: &'a Profile,
    notes: &mut Vec<String>,
) -> Result<Vec<(&'a str, ColumnType)>> {
    let named = spec.columns.keys().chain(&spec.ignore).map(String::as_str);
    let unknown: Vec<&str> = named
        .filter(|name| profile.column(name).is_none())
        .collect();
    if !unknown.is_empty() {
        return Err(profile.table.no_columns(&unknown));
    }
    let (mut types, mut problems) = (Vec::new(), Vec::new());
    for column in &profile.columns {
        if column.name == spec.target || spec.ignore.contains(&column.name) {
            continue;
        }
        let given = spec.columns.get(&column.name).copied();
        if let (None, Some((problem, line))) = (given, &column.inferred.problem) {
            problems.push(format!(
                "column {:?}: {problem} (line {line}); mend the file, or set columns.{} = \"category\" in [data]",
                column.name,
                key(&column.name)
            ));
        }
        let of = given.unwrap_or(column.inferred.column_type);
        match of {
            ColumnType::Id | ColumnType::Ignore => {
                let why = match given {
                    Some(_) => "as set",
                    None => column.inferred.reason.as_str(),
                };
                notes.push(format!("column {:?} is left out: {why}", column.name));
            }
            _ => types.push((column.name.as_str(), of)),
        }
    }
    if !problems.is_empty() {
        return Err(Error::data(profile.table.place(), problems.join("\n")));
    }
    match types.is_empty() {
        true => {
            let reason = "expected at least one column besides the target that can be a feature";
            Err(Error::data(profile.table.place(), reason))
        }
        false => Ok(types),
    }
}

/// Returns a name as a key of TOML.
fn key(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    match !name.is_empty() && name.chars().all(bare) {
        true => name.to_string(),
        false => format!("{name:?}"),
    }
}

fn target_profile<'a>(spec: &TableSpec, profile: &'a Profile) -> Result<&'a ColumnProfile> {
    let found = profile.column(&spec.target);
    found.ok_or_else(|| profile.table.no_columns(&[&spec.target]))
}

/// Returns the task of a target, and the reason.
fn task_of(spec: &TableSpec, target: &ColumnProfile) -> (Task, String) {
    let of = spec.columns.get(&spec.target);
    let name = &spec.target;
    match of.copied().unwrap_or(target.inferred.column_type) {
        ColumnType::Number | ColumnType::Date | ColumnType::Id if of.is_some() => {
            (Task::Regression, format!("{name:?} is set to be a number"))
        }
        // Also numbers that count the rows, or that are all the same.
        _ if target.numbers == target.present() && of.is_none() => {
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

/// Returns how the features and the target are read. The target of a classification is read as
/// text, so that `7` and `007` are two classes.
fn formats(
    profile: &Profile,
    types: &[(&str, ColumnType)],
    spec: &TableSpec,
    task: Task,
) -> Vec<ColumnFormat> {
    let target = match task {
        Task::Classification => ColumnType::Category,
        Task::Regression | Task::Language => ColumnType::Number,
    };
    let all: Vec<(&str, ColumnType)> = types
        .iter()
        .copied()
        .chain([(spec.target.as_str(), target)])
        .collect();
    profile.formats(&all)
}

/// Reads the rows that have a target: their features, and their targets.
fn labelled_rows(
    table: &RawTable,
    columns: &[ColumnFormat],
    types: &[(&str, ColumnType)],
    notes: &mut Vec<String>,
) -> Result<(Frame, Values)> {
    let frame = table.read(columns)?;
    let mut parts = frame.columns().iter().rev();
    let target = parts.next().map(|c| c.values.clone());
    let target = target.unwrap_or(Values::Number(Vec::new()));
    let rows: Vec<usize> = (0..target.len())
        .filter(|row| !target.is_missing(*row))
        .collect();
    let missing = target.len() - rows.len();
    if rows.is_empty() {
        return Err(Error::data(
            table.place(),
            "expected rows with a target, found none",
        ));
    }
    let mut features = Frame::new();
    for (name, _) in types {
        features = features.with(*name, frame.column(name)?.values.clone())?;
    }
    if missing == 0 {
        return Ok((features, target));
    }
    let rows_are = if missing == 1 { "row is" } else { "rows are" };
    notes.push(format!(
        "{missing} {rows_are} left out: the target is missing"
    ));
    Ok((features.select(&rows), target.select(&rows)))
}

fn numbers(values: &Values) -> Result<Vec<f32>> {
    match values {
        Values::Number(v) | Values::Date(v) => Ok(v.iter().map(|v| *v as f32).collect()),
        other => Err(Error::data(
            "the target",
            format!("expected numbers, found {}", other.kind()),
        )),
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

/// Returns targets of other rows, with the classes of the training data.
fn targets_like(known: &Targets, values: &Values, place: &str, target: &str) -> Result<Targets> {
    let Targets::Classes { names, .. } = known else {
        return Ok(Targets::values(numbers(values)?));
    };
    named_targets(names, values, place, target)
}

fn named_targets(names: &[String], values: &Values, place: &str, target: &str) -> Result<Targets> {
    let Values::Category {
        codes,
        names: found,
    } = values
    else {
        let reason = format!(
            "column {target:?}: expected names of classes, found {}",
            values.kind()
        );
        return Err(Error::data(place, reason));
    };
    let mut places = Vec::with_capacity(found.len());
    for name in found {
        let exact = names.iter().position(|n| n == name);
        let place_of = exact.or_else(|| names.iter().position(|n| n.eq_ignore_ascii_case(name)));
        let Some(class) = place_of else {
            let known: Vec<String> = names.iter().take(12).map(|n| format!("{n:?}")).collect();
            let reason = format!(
                "column {target:?}: expected a class of the training data, one of {}, found {name:?}",
                known.join(", ")
            );
            return Err(Error::data(place, reason));
        };
        places.push(class as u32);
    }
    let label = |code: &u32| places.get(*code as usize).copied().unwrap_or(0);
    Ok(Targets::Classes {
        labels: codes.iter().map(label).collect(),
        names: names.to_vec(),
    })
}

/// Returns the features of a table's rows, by the preprocessing of a run.
pub(super) fn features(preprocessing: &Preprocessing, table: &RawTable) -> Result<Features> {
    let fitted = of(preprocessing)?;
    fitted.preprocessor.transform(&table.read(&fitted.columns)?)
}

fn of(preprocessing: &Preprocessing) -> Result<&TablePreprocessing> {
    preprocessing.table.as_ref().ok_or_else(|| {
        let reason = "the run was not trained on a table";
        Error::data("the preprocessing of the run", reason)
    })
}

/// Reads rows with their targets, to evaluate a trained model on.
pub(super) fn labelled(
    preprocessing: &Preprocessing,
    spec: &TableSpec,
    task: Task,
    file: &std::path::Path,
) -> Result<Dataset> {
    let fitted = of(preprocessing)?;
    let table = RawTable::open(file, &spec.options())?;
    let mut columns = fitted.columns.clone();
    columns.push(ColumnFormat {
        name: spec.target.clone(),
        column_type: match task {
            Task::Classification => ColumnType::Category,
            Task::Regression | Task::Language => ColumnType::Number,
        },
        date_format: None,
    });
    let types: Vec<(&str, ColumnType)> = fitted
        .columns
        .iter()
        .map(|c| (c.name.as_str(), c.column_type))
        .collect();
    let (frame, values) = labelled_rows(&table, &columns, &types, &mut Vec::new())?;
    let targets = match task {
        Task::Classification => named_targets(
            &preprocessing.classes,
            &values,
            &table.place(),
            &spec.target,
        )?,
        Task::Regression | Task::Language => Targets::values(numbers(&values)?),
    };
    fitted.preprocessor.transform(&frame)?.into_dataset(targets)
}
