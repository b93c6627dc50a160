//! Forecasts: windows of a series, and the values that follow them.
//!
//! A sample is a window of consecutive rows: the features of each row, then the values of the
//! targets, scaled. The model predicts how far the values that follow are from a naive forecast,
//! which repeats the last value, or the values of one season before. So a model that has learned
//! nothing gives the naive forecast.

use serde::{Deserialize, Serialize};

use super::{Columns, Rows};
use crate::data::{
    ColumnFormat, ColumnType, Dataset, FileList, Frame, Profile, RawTable, Targets, Values,
};
use crate::preprocess::{DatePart, Features, Preprocessor};
use crate::run::dataset::Datasets;
use crate::run::preprocessing::{Preprocessing, TablePreprocessing, TargetScale};
use crate::spec::{Config, TableSpec};
use crate::task::Task;
use crate::{Error, Result};

/// The windows of a series, and the scales of its values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// The rows of a sample.
    pub window: usize,
    /// The rows to predict.
    pub horizon: usize,
    /// The rows of a season.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub season: Option<usize>,
    /// Whether the network gets the differences of the targets' values from the last ones.
    pub difference: bool,
    /// The column with the times of the rows; the rows of a file without one are in order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<ColumnFormat>,
    /// The scale of each target.
    pub scales: Vec<TargetScale>,
}

/// A table in the order of time.
struct Ordered {
    /// `[rows, features]`; empty without features.
    features: Vec<f32>,
    width: usize,
    /// The values of each target. Missing ones repeat the value before.
    values: Vec<Vec<f64>>,
    /// Whether all targets of a row were there.
    complete: Vec<bool>,
}

/// The columns of a series.
fn columns(features: Vec<ColumnFormat>, spec: &TableSpec, time: Option<ColumnFormat>) -> Columns {
    let targets = super::targets::formats(spec, Task::Regression);
    Columns {
        features,
        targets,
        split: time,
    }
}

/// Reads a series, splits it by time, and fits the preprocessing to the training rows. `types` are
/// the columns of the features.
pub(super) fn datasets(
    spec: &TableSpec,
    config: &mut Config,
    profile: &Profile,
    types: &[(&str, ColumnType)],
    mut notes: Vec<String>,
) -> Result<Datasets> {
    config.settle(Task::Regression)?;
    if config.data.task != Some(Task::Regression) {
        let reason = "`window` and `horizon` are for a regression: the targets are numbers";
        return Err(Error::data(profile.table.place(), reason));
    }
    super::Stream::of(spec, profile, &profile.formats(types))?;
    let time = super::split_format(spec, profile, types)?;
    // A number as the time only grows, so it is no feature for later rows.
    let counted = |(name, of): &&(&str, ColumnType)| {
        spec.time.as_deref() == Some(*name) && *of == ColumnType::Number
    };
    let types: Vec<(&str, ColumnType)> = types
        .iter()
        .filter(|column| !counted(column))
        .copied()
        .collect();
    let types = types.as_slice();
    let columns = columns(profile.formats(types), spec, time);
    let rows = in_order(columns.read(&profile.table, spec, &mut notes)?);
    let n = rows.rows;
    let share = |of: usize, part: f64| ((of as f64) * part).round() as usize;
    let test = n - share(n, config.data.test_split());
    let validation = test - share(test, config.data.validation_split);
    let training: Vec<usize> = (0..validation).collect();

    let typed: Vec<(String, ColumnType)> = types
        .iter()
        .map(|(name, of)| (name.to_string(), *of))
        .collect();
    let preprocessor = match typed.is_empty() {
        true => None,
        false => {
            let mut settings = spec.preprocessing.clone();
            if let Some(time) = &columns.split
                && typed
                    .iter()
                    .any(|(name, of)| *name == time.name && *of == ColumnType::Date)
            {
                // Of a time, only what comes again can be of use for later rows.
                let of_time = settings.overrides.entry(time.name.clone());
                let of_time = of_time.or_default();
                of_time
                    .parts
                    .get_or_insert_with(|| DatePart::CYCLIC.to_vec());
            }
            let only_time = typed
                .iter()
                .all(|(name, _)| spec.time.as_ref() == Some(name));
            match Preprocessor::fit(&rows.features, &training, &settings, &typed) {
                // The times of a yearly series have no parts that differ.
                Err(_) if only_time => None,
                fitted => {
                    let fitted = fitted?;
                    notes.extend(fitted.warnings().iter().map(ToString::to_string));
                    Some(fitted)
                }
            }
        }
    };
    let scales = scales(&rows.targets, &training, &profile.table)?;
    let series = Series {
        window: spec.window.unwrap_or(1),
        horizon: spec.horizon.unwrap_or(1),
        season: spec.season,
        difference: spec.difference.unwrap_or(true),
        time: columns.split.clone(),
        scales,
    };
    let ordered = ordered(preprocessor.as_ref(), &rows.features, &rows.targets)?;
    let missing = ordered.complete.iter().filter(|c| !**c).count();
    if missing > 0 {
        let rows_have = if missing == 1 { "row has" } else { "rows have" };
        notes.push(format!(
            "{missing} {rows_have} no target: the value before is repeated in the windows"
        ));
    }
    let place = profile.table.place();
    let part = |name: &str, rows: std::ops::Range<usize>| {
        series.dataset(&ordered, rows, &format!("{place}, the {name} rows"))
    };
    let train = part("training", 0..validation)?;
    let some = |name: &str, rows: std::ops::Range<usize>| match rows.is_empty() {
        true => Ok(None),
        false => part(name, rows).map(Some),
    };
    let valid = some("validation", validation..test)?;
    let own_test = some("test", test..n)?;
    let outputs = series.output_names(spec);
    let mut preprocessing = Preprocessing {
        sample_shape: train.sample_shape().dims().to_vec(),
        features: types.iter().map(|(name, _)| name.to_string()).collect(),
        target: spec.target.to_string(),
        quantities: outputs.len(),
        target_scales: series.output_scales(),
        outputs,
        table: Some(TablePreprocessing {
            columns: columns.features,
            preprocessor,
            series: Some(series),
        }),
        ..Preprocessing::default()
    };
    // A prediction needs the values before it.
    let more = spec.target.iter().chain(spec.time.as_deref());
    for name in more.map(str::to_string) {
        if !preprocessing.features.contains(&name) {
            preprocessing.features.push(name);
        }
    }
    let test = match &spec.test_path {
        Some(path) => Some(labelled(&preprocessing, spec, path)?),
        None => own_test,
    };
    if let (Some(test), Some(series)) = (&test, series_of(&preprocessing)) {
        notes.push(series.naive_note(test));
    }
    Ok(Datasets {
        train,
        validation: valid,
        test,
        preprocessing,
        notes,
        tokenizer: None,
    })
}

fn series_of(preprocessing: &Preprocessing) -> Option<&Series> {
    preprocessing.table.as_ref()?.series.as_ref()
}

/// Sorts rows by their times, if they have any.
fn in_order(rows: Rows) -> Rows {
    let Some(Values::Number(times) | Values::Date(times)) = &rows.split else {
        return rows;
    };
    let mut order: Vec<usize> = (0..times.len()).collect();
    let time = |row: &usize| times.get(*row).copied().unwrap_or(f64::NAN);
    order.sort_by(|a, b| time(a).total_cmp(&time(b)));
    Rows {
        features: rows.features.select(&order),
        targets: rows.targets.iter().map(|t| t.select(&order)).collect(),
        split: None,
        rows: rows.rows,
        kept: None,
    }
}

/// Returns the mean and the standard deviation of each target in the training rows.
fn scales(targets: &[Values], rows: &[usize], table: &RawTable) -> Result<Vec<TargetScale>> {
    let of = |values: &Values| {
        let known = values.select(rows);
        let known: Vec<f64> = match known {
            Values::Number(v) | Values::Date(v) => v.into_iter().filter(|v| !v.is_nan()).collect(),
            other => {
                let reason = format!("expected numbers as the target, found {}", other.kind());
                return Err(Error::data(table.place(), reason));
            }
        };
        let n = known.len() as f64;
        let offset = known.iter().sum::<f64>() / n;
        let width = (known.iter().map(|v| (v - offset).powi(2)).sum::<f64>() / n).sqrt();
        match width > 0.0 {
            true => Ok(TargetScale { offset, width }),
            false => {
                let reason = "expected training rows whose targets differ, found none";
                Err(Error::data(table.place(), reason))
            }
        }
    };
    targets.iter().map(of).collect()
}

/// Returns the features and the values of rows in order.
fn ordered(
    preprocessor: Option<&Preprocessor>,
    frame: &Frame,
    targets: &[Values],
) -> Result<Ordered> {
    let features = preprocessor.map(|p| p.transform(frame)).transpose()?;
    let (features, width) = match features {
        Some(Features { values, width, .. }) => (values, width),
        None => (Vec::new(), 0),
    };
    let n = targets.first().map_or(0, Values::len);
    let complete = (0..n).map(|row| targets.iter().all(|t| !t.is_missing(row)));
    Ok(Ordered {
        features,
        width,
        complete: complete.collect(),
        values: targets.iter().map(filled).collect(),
    })
}

/// Returns numbers whose missing ones repeat the number before; the first ones repeat the number
/// after.
fn filled(values: &Values) -> Vec<f64> {
    let (Values::Number(v) | Values::Date(v)) = values else {
        return Vec::new();
    };
    let mut last = v.iter().copied().find(|x| !x.is_nan()).unwrap_or(0.0);
    let mut next = |x: &f64| {
        if !x.is_nan() {
            last = *x;
        }
        last
    };
    v.iter().map(&mut next).collect()
}

/// Reads a series with the values to predict, to evaluate a trained model on.
pub(super) fn labelled(
    preprocessing: &Preprocessing,
    spec: &TableSpec,
    files: &FileList,
) -> Result<Dataset> {
    let table = RawTable::open(files, &spec.options())?;
    let (series, ordered) = read(preprocessing, spec, &table)?;
    let n = ordered.complete.len();
    series.dataset(&ordered, 0..n, &table.place())
}

/// Reads a series, and returns its last window.
pub(super) fn unlabelled(
    preprocessing: &Preprocessing,
    spec: &TableSpec,
    table: &RawTable,
) -> Result<Dataset> {
    let (series, ordered) = read(preprocessing, spec, table)?;
    let n = ordered.complete.len();
    let Some(start) = n.checked_sub(series.window) else {
        let reason = format!(
            "expected at least {} rows for a window, found {n}",
            series.window
        );
        return Err(Error::data(table.place(), reason));
    };
    let samples = series.samples(&ordered, &[start]);
    let shape = [series.window, ordered.width + ordered.values.len()];
    Dataset::from_arrays(samples, shape, Targets::Unlabelled)
}

fn read<'p>(
    preprocessing: &'p Preprocessing,
    spec: &TableSpec,
    table: &RawTable,
) -> Result<(&'p Series, Ordered)> {
    let fitted = super::of(preprocessing)?;
    let Some(series) = &fitted.series else {
        return Err(Error::internal("a series", "it has no windows"));
    };
    let columns = columns(fitted.columns.clone(), spec, series.time.clone());
    let rows = in_order(columns.read(table, spec, &mut Vec::new())?);
    let ordered = ordered(fitted.preprocessor.as_ref(), &rows.features, &rows.targets)?;
    Ok((series, ordered))
}

impl Series {
    /// Returns the names of the values to predict: `"co2+1"` is that of the first row after.
    fn output_names(&self, spec: &TableSpec) -> Vec<String> {
        let steps = 1..=self.horizon;
        let of = |name: &str| {
            let name = name.to_string();
            steps.clone().map(move |step| format!("{name}+{step}"))
        };
        spec.target.iter().flat_map(of).collect()
    }

    /// Returns the scale of each value to predict.
    fn output_scales(&self) -> Vec<TargetScale> {
        let of = |scale: &TargetScale| std::iter::repeat_n(*scale, self.horizon);
        self.scales.iter().flat_map(of).collect()
    }

    /// Returns the windows that are followed by values of these rows only, all of them known.
    fn dataset(
        &self,
        ordered: &Ordered,
        rows: std::ops::Range<usize>,
        place: &str,
    ) -> Result<Dataset> {
        let first = rows.start.max(self.window);
        let last = (rows.end + 1).saturating_sub(self.horizon);
        let known = |at: &usize| {
            let targets = ordered.complete.get(*at..at + self.horizon);
            targets.is_some_and(|known| known.iter().all(|k| *k))
        };
        let at: Vec<usize> = (first..last).filter(known).collect();
        if at.is_empty() {
            let reason = format!(
                "expected a window of {} rows and {} rows after it, found {} rows; choose a smaller `window` \
                 or `horizon`",
                self.window,
                self.horizon,
                rows.len()
            );
            return Err(Error::data(place, reason));
        }
        let starts: Vec<usize> = at.iter().map(|at| at - self.window).collect();
        let mut values = Vec::with_capacity(at.len() * self.horizon * ordered.values.len());
        for at in &at {
            for of_target in &ordered.values {
                let after = of_target.get(*at..at + self.horizon).unwrap_or_default();
                values.extend(after.iter().map(|v| *v as f32));
            }
        }
        let targets = Targets::Values {
            values,
            width: self.horizon * ordered.values.len(),
        };
        let shape = [self.window, ordered.width + ordered.values.len()];
        Dataset::from_arrays(self.samples(ordered, &starts), shape, targets)
    }

    /// Returns the windows that start at these rows, `[starts, window, features + targets]`.
    fn samples(&self, ordered: &Ordered, starts: &[usize]) -> Vec<f32> {
        let width = ordered.width + ordered.values.len();
        let mut samples = Vec::with_capacity(starts.len() * self.window * width);
        for start in starts {
            for row in *start..start + self.window {
                let features = row * ordered.width..(row + 1) * ordered.width;
                samples.extend_from_slice(ordered.features.get(features).unwrap_or_default());
                let scaled = ordered.values.iter().zip(&self.scales).map(|(v, scale)| {
                    let value = v.get(row).copied().unwrap_or(f64::NAN);
                    ((value - scale.offset) / scale.width) as f32
                });
                samples.extend(scaled);
            }
        }
        samples
    }

    /// Returns the row of a window whose value is the naive forecast of a step, counted from 0.
    pub(super) fn naive_row(&self, step: usize) -> usize {
        let season = self.season.unwrap_or(1).min(self.window);
        self.window - season + step % season
    }

    /// Returns what the naive forecast achieves on a set of windows.
    fn naive_note(&self, set: &Dataset) -> String {
        let targets = self.scales.len();
        let channels = set.sample_shape().last();
        let (mut sum, mut count) = (0.0, 0usize);
        for i in 0..set.len() {
            let (Some(window), Some(values)) = (set.row(i), set.values(i)) else {
                continue;
            };
            for (at, value) in values.iter().enumerate() {
                let (target, step) = (at / self.horizon, at % self.horizon);
                let from = self.naive_row(step) * channels + channels - targets + target;
                let scale = self.scales.get(target);
                if let (Some(x), Some(scale)) = (window.get(from), scale) {
                    let naive = f64::from(*x) * scale.width + scale.offset;
                    sum += (naive - f64::from(*value)).abs();
                    count += 1;
                }
            }
        }
        let repeats = match self.season {
            Some(season) => format!("the values {season} rows before"),
            None => "the last value".to_string(),
        };
        let mae = sum / count.max(1) as f64;
        format!("the naive forecast, {repeats}, has MAE {mae:.4} on the test split")
    }
}
