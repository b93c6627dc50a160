//! The data of a table with columns of several types.

mod forecaster;
mod series;
mod split;
mod stream;
mod targets;

pub(super) use self::forecaster::Forecaster;
pub use self::series::Series;

use self::split::By;
use self::stream::Stream;
use self::targets::TableTargets;
use super::dataset::{self, Datasets};
use super::preprocessing::{Preprocessing, TablePreprocessing, TargetScale};
use crate::data::{
    ColumnFormat, ColumnType, Dataset, FileList, Frame, Profile, RawTable, Targets, Values,
};
use crate::preprocess::{Features, Preprocessor};
use crate::spec::{Config, TableSpec};
use crate::task::Task;
use crate::{Error, Result};

/// Reads a table, infers the types of its columns, splits it, and fits the preprocessing to the
/// training split.
pub(super) fn datasets(spec: &TableSpec, config: &mut Config) -> Result<Datasets> {
    let profile = Profile::open(&spec.path, &spec.options())?;
    let mut notes = profile.table.notes().to_vec();
    let types = feature_types(spec, &profile, &mut notes)?;
    if spec.window.is_some() {
        return series::datasets(spec, config, &profile, &types, notes);
    }
    let (found, why) = targets::task_of(spec, &profile)?;
    if config.data.task.is_none() {
        notes.push(format!("the task is {}: {why}", found.name()));
    }
    config.settle(found)?;
    let task = config.data.task.unwrap_or(found);
    let features = profile.formats(&types);
    let stream = Stream::of(spec, &profile, &features)?;
    let columns = Columns {
        features: match stream {
            Some(_) => Vec::new(),
            None => features.clone(),
        },
        targets: targets::formats(spec, task),
        split: split_format(spec, &profile, &types)?,
    };
    let read = columns.read(&profile.table, spec, &mut notes)?;
    let merge = spec.target.single().and_then(|name| profile.column(name));
    let merge = merge.is_some_and(|c| c.inferred.column_type == ColumnType::Boolean);
    let TableTargets { targets, outputs } =
        targets::of(spec, task, read.targets, merge, &profile.table, &mut notes)?;

    // The splits depend on the targets and one column, so the training rows are known before the
    // features.
    let by = By::of(spec).zip(read.split.as_ref());
    let parts = split::split(&targets, read.rows, by, config)?;
    let (preprocessor, whole) = match stream {
        None => {
            let rows: Vec<usize> = parts.train.iter().map(|row| *row as usize).collect();
            let typed = types.iter().map(|(name, of)| (name.to_string(), *of));
            let typed: Vec<(String, ColumnType)> = typed.collect();
            let fitted = Preprocessor::fit(&read.features, &rows, &spec.preprocessing, &typed)?;
            let whole = fitted.transform(&read.features)?.into_dataset(targets)?;
            (fitted, whole)
        }
        Some(stream) => {
            let folder = stream::existing_folder(config.output.folder());
            let (fitted, whole, note) = stream.prepare(
                &profile.table,
                &features,
                &spec.preprocessing,
                (read.kept.as_deref(), &parts.train),
                targets,
                (&folder, config.training.seed),
            )?;
            notes.push(note);
            (fitted, whole)
        }
    };
    notes.extend(preprocessor.warnings().iter().map(ToString::to_string));
    let part = |rows: &Vec<u32>| whole.view(rows);
    let train = part(&parts.train);
    let validation = parts.validation.as_ref().map(part);

    dataset::refuse_gaps(&train, validation.as_ref(), &config.data)?;
    let loss = config.training.loss.as_ref();
    let target_scales = TargetScale::of_each(&train, loss);
    let preprocessing = Preprocessing {
        sample_shape: train.sample_shape().dims().to_vec(),
        features: types.iter().map(|(name, _)| name.to_string()).collect(),
        target: spec.target.to_string(),
        classes: train.class_names().to_vec(),
        outputs,
        quantities: train.target_width().unwrap_or(0),
        target_scale: match target_scales.is_empty() {
            true => TargetScale::of(&train, loss),
            false => None,
        },
        target_scales,
        table: Some(TablePreprocessing {
            columns: features,
            preprocessor: Some(preprocessor),
            series: None,
        }),
        ..Preprocessing::default()
    };
    let test = match &spec.test_path {
        Some(path) => Some(labelled(&preprocessing, spec, task, path)?),
        None => parts.test.as_ref().map(part),
    };
    for set in [Some(&train), validation.as_ref(), test.as_ref()] {
        set.map_or(Ok(()), |set| dataset::fit_loss(set, loss, &config.data))?;
    }
    Ok(Datasets {
        train,
        validation,
        test,
        preprocessing,
        notes,
        tokenizer: None,
    })
}

/// The columns to read: how, and in this order.
struct Columns {
    features: Vec<ColumnFormat>,
    targets: Vec<ColumnFormat>,
    /// The column that determines the splits.
    split: Option<ColumnFormat>,
}

/// The rows of a table that have a target.
struct Rows {
    features: Frame,
    targets: Vec<Values>,
    split: Option<Values>,
    /// The number of rows.
    rows: usize,
    /// The rows of the table that these are; `None` for all of them.
    kept: Option<Vec<usize>>,
}

impl Columns {
    /// Reads the rows that have all targets.
    fn read(&self, table: &RawTable, spec: &TableSpec, notes: &mut Vec<String>) -> Result<Rows> {
        let split = self.split.iter();
        // A time is a feature too.
        let more = split.filter(|c| self.features.iter().all(|f| f.name != c.name));
        let columns: Vec<ColumnFormat> = self
            .features
            .iter()
            .chain(&self.targets)
            .chain(more)
            .cloned()
            .collect();
        let mut frame = table.read(&columns)?;
        let rows = frame.rows();
        let mut targets = Vec::with_capacity(self.targets.len());
        for format in &self.targets {
            targets.push(frame.take(&format.name)?);
        }
        let mut split = match &self.split {
            Some(c) if self.features.iter().any(|f| f.name == c.name) => {
                Some(frame.column(&c.name)?.values.clone())
            }
            Some(c) => Some(frame.take(&c.name)?),
            None => None,
        };
        let mut features = frame;
        // A cell without labels is no missing target, and a series keeps all its rows.
        if spec.separator.is_none() && spec.window.is_none() {
            let has_all = |row: &usize| targets.iter().all(|t| !t.is_missing(*row));
            let kept: Vec<usize> = (0..rows).filter(has_all).collect();
            let missing = rows - kept.len();
            if kept.is_empty() {
                let reason = "expected rows with a target, found none";
                return Err(Error::data(table.place(), reason));
            }
            if missing > 0 {
                let rows_are = if missing == 1 { "row is" } else { "rows are" };
                notes.push(format!(
                    "{missing} {rows_are} left out: the target is missing"
                ));
                features = features.select(&kept);
                targets = targets.iter().map(|t| t.select(&kept)).collect();
                split = split.map(|s| s.select(&kept));
                return Ok(Rows {
                    features,
                    targets,
                    split,
                    rows: kept.len(),
                    kept: Some(kept),
                });
            }
        }
        Ok(Rows {
            features,
            targets,
            split,
            rows,
            kept: None,
        })
    }
}

/// Returns how the column is read that determines the splits.
fn split_format(
    spec: &TableSpec,
    profile: &Profile,
    types: &[(&str, ColumnType)],
) -> Result<Option<ColumnFormat>> {
    let Some(by) = By::of(spec) else {
        return Ok(None);
    };
    let name = by.column();
    let Some(column) = profile.column(name) else {
        return Err(profile.table.no_columns(&[name]));
    };
    let column_type = match by {
        By::Split(_) | By::Group(_) => ColumnType::Category,
        By::Time(_) => {
            let feature = types.iter().find(|(of, _)| *of == name).map(|(_, of)| *of);
            let given = feature.or_else(|| spec.columns.get(name).copied());
            match given.unwrap_or(column.inferred.column_type) {
                ColumnType::Date => ColumnType::Date,
                // Also a number that counts the rows.
                _ if column.numbers == column.present() => ColumnType::Number,
                other => {
                    let found = other.name();
                    let reason = format!(
                        "column {name:?}: expected dates or numbers as the time, found type {found}"
                    );
                    return Err(Error::data(profile.table.place(), reason));
                }
            }
        }
    };
    Ok(profile.formats(&[(name, column_type)]).pop())
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
    let (mut types, mut unfit) = (Vec::new(), Vec::new());
    for column in &profile.columns {
        if spec.target.contains(&column.name) || spec.ignore.contains(&column.name) {
            continue;
        }
        let by = By::of(spec).filter(|by| by.column() == column.name);
        if let Some(By::Split(_) | By::Group(_)) = by {
            continue;
        }
        let given = spec.columns.get(&column.name).copied();
        if given.is_none() && column.inferred.problem.is_some() {
            unfit.push(column.name.as_str());
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
    if let Some(error) = profile.problem(&|name| unfit.contains(&name)) {
        return Err(error);
    }
    // A series has its past values at least.
    match types.is_empty() && spec.window.is_none() {
        true => {
            let reason = "expected at least one column besides the target that can be a feature";
            Err(Error::data(profile.table.place(), reason))
        }
        false => Ok(types),
    }
}

/// Returns the samples of a table, by the preprocessing of a run.
pub(super) fn unlabelled(
    preprocessing: &Preprocessing,
    spec: &TableSpec,
    table: &RawTable,
) -> Result<Dataset> {
    let fitted = of(preprocessing)?;
    if fitted.series.is_some() {
        return series::unlabelled(preprocessing, spec, table);
    }
    let features = features(fitted, &table.read(&fitted.columns)?)?;
    features.into_dataset(Targets::Unlabelled)
}

/// Returns the number of rows that are predicted at a time: `block`, or all if a missing cell is the
/// value of an earlier row.
pub(super) fn block_rows(spec: &TableSpec, block: usize) -> usize {
    match stream::fills_forward(&spec.preprocessing) {
        true => usize::MAX,
        false => block,
    }
}

/// Returns the samples of some rows of a table.
pub(super) fn block(preprocessing: &Preprocessing, frame: &Frame) -> Result<Dataset> {
    features(of(preprocessing)?, frame)?.into_dataset(Targets::Unlabelled)
}

/// Returns how the columns of the features are read; `None` for a series, whose samples are windows
/// of rows.
pub(super) fn columns(preprocessing: &Preprocessing) -> Result<Option<&[ColumnFormat]>> {
    let fitted = of(preprocessing)?;
    Ok(fitted.series.is_none().then_some(fitted.columns.as_slice()))
}

fn of(preprocessing: &Preprocessing) -> Result<&TablePreprocessing> {
    preprocessing.table.as_ref().ok_or_else(|| {
        let reason = "the run was not trained on a table";
        Error::data("the preprocessing of the run", reason)
    })
}

fn features(fitted: &TablePreprocessing, frame: &Frame) -> Result<Features> {
    match &fitted.preprocessor {
        Some(preprocessor) => preprocessor.transform(frame),
        None => Err(Error::data(
            "the preprocessing of the run",
            "it has no features",
        )),
    }
}

/// Reads rows with their targets, to evaluate a trained model on.
pub(super) fn labelled(
    preprocessing: &Preprocessing,
    spec: &TableSpec,
    task: Task,
    files: &FileList,
) -> Result<Dataset> {
    let fitted = of(preprocessing)?;
    if fitted.series.is_some() {
        return series::labelled(preprocessing, spec, files);
    }
    let table = RawTable::open(files, &spec.options())?;
    let columns = Columns {
        features: fitted.columns.clone(),
        targets: targets::formats(spec, task),
        split: None,
    };
    let rows = columns.read(&table, spec, &mut Vec::new())?;
    let targets = targets::like(preprocessing, spec, task, rows.targets, &table)?;
    features(fitted, &rows.features)?.into_dataset(targets)
}
