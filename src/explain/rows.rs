//! The contributions of the columns of a table to one prediction.

use std::path::Path;

use super::{Shapley, column_groups, shapley_values};
use crate::data::{Dataset, Targets, shuffle};
use crate::random::Stream;
use crate::run::{Prediction, Preprocessing, interpret};
use crate::spec::Config;
use crate::train::Trainer;
use crate::{Device, Error, Result, Run};

/// The most training rows that stand for the absence of a column.
const BACKGROUND: usize = 100;

/// Explains the predictions of a run on a table.
///
/// # Example
/// ```no_run
/// use wgrad::explain::Explainer;
/// use wgrad::{Device, Run};
///
/// let run = Run::open("runs/people")?;
/// let mut explainer = Explainer::new(&run, &Device::cpu())?;
/// let explained = explainer.row("new.csv", 1)?;
/// for (column, contribution) in explained.columns {
///     println!("{column}: {contribution:+.3}");
/// }
/// # Ok::<(), wgrad::Error>(())
/// ```
pub struct Explainer {
    trainer: Trainer,
    config: Config,
    preprocessing: Preprocessing,
    background: Vec<f32>,
}

/// The contributions of the columns to one prediction.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The prediction.
    pub prediction: Prediction,
    /// What is explained: `probability of good`, or `prediction`.
    pub quantity: String,
    /// The mean of the quantity over the background, which are rows of the training split.
    pub base: f64,
    /// The quantity for this row: `base` plus all contributions.
    pub output: f64,
    /// The columns with their contributions, the largest first by absolute value.
    pub columns: Vec<(String, f64)>,
    /// Whether the contributions are exact, rather than estimated.
    pub exact: bool,
}

impl Explainer {
    /// Creates the explainer of a run. It reads the training data, of which up to 100 rows are the
    /// background.
    ///
    /// # Errors
    ///
    /// Returns an error if the run was not trained on a table, or its data changed.
    pub fn new(run: &Run, device: &Device) -> Result<Self> {
        column_groups(run.preprocessing())?;
        let train = run.datasets()?.train;
        let mut order: Vec<u32> = (0..train.len() as u32).collect();
        shuffle(&mut order, Stream::new(run.config().training.seed));
        order.truncate(BACKGROUND);
        Ok(Explainer {
            trainer: run.trainer(device)?,
            config: run.config().clone(),
            preprocessing: run.preprocessing().clone(),
            background: train.view(&order).features_all().into_owned(),
        })
    }

    /// Explains the prediction for a row of a file of the format of the training data, counted from
    /// 1.
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be read, or has fewer rows.
    pub fn row(&mut self, file: impl AsRef<Path>, row: usize) -> Result<Explanation> {
        let file = file.as_ref();
        let source = &self.config.data.source;
        let (set, _) = self.preprocessing.unlabelled(source, &file.into())?;
        let features = row.checked_sub(1).and_then(|i| set.row(i));
        let Some(features) = features else {
            let expected = format!("1 to {}, the rows of {}", set.len(), file.display());
            return Err(Error::argument("the row", row, expected));
        };
        let features = features.into_owned();
        self.explain(&features)
    }

    /// Explains the prediction for the features of one sample, preprocessed as in training.
    ///
    /// # Errors
    ///
    /// Returns an error if the number of features is not that of the training data.
    pub fn explain(&mut self, features: &[f32]) -> Result<Explanation> {
        let predictions = self.predict(features)?;
        let Some(prediction) = predictions.into_iter().next() else {
            return Err(Error::argument("the features", features.len(), "one row"));
        };
        let quantity = match &prediction {
            Prediction::Class { name, .. } => format!("probability of {name}"),
            Prediction::Labels { .. } => {
                format!("probability of {}", self.preprocessing.output_name(0))
            }
            Prediction::Values { .. } if self.preprocessing.quantities > 1 => {
                "first value".to_string()
            }
            Prediction::Values { .. } => "prediction".to_string(),
        };
        let class = match &prediction {
            Prediction::Class { class, .. } => *class,
            Prediction::Labels { .. } | Prediction::Values { .. } => 0,
        };
        let groups = column_groups(&self.preprocessing)?;
        let (names, ranges): (Vec<String>, Vec<_>) = groups.into_iter().unzip();
        let seed = self.config.training.seed;
        let background = std::mem::take(&mut self.background);
        let values = shapley_values(&ranges, features, &background, seed, |rows| {
            let predictions = self.predict(rows)?;
            Ok(predictions.iter().map(|p| explained(p, class)).collect())
        });
        self.background = background;
        let Shapley {
            base,
            output,
            values,
            exact,
        } = values?;
        let mut columns: Vec<(String, f64)> = names.into_iter().zip(values).collect();
        columns.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
        Ok(Explanation {
            prediction,
            quantity,
            base,
            output,
            columns,
            exact,
        })
    }

    fn predict(&mut self, rows: &[f32]) -> Result<Vec<Prediction>> {
        let shape = self.preprocessing.sample_shape.as_slice();
        let set = Dataset::from_arrays(rows.to_vec(), shape, Targets::Unlabelled)?;
        let outputs = self.trainer.predict(&set)?;
        Ok(interpret(&self.config, &self.preprocessing, &outputs))
    }
}

/// Returns the number of a prediction that is explained. A model without probabilities has 1 for
/// the predicted class.
fn explained(prediction: &Prediction, class: usize) -> f64 {
    match prediction {
        Prediction::Class {
            class: predicted,
            probabilities,
            ..
        } => match probabilities.get(class) {
            Some(p) => *p,
            None => f64::from(u8::from(*predicted == class)),
        },
        Prediction::Labels {
            probabilities: values,
            ..
        }
        | Prediction::Values { values, .. } => values.first().copied().unwrap_or(f64::NAN),
    }
}
