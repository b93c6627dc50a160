//! `[data]`: the files, the task, and the splits.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use super::config::resolve;
use super::images::ImagesSpec;
use super::table::TableSpec;
use super::text::TextSpec;
use crate::data::FileList;
use crate::schema::{Kind, SettingError, kinds, range, with_keys};
use crate::task::Task;

/// A table with a header line; every column except the target is a feature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CsvSpec {
    /// The file.
    #[schemars(with = "range::Text", extend("examples" = ["table.csv"]))]
    pub path: PathBuf,
    /// A second file for the test, with the same columns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<range::Text>")]
    pub test_path: Option<PathBuf>,
    /// The name of the target column.
    #[schemars(with = "range::Text", extend("examples" = ["label"]))]
    pub target: String,
    /// The delimiter of columns; one ASCII character.
    #[serde(default = "comma")]
    #[schemars(extend("x-expected" = "one ASCII character"))]
    pub delimiter: char,
    /// The names of columns that are ignored.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "range::Texts")]
    pub ignore: Vec<String>,
}

fn comma() -> char {
    ','
}

/// Images in MNIST's format, whose bytes are divided by 255; `.gz` files are decompressed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct IdxSpec {
    /// The training images.
    #[schemars(with = "range::Text", extend("examples" = ["train-images-idx3-ubyte.gz"]))]
    pub images: PathBuf,
    /// The training labels.
    #[schemars(with = "range::Text", extend("examples" = ["train-labels-idx1-ubyte.gz"]))]
    pub labels: PathBuf,
    /// The images for the test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<range::Text>")]
    pub test_images: Option<PathBuf>,
    /// The labels for the test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<range::Text>")]
    pub test_labels: Option<PathBuf>,
}

/// Arrays in NumPy's formats: `.npy` files, and arrays of `.npz` archives, such as `d.npz:x`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NpySpec {
    /// The training inputs; the first axis is the samples.
    #[schemars(with = "range::Text", extend("examples" = ["x.npy"]))]
    pub inputs: PathBuf,
    /// The training targets.
    #[schemars(with = "range::Text", extend("examples" = ["y.npy"]))]
    pub targets: PathBuf,
    /// The inputs for the test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<range::Text>")]
    pub test_inputs: Option<PathBuf>,
    /// The targets for the test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<range::Text>")]
    pub test_targets: Option<PathBuf>,
}

/// What the formats share.
trait Files {
    /// Returns the file to train on.
    fn file(&self) -> &Path;

    /// Returns the file with the targets.
    fn targets(&self) -> &Path;

    /// Returns two keys that must be set together, with whether each is set.
    fn pair(&self) -> Option<[(&'static str, bool); 2]> {
        None
    }

    /// Returns whether files or a column determine the test data.
    fn has_test(&self) -> bool;
}

impl Files for CsvSpec {
    fn file(&self) -> &Path {
        &self.path
    }
    fn targets(&self) -> &Path {
        &self.path
    }
    fn has_test(&self) -> bool {
        self.test_path.is_some()
    }
}

impl Files for TableSpec {
    fn file(&self) -> &Path {
        self.path.first()
    }
    fn targets(&self) -> &Path {
        self.path.first()
    }
    fn has_test(&self) -> bool {
        self.test_path.is_some() || self.split.is_some()
    }
}

impl Files for IdxSpec {
    fn file(&self) -> &Path {
        &self.images
    }
    fn targets(&self) -> &Path {
        &self.labels
    }
    fn pair(&self) -> Option<[(&'static str, bool); 2]> {
        Some([
            ("test_images", self.test_images.is_some()),
            ("test_labels", self.test_labels.is_some()),
        ])
    }
    fn has_test(&self) -> bool {
        self.test_images.is_some()
    }
}

impl Files for NpySpec {
    fn file(&self) -> &Path {
        &self.inputs
    }
    fn targets(&self) -> &Path {
        &self.targets
    }
    fn pair(&self) -> Option<[(&'static str, bool); 2]> {
        Some([
            ("test_inputs", self.test_inputs.is_some()),
            ("test_targets", self.test_targets.is_some()),
        ])
    }
    fn has_test(&self) -> bool {
        self.test_inputs.is_some()
    }
}

impl Files for ImagesSpec {
    fn file(&self) -> &Path {
        &self.path
    }
    fn targets(&self) -> &Path {
        &self.path
    }
    fn has_test(&self) -> bool {
        self.test_path.is_some()
    }
}

impl Files for TextSpec {
    fn file(&self) -> &Path {
        &self.text
    }
    fn targets(&self) -> &Path {
        &self.text
    }
    fn has_test(&self) -> bool {
        self.test_text.is_some()
    }
}

const KIND: Kind = Kind {
    tag: "format",
    // Without `format`, the format follows from a key that only one format has.
    inferred: &[
        ("images", "idx"),
        ("inputs", "npy"),
        ("text", "text"),
        ("", "csv"),
    ],
    ..Kind::of("data format", "[data] of format \"{}\"")
};

kinds! {
    /// The files of a data set, by their format.
    pub enum DataSource by "format" as dyn Files, KIND;
    "csv" => Csv(CsvSpec),
    "table" => Table(TableSpec),
    "idx" => Idx(IdxSpec),
    "npy" => Npy(NpySpec),
    "images" => Images(ImagesSpec),
    "text" => Text(TextSpec),
}

impl DataSource {
    /// Returns whether a sample may have several labels.
    pub(super) fn has_labels(&self) -> bool {
        matches!(self, DataSource::Table(_) | DataSource::Npy(_))
    }

    /// Returns the name of the target column, or the names of several, if there are any.
    pub fn target(&self) -> Option<String> {
        match self {
            DataSource::Csv(csv) => Some(csv.target.clone()),
            DataSource::Table(table) => Some(table.target.to_string()),
            DataSource::Idx(_)
            | DataSource::Npy(_)
            | DataSource::Images(_)
            | DataSource::Text(_) => None,
        }
    }

    /// Returns the file to train on, the first one of several.
    pub fn file(&self) -> &Path {
        self.settings().file()
    }

    /// Returns the files to train on.
    pub fn files(&self) -> FileList {
        match self {
            DataSource::Table(table) => table.path.clone(),
            _ => FileList::from(self.file()),
        }
    }

    /// Returns the place of the targets, for errors.
    pub fn targets_place(&self) -> String {
        let file = match self {
            DataSource::Table(table) => table.path.to_string(),
            _ => self.settings().targets().display().to_string(),
        };
        match self.target() {
            Some(target) => format!("{file}, column {target:?}"),
            None => file,
        }
    }

    fn resolve(&mut self, folder: &Path) {
        let one = |file: &mut PathBuf| *file = resolve(folder, file);
        let optional = |file: &mut Option<PathBuf>| file.iter_mut().for_each(one);
        match self {
            DataSource::Csv(csv) => {
                one(&mut csv.path);
                optional(&mut csv.test_path);
            }
            DataSource::Table(table) => {
                let files = [Some(&mut table.path), table.test_path.as_mut()];
                let paths = files.into_iter().flatten().flat_map(FileList::paths_mut);
                paths.for_each(one);
            }
            DataSource::Idx(idx) => {
                one(&mut idx.images);
                one(&mut idx.labels);
                optional(&mut idx.test_images);
                optional(&mut idx.test_labels);
            }
            DataSource::Npy(npy) => {
                one(&mut npy.inputs);
                one(&mut npy.targets);
                optional(&mut npy.test_inputs);
                optional(&mut npy.test_targets);
            }
            DataSource::Images(images) => {
                one(&mut images.path);
                optional(&mut images.test_path);
            }
            DataSource::Text(text) => text.resolve(folder),
        }
    }
}

/// The data that a model learns from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DataSpec {
    /// The files.
    #[serde(flatten)]
    pub source: DataSource,
    /// The task. Default: it follows from the targets.
    #[serde(default, skip_serializing_if = "is_implied")]
    pub task: Option<Task>,
    /// Whether each feature is scaled to mean 0 and standard deviation 1, of the training split.
    /// Default: `true` for tables, `false` for other data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standardize: Option<bool>,
    /// The fraction of the samples that is kept for the final test. Default: 0.2, for a text 0.1,
    /// and 0 if files or a column determine the test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_split: Option<f64>,
    /// The fraction of the training samples that is kept for validation: of tables and
    /// folders of images drawn like the test split, otherwise the last samples.
    #[serde(default = "default_validation_split")]
    pub validation_split: f64,
}

/// The task of a text is always language.
fn is_implied(task: &Option<Task>) -> bool {
    matches!(task, None | Some(Task::Language))
}

fn default_validation_split() -> f64 {
    0.1
}

/// The keys that formats share.
#[derive(JsonSchema)]
#[allow(dead_code)]
struct SharedKeys {
    /// The task. Default: it follows from the targets.
    task: Option<Task>,
    /// Whether each feature is scaled to mean 0 and standard deviation 1, of the training split.
    /// Default: `true` for tables, `false` for other data.
    standardize: Option<bool>,
    /// The fraction of the samples that is kept for the final test. Default: 0.2, for a text 0.1,
    /// and 0 if files or a column determine the test.
    #[schemars(with = "Option<range::Fraction>")]
    test_split: Option<f64>,
    /// The fraction of the training samples that is kept for validation: of tables and
    /// folders of images drawn like the test split, otherwise the last samples.
    #[schemars(with = "range::Fraction", extend("default" = 0.1))]
    validation_split: f64,
}

impl JsonSchema for DataSpec {
    fn schema_name() -> Cow<'static, str> {
        "Data".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let formats = DataSource::json_schema(generator);
        // A text has no choice of tasks and no features to scale; a table has `preprocessing`.
        let takes = |format: &str, key: &str| match format {
            "text" => !["task", "standardize"].contains(&key),
            "table" => key != "standardize",
            _ => true,
        };
        with_keys::<SharedKeys>(formats, generator, takes)
    }
}

impl DataSpec {
    /// Returns whether features are scaled.
    pub fn standardize(&self) -> bool {
        let tables = matches!(self.source, DataSource::Csv(_) | DataSource::Table(_));
        self.standardize.unwrap_or(tables)
    }

    /// Returns the fraction of the samples that is kept for the final test.
    pub fn test_split(&self) -> f64 {
        let usual = match &self.source {
            _ if self.source.settings().has_test() => 0.0,
            DataSource::Text(_) => 0.1,
            _ => 0.2,
        };
        self.test_split.unwrap_or(usual)
    }

    /// Returns the task, if it follows from the format alone: IDX labels are classes; columns and
    /// arrays may be either.
    pub(super) fn implied_task(&self) -> Option<Task> {
        match &self.source {
            DataSource::Text(_) => Some(Task::Language),
            DataSource::Idx(_) => Some(self.task.unwrap_or(Task::Classification)),
            DataSource::Images(_) => Some(Task::Classification),
            DataSource::Csv(_) | DataSource::Table(_) | DataSource::Npy(_) => self.task,
        }
    }

    /// Makes the paths absolute, relative to `folder`.
    pub(super) fn resolve(&mut self, folder: &Path) {
        self.source.resolve(folder);
    }

    /// Sets the defaults.
    pub(super) fn fill(&mut self) {
        if !matches!(self.source, DataSource::Text(_) | DataSource::Table(_)) {
            self.standardize = Some(self.standardize());
        }
        // A folder of images may have a folder for the test.
        if !matches!(self.source, DataSource::Images(_)) {
            self.test_split = Some(self.test_split());
        }
    }

    /// Checks constraints between settings.
    pub(super) fn conflicts(&self) -> Result<(), SettingError> {
        let at = crate::schema::Path::root().key("data");
        if let Some([(first, has_first), (second, has_second)]) = self.source.settings().pair()
            && has_first != has_second
        {
            let (given, missing) = match has_first {
                true => (first, second),
                false => (second, first),
            };
            let message = format!("`{given}` needs `{missing}` beside it");
            return Err(SettingError::new(at.key(given), message));
        }
        if let DataSource::Csv(CsvSpec { delimiter: c, .. }) = &self.source
            && (!c.is_ascii() || ['"', '\n', '\r'].contains(c))
        {
            let message = "`delimiter` must be one ASCII character";
            let error = SettingError::new(at.key("delimiter"), message);
            return Err(error.help("for example \",\", \";\" or \"\\t\""));
        }
        if self.source.settings().has_test() && self.test_split.is_some_and(|split| split > 0.0) {
            let (what, other) = match &self.source {
                DataSource::Table(table) if table.split.is_some() => {
                    ("`split` names the test rows", "`split`")
                }
                _ => ("there are test files", "the test files"),
            };
            let message = format!("`test_split` must be 0 where {what}");
            let error = SettingError::new(at.key("test_split"), message);
            return Err(error.help(format!("leave it out, or leave {other} out")));
        }
        if let DataSource::Table(table) = &self.source {
            table.conflicts(&at)?;
        }
        Ok(())
    }
}
