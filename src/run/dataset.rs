//! The data of a training: reading, splitting and preprocessing.

use std::path::Path;

use super::images;
use super::language;
use super::preprocessing::{Preprocessing, TargetScale};
use super::table;
use crate::data::text::Tokenizer;
use crate::data::{self, CsvTable, Dataset, Targets};
use crate::loss::{LossSpec, Outputs};
use crate::spec::{Config, DataSource, DataSpec};
use crate::task::Task;
use crate::{Error, Result};

/// The data of a training: its preprocessed splits, and the preprocessing fitted on the training
/// split.
pub struct Datasets {
    /// The training split.
    pub train: Dataset,
    /// The validation split.
    pub validation: Option<Dataset>,
    /// The test split.
    pub test: Option<Dataset>,
    /// The preprocessing of all splits.
    pub preprocessing: Preprocessing,
    /// Observations about the data, for the user.
    pub notes: Vec<String>,
    /// The tokenizer of a text.
    pub tokenizer: Option<Tokenizer>,
}

impl Datasets {
    /// Reads and splits the data, and [settles](Config::settle) the task if only the data
    /// determines it. The same configuration gives the same splits.
    ///
    /// # Errors
    ///
    /// Returns an error if a file cannot be read, the data does not fit the task, or a class has no
    /// training sample.
    pub fn load(config: &mut Config) -> Result<Datasets> {
        let mut data = Datasets::read(config)?;
        if let Some(weights) = &config.training.class_weights {
            data.train = weights.apply(data.train)?;
        }
        Ok(data)
    }

    fn read(config: &mut Config) -> Result<Datasets> {
        let mut notes = Vec::new();
        let (whole, test) = match config.data.source.clone() {
            DataSource::Csv(csv) => {
                let (target, delimiter) = (csv.target.as_str(), csv.delimiter);
                let table = read_table(&csv.path, delimiter, &csv.ignore)?;
                if config.data.task.is_none() {
                    let found = match table.looks_like_classes(target)? {
                        true => Task::Classification,
                        false => Task::Regression,
                    };
                    notes.push(format!(
                        "{target:?} looks like {}; set [data] task where it is not",
                        found.targets()
                    ));
                    config.settle(found)?;
                }
                let classes = config.data.task != Some(Task::Regression);
                let set = labelled(&table, target, classes, None)?;
                let names = classes.then(|| set.class_names().to_vec());
                let test = csv.test_path.as_ref().map(|test| -> Result<Dataset> {
                    let features = set.feature_names().iter().map(String::as_str);
                    let wanted: Vec<&str> = features.chain([target]).collect();
                    let table = data::csv_delimited(test, delimiter)?.select(&wanted)?;
                    labelled(&table, target, classes, names.as_deref())
                });
                (set, test.transpose()?)
            }
            DataSource::Idx(idx) => {
                let set = data::idx(&idx.images, &idx.labels)?;
                let test = idx.test_images.as_ref().zip(idx.test_labels.as_ref());
                let test = test.map(|(images, labels)| data::idx(images, labels));
                (set, test.transpose()?)
            }
            DataSource::Npy(npy) => {
                let set = data::npy(&npy.inputs, &npy.targets)?;
                if set.has_bytes() {
                    notes.push(format!(
                        "inputs of bytes, {} a sample, are images: the bytes are divided by 255",
                        set.sample_shape()
                    ));
                }
                let test = npy.test_inputs.as_ref().zip(npy.test_targets.as_ref());
                let test = test.map(|(inputs, targets)| data::npy(inputs, targets));
                (set, test.transpose()?)
            }
            DataSource::Table(table) => return table::datasets(&table, config),
            DataSource::Images(spec) => return images::datasets(&spec, config),
            DataSource::Text(text) => {
                config.settle(Task::Language)?;
                return language::datasets(&text, config);
            }
        };
        let found = match whole.classes() {
            Some(_) => Task::Classification,
            None if has_labels(&whole) => Task::Multilabel,
            None => Task::Regression,
        };
        if found == Task::Multilabel && config.data.task.is_none() {
            let why = "each sample has several targets, which are all 0 or 1";
            notes.push(format!("the task is {}: {why}", found.name()));
        }
        config.settle(found)?;
        let task = config.data.task.unwrap_or(found);
        let whole = fit_task(whole, task)?;
        let test = test
            .map(|test| {
                let test = fit_task(test, task)?;
                match task {
                    Task::Classification => test.with_class_names(whole.class_names().to_vec()),
                    Task::Multilabel | Task::Regression | Task::Language => Ok(test),
                }
            })
            .transpose()?;
        let given = Given {
            validation: None,
            test,
        };
        divide(whole, given, config, notes)
    }
}

/// Splits that have files of their own.
pub(super) struct Given {
    pub validation: Option<Dataset>,
    pub test: Option<Dataset>,
}

/// Splits off test and validation data that are not given, and scales all parts by the statistics
/// of the training part.
pub(super) fn divide(
    whole: Dataset,
    given: Given,
    config: &Config,
    mut notes: Vec<String>,
) -> Result<Datasets> {
    let data = &config.data;
    let (rest, test) = if data.test_split() > 0.0 {
        let (rest, test) = split(&whole, data.test_split(), config.training.seed)?;
        (rest, Some(test))
    } else {
        (whole, given.test)
    };
    let (train, validation) = if given.validation.is_some() {
        (rest, given.validation)
    } else if data.validation_split > 0.0 {
        let (train, validation) = match data.source {
            // The last images are those of the last class.
            DataSource::Images(_) => split(&rest, data.validation_split, config.training.seed)?,
            _ => rest.split_last(data.validation_split)?,
        };
        (train, Some(validation))
    } else {
        (rest, None)
    };
    refuse_gaps(&train, validation.as_ref(), data)?;
    let loss = config.training.loss.as_ref();
    for set in [Some(&train), validation.as_ref(), test.as_ref()] {
        set.map_or(Ok(()), |set| fit_loss(set, loss, data))?;
    }
    notes.extend(unseen_in_validation(&train, validation.as_ref()));
    let target_scale = match data.standardize() {
        true => TargetScale::of(&train, loss),
        false => None,
    };
    let mut preprocessing = Preprocessing {
        sample_shape: train.sample_shape().dims().to_vec(),
        features: train.feature_names().to_vec(),
        target: data.source.target().unwrap_or_default(),
        classes: train.class_names().to_vec(),
        quantities: train.target_width().unwrap_or(0),
        target_scale,
        ..Preprocessing::default()
    };
    let train = if data.standardize() {
        let (train, scaler) = train.standardized()?;
        preprocessing.scaler = Some(scaler);
        train
    } else {
        train
    };
    let scale = |set: Option<Dataset>| set.map(|set| preprocessing.apply(set)).transpose();
    Ok(Datasets {
        train,
        validation: scale(validation)?,
        test: scale(test)?,
        preprocessing,
        notes,
        tokenizer: None,
    })
}

/// Splits into a training and a test part. Classes are split in proportion.
pub(super) fn split(set: &Dataset, test: f64, seed: u64) -> Result<(Dataset, Dataset)> {
    match set.classes() {
        Some(_) => set.split_stratified(1.0 - test, seed),
        None => set.split(1.0 - test, seed),
    }
}

/// Reads a table without the ignored columns.
fn read_table(path: &Path, delimiter: char, ignore: &[String]) -> Result<CsvTable> {
    let ignored: Vec<&str> = ignore.iter().map(String::as_str).collect();
    data::csv_delimited(path, delimiter)?.without(&ignored)
}

/// Returns a table's samples with their targets; `names` are the classes if they are already known.
fn labelled(
    table: &CsvTable,
    target: &str,
    classes: bool,
    names: Option<&[String]>,
) -> Result<Dataset> {
    match (classes, names) {
        (true, Some(names)) => table.target_in(target, names),
        (true, None) => table.target(target),
        (false, _) => table.target_values(target),
    }
}

/// Reads data to evaluate a trained model on: the features by name, the classes as in training.
pub(super) fn labelled_like(
    preprocessing: &Preprocessing,
    data: &DataSpec,
    file: &Path,
    targets: Option<&Path>,
) -> Result<Dataset> {
    let task = data.task.unwrap_or(Task::Classification);
    let need_targets = || Error::Argument {
        what: "the file with the targets (--targets)".to_string(),
        given: "not given".to_string(),
        expected: "the file with the labels or numbers of these samples".to_string(),
    };
    let set = match &data.source {
        DataSource::Csv(csv) => {
            let table = data::csv_delimited(file, csv.delimiter)?;
            let columns = preprocessing.features.iter().chain([&csv.target]);
            let columns: Vec<&str> = columns.map(String::as_str).collect();
            let table = table.select(&columns)?;
            let classes = task == Task::Classification;
            labelled(&table, &csv.target, classes, Some(&preprocessing.classes))?
        }
        DataSource::Table(spec) => return table::labelled(preprocessing, spec, task, &file.into()),
        DataSource::Images(_) => images::labelled(preprocessing, file)?,
        DataSource::Idx(_) => data::idx(file, targets.ok_or_else(need_targets)?)?,
        DataSource::Npy(_) => data::npy(file, targets.ok_or_else(need_targets)?)?,
        DataSource::Text(_) => {
            return Err(Error::Model {
                what: "a text".to_string(),
                reason: "it has no samples with labels of their own".to_string(),
            });
        }
    };
    let set = fit_task(set, task)?;
    let set = match task {
        Task::Classification => set.with_class_names(preprocessing.classes.clone())?,
        Task::Multilabel | Task::Regression | Task::Language => set,
    };
    preprocessing.apply(set)
}

/// Returns whether each sample has several targets, which are all 0 or 1.
fn has_labels(set: &Dataset) -> bool {
    let bits = |row: &[f32]| row.iter().all(|v| *v == 0.0 || *v == 1.0);
    set.target_width().is_some_and(|width| width > 1)
        && (0..set.len()).all(|i| set.values(i).is_some_and(bits))
}

/// Integers may be values to predict, but other numbers are not classes.
fn fit_task(set: Dataset, task: Task) -> Result<Dataset> {
    match (task, set.classes()) {
        (Task::Regression, Some(_)) => {
            let values = (0..set.len()).filter_map(|i| Some(set.label(i)? as f32));
            let targets = Targets::values(values.collect());
            let names = set.feature_names().to_vec();
            let features = set.features_all().into_owned();
            Dataset::from_arrays(features, set.sample_shape().clone(), targets)?
                .with_feature_names(names)
        }
        (Task::Classification, None) => Err(Error::Data {
            place: "the targets".to_string(),
            reason:
                "they are not whole numbers, so they name no classes; use task = \"regression\""
                    .to_string(),
        }),
        (Task::Multilabel, None) if has_labels(&set) => Ok(set),
        (Task::Multilabel, _) => Err(Error::data(
            "the targets",
            "expected several labels for each sample, all 0 or 1, as `task = \"multilabel\"` needs",
        )),
        _ => Ok(set),
    }
}

/// Checks that counts are not negative, and that proportions add up to 1.
pub(super) fn fit_loss(set: &Dataset, loss: Option<&LossSpec>, data: &DataSpec) -> Result<()> {
    let Some(loss) = loss else { return Ok(()) };
    let wrong = |row: &[f32]| match loss.outputs() {
        Outputs::LogRates => row
            .iter()
            .find(|v| **v < 0.0)
            .map(|v| format!("is for counts, but a target is {v}, and counts are not negative")),
        Outputs::LogShares => {
            let sum: f64 = row.iter().map(|v| f64::from(*v)).sum();
            let fine = row.iter().all(|v| *v >= 0.0) && (sum - 1.0).abs() < 1e-3;
            (!fine).then(|| format!("is for shares of 1, but a sample's targets are {row:?}"))
        }
        _ => None,
    };
    let found = (0..set.len()).find_map(|i| wrong(set.values(i)?));
    match found {
        Some(reason) => Err(Error::Data {
            place: data.source.targets_place(),
            reason: format!("loss \"{}\" {reason}", loss.kind()),
        }),
        None => Ok(()),
    }
}

/// Refuses classes without samples, whose outputs learn nothing. Usually the labels start at 1, or
/// a class is missing.
pub(super) fn refuse_gaps(
    train: &Dataset,
    validation: Option<&Dataset>,
    data: &DataSpec,
) -> Result<()> {
    let Some(counts) = train.class_counts() else {
        return Ok(());
    };
    let place = data.source.targets_place();
    if counts.len() < 2 {
        let only = train.class_names().first().cloned().unwrap_or_default();
        return Err(Error::Data {
            place,
            reason: format!(
                "all samples are of one class, {only:?}; there is nothing to tell apart"
            ),
        });
    }
    let elsewhere = validation.and_then(Dataset::class_counts);
    for (class, name) in train.class_names().iter().enumerate() {
        if counts.get(class) != Some(&0) {
            continue;
        }
        let validated = elsewhere.as_ref().and_then(|c| c.get(class)).copied();
        let reason = match validated {
            Some(n) if n > 0 => format!(
                "all {n} samples of class {name:?} fell into the validation split, which is the last \
                 part of the data; shuffle the file, or choose a smaller validation_split"
            ),
            _ => format!(
                "no training sample is of class {name:?}, though labels go up to {}; number the classes \
                 from 0 without a hole",
                counts.len() - 1
            ),
        };
        return Err(Error::Data { place, reason });
    }
    Ok(())
}

/// The validation split is the last part of the data, so it is misleading for a file sorted by
/// class.
fn unseen_in_validation(train: &Dataset, validation: Option<&Dataset>) -> Option<String> {
    let counts = validation?.class_counts()?;
    let names = train.class_names().iter().zip(&counts);
    let unseen: Vec<&str> = names
        .filter(|(_, n)| **n == 0)
        .map(|(s, _)| s.as_str())
        .collect();
    (!unseen.is_empty()).then(|| {
        format!(
            "the validation split has no sample of {} of the {} classes ({})",
            unseen.len(),
            counts.len(),
            unseen.get(..5).unwrap_or(&unseen).join(", ")
        )
    })
}
