//! The test of a trained model: its predictions, its scores and those of a trivial model.

use wgrad::Task;
use wgrad::data::{Dataset, Profile};
use wgrad::explain::permutation_importance;
use wgrad::run::{self, Baseline, Constant, Prediction, Preprocessing, Scorer};
use wgrad::spec::{Config, DataSource};
use wgrad::train::{Evaluation, Predictions as Outputs};

use super::Training;
use crate::failure::Failure;
use crate::report::{
    ColumnFacts, Confusion, ImportanceFacts, Predictions, Probabilities, Trivial, Worst,
};
use crate::text::short;

/// The number of samples with large losses on the page.
const WORST: usize = 10;

/// The most columns whose importance is computed after a training.
const MOST_COLUMNS: usize = 100;

/// The most values of a sample in the table of samples with large losses.
const VALUES: usize = 4;

/// The results of the test.
#[derive(Default)]
pub(super) struct Tested {
    pub evaluation: Option<Evaluation>,
    pub confusion: Option<Confusion>,
    pub predictions: Vec<Predictions>,
    pub baseline: Option<Trivial>,
    pub probabilities: Option<Probabilities>,
    pub intervals: Vec<(String, f64, f64)>,
    pub worst: Vec<Worst>,
    pub importance: Option<ImportanceFacts>,
}

impl Training {
    /// Evaluates the model on the test split.
    pub(super) fn test(&mut self) -> Result<Tested, Failure> {
        let Some(set) = &self.data.test else {
            return Ok(Tested::default());
        };
        let mut tested = Tested {
            evaluation: Some(self.trainer.evaluate(set)?),
            ..Tested::default()
        };
        let preprocessing = &self.data.preprocessing;
        if preprocessing.text.is_some() {
            return Ok(tested);
        }
        let outputs = self.trainer.predict(set)?;
        let all = run::interpret(&self.config, preprocessing, &outputs);
        let target = match preprocessing.target.as_str() {
            "" => "target",
            name => name,
        };
        match preprocessing.classes.as_slice() {
            [] if self.config.data.task == Some(Task::Regression) => {
                tested.predictions = Predictions::of(target, &preprocessing.outputs, set, &all);
            }
            [] => {}
            names => {
                tested.confusion = Some(Confusion::count(names, set, &all));
                let metrics = self.config.training.metrics.iter().flatten();
                let positive = metrics.filter_map(|metric| metric.class(names)).next();
                let set_by_data = match &self.config.data.source {
                    // It is the second class.
                    DataSource::Table(spec) => spec.positive.as_ref().map(|_| 1),
                    _ => None,
                };
                let positive = positive.or(set_by_data);
                tested.probabilities = Probabilities::of(names, set, &all, positive);
            }
        }
        let baseline = self.config.baseline(&self.data, set)?;
        tested.baseline = baseline.map(trivial);
        // Outputs of a training that diverged are not finite. Their scores are reported as they are.
        if outputs.values.iter().all(|y| y.is_finite()) {
            self.details(&mut tested, set, &outputs, &all)?;
        }
        tested.importance = self.importance()?;
        Ok(tested)
    }

    /// Returns the importance of the columns of a table on its test split; `None` for other data,
    /// and for tables with many columns, for which `wgrad explain` computes it.
    fn importance(&mut self) -> Result<Option<ImportanceFacts>, Failure> {
        let preprocessing = &self.data.preprocessing;
        let Some(set) = &self.data.test else {
            return Ok(None);
        };
        let columns = preprocessing.features.len();
        let series = preprocessing
            .table
            .as_ref()
            .is_some_and(|table| table.series.is_some());
        if columns == 0 || columns > MOST_COLUMNS || series {
            return Ok(None);
        }
        let seed = self.config.training.seed;
        let (metric, columns) =
            permutation_importance(&mut self.trainer, &self.config, preprocessing, set, seed)?;
        let columns = columns.into_iter();
        Ok(Some(ImportanceFacts {
            metric,
            split: "test".to_string(),
            columns: columns.map(|c| (c.column, c.drop, c.deviation)).collect(),
        }))
    }

    /// Adds the confidence intervals and the samples with the largest losses.
    fn details(
        &self,
        tested: &mut Tested,
        set: &Dataset,
        outputs: &Outputs,
        all: &[Prediction],
    ) -> Result<(), Failure> {
        let mut scorer = Scorer::new(&self.config, &self.data.preprocessing)?;
        let samples = scorer.evaluate_each(&outputs.values, set)?;
        let intervals = scorer.confidence_intervals(&samples, self.config.training.seed);
        let triple = |i: wgrad::train::Interval| (i.metric, i.low, i.high);
        tested.intervals = intervals.into_iter().map(triple).collect();
        // The samples of a series are windows, in the order of time.
        let table = self.data.preprocessing.table.as_ref();
        if table.is_some_and(|table| table.series.is_some()) {
            return Ok(());
        }
        let mut order: Vec<(usize, f64)> = samples.losses().iter().copied().enumerate().collect();
        order.retain(|(_, loss)| loss.is_finite());
        order.sort_by(|a, b| b.1.total_cmp(&a.1));
        order.truncate(WORST);
        let worst = order.into_iter().filter_map(|(i, loss)| {
            Some(Worst {
                row: set.stored_row(i)? + 1,
                actual: self.actual(set, i),
                predicted: predicted(all.get(i)?),
                loss,
            })
        });
        tested.worst = worst.collect();
        Ok(())
    }

    /// Formats the target of a sample.
    fn actual(&self, set: &Dataset, i: usize) -> String {
        let preprocessing = &self.data.preprocessing;
        match (set.label(i), set.values(i)) {
            (None, Some(row)) if self.config.data.task == Some(Task::Multilabel) => {
                let own = row.iter().enumerate().filter(|(_, v)| **v > 0.5);
                let names: Vec<String> = own.map(|(i, _)| preprocessing.output_name(i)).collect();
                names.join(", ")
            }
            (Some(label), _) => preprocessing.class_name(label as usize),
            (None, Some(row)) => numbers(row.iter().map(|v| f64::from(*v))),
            (None, None) => String::new(),
        }
    }
}

/// Returns the scores of a constant prediction, with the prediction in words.
pub fn trivial(baseline: Baseline) -> Trivial {
    Trivial {
        prediction: match baseline.constant {
            Constant::MajorityClass { name, .. } => format!("\"{name}\""),
            Constant::Means(means) => match means.as_slice() {
                [mean] => format!("the training mean, {}", short(*mean)),
                _ => "the training means".to_string(),
            },
        },
        loss: baseline.evaluation.loss,
        metrics: baseline.evaluation.metrics,
    }
}

/// Formats a prediction.
fn predicted(prediction: &Prediction) -> String {
    match prediction {
        Prediction::Class {
            class,
            name,
            probabilities,
        } => match probabilities.get(*class) {
            Some(p) => format!("{name} ({:.1}%)", 100.0 * p),
            None => name.clone(),
        },
        Prediction::Labels { names, .. } => names.join(", "),
        Prediction::Values { values, .. } => numbers(values.iter().copied()),
    }
}

fn numbers(values: impl ExactSizeIterator<Item = f64>) -> String {
    let more = if values.len() > VALUES { ", ..." } else { "" };
    let shown: Vec<String> = values.take(VALUES).map(short).collect();
    format!("{}{more}", shown.join(", "))
}

/// Returns what became of the columns of a table; empty for other data, or if the file can no
/// longer be read.
pub(super) fn columns(config: &Config, preprocessing: &Preprocessing) -> Vec<ColumnFacts> {
    let (DataSource::Table(spec), Some(table)) = (&config.data.source, &preprocessing.table) else {
        return Vec::new();
    };
    let Ok(profile) = Profile::open(&spec.path, &spec.options()) else {
        return Vec::new();
    };
    let preprocessor = table.preprocessor.as_ref();
    let names = preprocessor.map_or(Vec::new(), |p| p.feature_names());
    let groups = preprocessor.map_or(Vec::new(), |p| p.feature_groups());
    let describe = |column: &wgrad::data::ColumnProfile| {
        let read = table.columns.iter().find(|c| c.name == column.name);
        let group = groups.iter().find(|g| g.column == column.name);
        let features = group.map_or(0, |g| g.range.len());
        let kind = read.map_or(column.inferred.column_type, |c| c.column_type);
        let made = match group {
            _ if spec.target.contains(&column.name) => "the target".to_string(),
            Some(group) => {
                let own = names.get(group.range.clone()).unwrap_or_default();
                let more = if own.len() > VALUES { ", ..." } else { "" };
                let shown = own.get(..VALUES).unwrap_or(own);
                format!("{}{more}", shown.join(", "))
            }
            None if spec.ignore.contains(&column.name) => "left out: as set".to_string(),
            None if column.inferred.reason.is_empty() => "left out".to_string(),
            None => format!("left out: {}", column.inferred.reason),
        };
        ColumnFacts {
            name: column.name.clone(),
            kind: kind.name().to_string(),
            missing: column.missing,
            rows: column.rows,
            features,
            made,
        }
    };
    profile.columns.iter().map(describe).collect()
}
