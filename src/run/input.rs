//! The input of predictions: read in blocks of rows, with the columns that are kept.

use super::preprocessing::one_file;
use super::{Prediction, Predictor, Run, table};
use crate::data::{self, CsvTable, Dataset, FileList, ImageFolder, RawTable};
use crate::spec::DataSource;
use crate::{Error, Result};

/// The number of rows that are predicted at a time: a multiple of the batch size of predictions, so
/// that blocks change no bit.
const BLOCK_ROWS: usize = 1 << 16;

/// Data to predict, with the columns that are copied to the predictions.
///
/// # Example
/// ```
/// use wgrad::{Device, Run};
///
/// # let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/runs/iris");
/// # let file = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/iris.csv");
/// let run = Run::open(folder)?;
/// let input = run.prediction_input(&file.into(), &["species"])?;
/// let mut predictor = run.predictor(&Device::cpu())?;
/// let mut rows = 0;
/// predictor.predict_input(&input, &mut |block| {
///     assert_eq!(block.kept[0], ["setosa"]);
///     rows += block.predictions.len();
///     Ok(())
/// })?;
/// assert_eq!(rows, 150);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Debug)]
pub struct PredictionInput {
    source: InputSource,
    kept: Vec<String>,
    unused: Vec<String>,
    notes: Vec<String>,
}

#[derive(Debug)]
enum InputSource {
    /// A table that is read in blocks of so many rows.
    Table(RawTable, usize),
    /// Samples in memory, with the cells that are kept.
    Samples(Dataset, Vec<Vec<String>>),
}

/// The predictions of consecutive samples.
#[derive(Debug)]
pub struct PredictedRows {
    /// The predictions, in the order of the input.
    pub predictions: Vec<Prediction>,
    /// For each row, the texts of the kept columns.
    pub kept: Vec<Vec<String>>,
}

impl PredictionInput {
    /// Returns the names of the kept columns, in the order of the cells.
    pub fn kept(&self) -> &[String] {
        &self.kept
    }

    /// Returns observations about the files, for the user.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Returns the columns that are neither features nor the target.
    pub fn unused(&self) -> &[String] {
        &self.unused
    }
}

impl Run {
    /// Opens files to predict: with images, the name of each file is kept. `keep` names the columns of a table whose cells are copied as texts:
    /// names, names separated by commas, or `"all"`.
    ///
    /// # Errors
    ///
    /// Returns an error if a file cannot be read, a kept column is not in it, or the data has no
    /// columns to keep.
    pub fn prediction_input(
        &self,
        files: &FileList,
        keep: &[impl AsRef<str>],
    ) -> Result<PredictionInput> {
        let preprocessing = &self.preprocessing;
        let not_the_target = |mut unused: Vec<String>| {
            unused.retain(|name| *name != preprocessing.target);
            unused
        };
        match &self.config.data.source {
            DataSource::Csv(csv) => {
                one_file(files)?;
                let file = files.first();
                let table = data::csv_delimited(file, csv.delimiter)?;
                let columns: Vec<&str> = table.columns().collect();
                let kept = kept(&columns, keep);
                let names: Vec<&str> = kept.iter().map(String::as_str).collect();
                let texts = texts(&table, &names)?;
                let unused = preprocessing.spare(columns.into_iter());
                let set = preprocessing.samples_of(table, file)?;
                Ok(PredictionInput {
                    source: InputSource::Samples(set, texts),
                    kept,
                    unused: not_the_target(unused),
                    notes: Vec::new(),
                })
            }
            DataSource::Table(spec) if table::columns(preprocessing)?.is_some() => {
                let table = RawTable::open(files, &spec.options())?;
                let columns: Vec<&str> = table.columns().iter().map(String::as_str).collect();
                let kept = kept(&columns, keep);
                table.indices(&kept)?;
                let unused = preprocessing.spare(columns.into_iter());
                Ok(PredictionInput {
                    source: InputSource::Table(table, table::block_rows(spec, BLOCK_ROWS)),
                    kept,
                    unused: not_the_target(unused),
                    notes: Vec::new(),
                })
            }
            DataSource::Images(_) if keep.is_empty() => {
                let images = ImageFolder::unlabelled(files.paths())?;
                let names = images.names().map(|name| vec![name.to_string()]);
                Ok(PredictionInput {
                    source: InputSource::Samples(preprocessing.images(&images)?, names.collect()),
                    kept: vec!["file".to_string()],
                    unused: Vec::new(),
                    notes: images.notes().to_vec(),
                })
            }
            source => {
                if let Some(given) = keep.first() {
                    let expected = "no columns: only rows of a table have columns to keep";
                    return Err(Error::argument("keep", given.as_ref(), expected));
                }
                let (set, unused) = preprocessing.unlabelled(source, files)?;
                Ok(PredictionInput {
                    source: InputSource::Samples(set, Vec::new()),
                    kept: Vec::new(),
                    unused: not_the_target(unused),
                    notes: Vec::new(),
                })
            }
        }
    }
}

impl Predictor {
    /// Calls `each` with the predictions of consecutive samples, in order. A table is read and
    /// predicted in blocks, so that memory does not grow with it; its cells are checked before the
    /// first call.
    ///
    /// # Errors
    ///
    /// Returns the errors of `each`, and an error if a cell does not fit its column.
    pub fn predict_input(
        &mut self,
        input: &PredictionInput,
        each: &mut dyn FnMut(PredictedRows) -> Result<()>,
    ) -> Result<()> {
        let (table, rows) = match &input.source {
            InputSource::Table(table, rows) => (table, *rows),
            InputSource::Samples(set, kept) => {
                let predictions = self.predict(set)?;
                return each(PredictedRows {
                    predictions,
                    kept: kept.clone(),
                });
            }
        };
        let preprocessing = self.preprocessing.clone();
        let columns = table::columns(&preprocessing)?.unwrap_or_default();
        let kept = table.indices(&input.kept)?;
        table.read_kept_blocks(columns, &kept, rows, &mut |block| {
            let set = table::block(&preprocessing, &block.frame)?;
            let predictions = self.predict(&preprocessing.apply(set)?)?;
            let kept = block.kept;
            each(PredictedRows { predictions, kept })
        })?;
        Ok(())
    }
}

/// Returns the names of the kept columns. A column's own name may have a comma.
fn kept(columns: &[&str], keep: &[impl AsRef<str>]) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for given in keep.iter().map(AsRef::as_ref) {
        let names: Vec<&str> = match given {
            "all" => columns.to_vec(),
            name if columns.contains(&name) => vec![name],
            names => names.split(',').map(str::trim).collect(),
        };
        for name in names {
            if kept.iter().all(|k| k != name) {
                kept.push(name.to_string());
            }
        }
    }
    kept
}

fn texts(table: &CsvTable, names: &[&str]) -> Result<Vec<Vec<String>>> {
    match names {
        [] => Ok(Vec::new()),
        names => table.texts(names),
    }
}
