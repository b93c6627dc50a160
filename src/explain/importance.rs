//! Permutation importance: how much worse a model is without the information of a column.

use super::column_groups;
use crate::data::{Dataset, shuffle};
use crate::random::Stream;
use crate::run::{Preprocessing, Scorer};
use crate::spec::Config;
use crate::train::{Evaluation, Trainer};
use crate::{Error, Result, Shape};

/// The most rows that are used; more would hardly change the result.
const MAX_ROWS: usize = 2_000;

/// The number of shuffles of each column.
const SHUFFLES: usize = 5;

/// The importance of a column.
#[derive(Clone, Debug, PartialEq)]
pub struct Importance {
    /// The name of the column.
    pub column: String,
    /// The mean decrease of the metric when the column is shuffled; for a metric whose smaller
    /// values are better, the mean increase. Near 0, or below, for a column that does not matter.
    pub drop: f64,
    /// The standard deviation over the shuffles.
    pub deviation: f64,
}

/// Returns the name of the first metric of a configuration, and the importance of each column for
/// it: the most important first. Each column's features are shuffled together, 5 times, over at
/// most 2,000 rows of the set. Without a metric, it is the loss.
///
/// It is `sklearn.inspection.permutation_importance` (Breiman, 2001). Two columns with the same
/// information can both seem unimportant.
///
/// # Errors
///
/// Returns an error if the data is not a table, or does not fit the model.
///
/// # Example
/// ```no_run
/// use wgrad::explain::permutation_importance;
/// use wgrad::{Device, Run};
///
/// let run = Run::open("runs/people")?;
/// let Some(test) = run.test_data()? else { return Ok(()) };
/// let mut trainer = run.trainer(&Device::cpu())?;
/// let (metric, columns) =
///     permutation_importance(&mut trainer, run.config(), run.preprocessing(), &test, 0)?;
/// for column in columns {
///     println!("{}: {metric} drops by {:.3}", column.column, column.drop);
/// }
/// # Ok::<(), wgrad::Error>(())
/// ```
pub fn permutation_importance(
    trainer: &mut Trainer,
    config: &Config,
    preprocessing: &Preprocessing,
    set: &Dataset,
    seed: u64,
) -> Result<(String, Vec<Importance>)> {
    let groups = column_groups(preprocessing)?;
    let random = Stream::new(seed);
    let mut order: Vec<u32> = (0..set.len() as u32).collect();
    shuffle(&mut order, random.child(0));
    order.truncate(MAX_ROWS);
    let set = set.view(&order);
    let (rows, width) = (set.len(), set.sample_shape().len());
    let features = set.features_all().into_owned();
    let mut scorer = Scorer::new(config, preprocessing)?;
    let outputs = trainer.predict(&set)?;
    let (name, base) = first(&scorer.evaluate(&outputs.values, &set)?);
    let sign = match trainer.history().higher_is_better(&name) {
        true => 1.0,
        false => -1.0,
    };

    let mut all = Vec::new();
    for (i, (column, range)) in groups.into_iter().enumerate() {
        // All shuffles in one prediction, for each prediction compiles the model.
        let mut shuffled = features.repeat(SHUFFLES);
        for (s, block) in shuffled.chunks_mut((rows * width).max(1)).enumerate() {
            let mut from: Vec<u32> = (0..rows as u32).collect();
            let stream = random.child(1 + (i * SHUFFLES + s) as u64);
            shuffle(&mut from, stream);
            for (row, from) in block.chunks_mut(width.max(1)).zip(from) {
                let start = from as usize * width;
                let source = features.get(start + range.start..start + range.end);
                if let (Some(to), Some(source)) = (row.get_mut(range.clone()), source) {
                    to.copy_from_slice(source);
                }
            }
        }
        let unlabelled = crate::data::Targets::Unlabelled;
        let shape: Shape = set.sample_shape().clone();
        let outputs = trainer.predict(&Dataset::from_arrays(shuffled, shape, unlabelled)?)?;
        let mut drops = Vec::new();
        for values in outputs.values.chunks(outputs.values.len() / SHUFFLES) {
            drops.push(sign * (base - first(&scorer.evaluate(values, &set)?).1));
        }
        let mean = drops.iter().sum::<f64>() / drops.len() as f64;
        let squares = drops.iter().map(|drop| (drop - mean).powi(2));
        let deviation = (squares.sum::<f64>() / drops.len() as f64).sqrt();
        all.push(Importance {
            column,
            drop: mean,
            deviation,
        });
    }
    if all.is_empty() {
        return Err(Error::data("the data of the run", "it has no columns"));
    }
    all.sort_by(|a, b| b.drop.total_cmp(&a.drop));
    Ok((name, all))
}

/// Returns the first metric, or the loss.
fn first(evaluation: &Evaluation) -> (String, f64) {
    let first = evaluation.metrics.first().cloned();
    first.unwrap_or(("loss".to_string(), evaluation.loss))
}
