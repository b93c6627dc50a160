//! `[data]`: the files, the task, and what is set aside.

use std::path::{Path, PathBuf};

use super::mistake::Result;
use super::reader::{Section, Value, fraction, or};
use super::text::TextSource;
use super::write::{Lines, number, path, string};
use super::{Places, resolve};

/// What the network learns from.
#[derive(Debug, Clone, PartialEq)]
pub struct Data {
    /// The files.
    pub source: DataSource,
    /// Classes or quantities; `None` until the data has been looked at ([`Config::settle`]).
    pub task: Option<Task>,
    /// Whether each feature is shifted and scaled to mean 0 and deviation 1 (of the training split).
    pub standardize: bool,
    /// The fraction set aside for the final test; 0 where there are test files, or no test is wanted.
    pub test_split: f64,
    /// The last fraction of the training data, kept for validation.
    pub validation_split: f64,
}

/// The files of a data set.
#[derive(Debug, Clone, PartialEq)]
pub enum DataSource {
    /// A table with a header line; every column but the target is a feature.
    Csv {
        /// The file.
        path: PathBuf,
        /// A second file for the test, with the same columns.
        test_path: Option<PathBuf>,
        /// The target column's name.
        target: String,
        /// What stands between two columns; one ASCII character.
        delimiter: char,
        /// Columns that are no features.
        ignore: Vec<String>,
    },
    /// MNIST's format: bytes, divided by 255; `.gz` is unpacked.
    Idx {
        /// The training images.
        images: PathBuf,
        /// The training labels.
        labels: PathBuf,
        /// Images and labels for the test.
        test: Option<(PathBuf, PathBuf)>,
    },
    /// NumPy's format.
    Npy {
        /// The training inputs, the first dimension counting samples.
        inputs: PathBuf,
        /// The training targets.
        targets: PathBuf,
        /// Inputs and targets for the test.
        test: Option<(PathBuf, PathBuf)>,
    },
    /// A text, for a language model.
    Text(TextSource),
}

impl DataSource {
    /// The target column's name, where there is one.
    pub fn target(&self) -> Option<&str> {
        match self {
            DataSource::Csv { target, .. } => Some(target),
            DataSource::Idx { .. } | DataSource::Npy { .. } | DataSource::Text(_) => None,
        }
    }

    /// The file to train on.
    pub fn file(&self) -> &Path {
        match self {
            DataSource::Csv { path, .. } => path,
            DataSource::Idx { images, .. } => images,
            DataSource::Npy { inputs, .. } => inputs,
            DataSource::Text(text) => &text.path,
        }
    }

    /// Where the targets stand, for errors.
    pub fn place(&self) -> String {
        match self {
            DataSource::Csv { path, target, .. } => {
                format!("{}, column {target:?}", path.display())
            }
            DataSource::Idx { labels, .. } => labels.display().to_string(),
            DataSource::Npy { targets, .. } => targets.display().to_string(),
            DataSource::Text(text) => text.path.display().to_string(),
        }
    }
}

/// What is to be predicted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Task {
    /// One of several classes.
    Classification,
    /// A quantity.
    Regression,
    /// The next token of a text.
    Language,
}

impl Task {
    /// As it is written in the file.
    pub fn name(self) -> &'static str {
        match self {
            Task::Classification => "classification",
            Task::Regression => "regression",
            Task::Language => "language",
        }
    }

    /// What its targets are, in words.
    pub fn words(self) -> &'static str {
        match self {
            Task::Classification => "classes",
            Task::Regression => "a quantity",
            Task::Language => "the tokens that follow",
        }
    }
}

impl Data {
    /// Writes the section.
    pub fn write(&self, out: &mut Lines) {
        out.section("data");
        match &self.source {
            DataSource::Csv {
                path: file,
                test_path,
                target,
                delimiter,
                ignore,
            } => {
                out.set("format", string("csv"));
                out.set("path", path(file));
                if let Some(test) = test_path {
                    out.set("test_path", path(test));
                }
                out.set("target", string(target));
                out.set("delimiter", string(&delimiter.to_string()));
                if !ignore.is_empty() {
                    let names: Vec<String> = ignore.iter().map(|name| string(name)).collect();
                    out.set("ignore", format!("[{}]", names.join(", ")));
                }
            }
            DataSource::Idx {
                images,
                labels,
                test,
            } => {
                out.set("format", string("idx"));
                out.set("images", path(images));
                out.set("labels", path(labels));
                if let Some((images, labels)) = test {
                    out.set("test_images", path(images));
                    out.set("test_labels", path(labels));
                }
            }
            DataSource::Npy {
                inputs,
                targets,
                test,
            } => {
                out.set("format", string("npy"));
                out.set("inputs", path(inputs));
                out.set("targets", path(targets));
                if let Some((inputs, targets)) = test {
                    out.set("test_inputs", path(inputs));
                    out.set("test_targets", path(targets));
                }
            }
            DataSource::Text(text) => text.write(out),
        }
        // A text says itself that it is one.
        if let Some(task) = self.task.filter(|task| *task != Task::Language) {
            out.set("task", string(task.name()));
        }
        if self.task != Some(Task::Language) {
            out.set("standardize", self.standardize);
        }
        out.set("test_split", number(self.test_split));
        out.set("validation_split", number(self.validation_split));
    }
}

/// Reads the section; paths begin at `folder`.
pub fn read(section: &Section<'_>, folder: &Path, places: &mut Places) -> Result<Data> {
    #[derive(Clone, Copy, PartialEq)]
    enum Format {
        Csv,
        Idx,
        Npy,
        Text,
    }
    const COMMON: [&str; 5] = [
        "format",
        "task",
        "standardize",
        "test_split",
        "validation_split",
    ];
    let format = match section.get("format") {
        Some(value) => Some(value.choice(
            "data format",
            &[
                ("csv", Format::Csv),
                ("idx", Format::Idx),
                ("npy", Format::Npy),
                ("text", Format::Text),
            ],
        )?),
        None => None,
    };
    // Without `format`, the keys tell: `images` is IDX, `inputs` NumPy, `text` a text, else a table.
    let format = format.unwrap_or(if section.get("images").is_some() {
        Format::Idx
    } else if section.get("inputs").is_some() {
        Format::Npy
    } else if section.get("text").is_some() {
        Format::Text
    } else {
        Format::Csv
    });
    let own: &[&str] = match format {
        Format::Csv => &["path", "test_path", "target", "delimiter", "ignore"],
        Format::Idx => &["images", "labels", "test_images", "test_labels"],
        Format::Npy => &["inputs", "targets", "test_inputs", "test_targets"],
        Format::Text => &TextSource::KEYS,
    };
    let format_name = match format {
        Format::Csv => "[data] of format \"csv\"",
        Format::Idx => "[data] of format \"idx\"",
        Format::Npy => "[data] of format \"npy\"",
        Format::Text => "[data] of format \"text\"",
    };
    let section = &section.clone().named(format_name);
    // A text has neither a choice of tasks nor features to scale.
    let common = COMMON
        .iter()
        .filter(|key| format != Format::Text || !["task", "standardize"].contains(key));
    let keys: Vec<&str> = own.iter().chain(common).copied().collect();
    section.takes(&keys)?;

    let path = |value: Value<'_>| Ok(resolve(folder, Path::new(value.string()?)));
    let source = match format {
        Format::Csv => DataSource::Csv {
            path: path(section.require("path", "path = \"table.csv\"")?)?,
            test_path: section.get("test_path").map(path).transpose()?,
            target: section
                .require("target", "target = \"label\"")?
                .string()?
                .to_string(),
            delimiter: or(Some(section), "delimiter", ',', delimiter)?,
            ignore: or(Some(section), "ignore", Vec::new(), |v| {
                let names = v.items()?;
                let names = names.iter().map(|name| Ok(name.string()?.to_string()));
                names.collect()
            })?,
        },
        Format::Idx => DataSource::Idx {
            images: path(section.require("images", "images = \"train-images-idx3-ubyte.gz\"")?)?,
            labels: path(section.require("labels", "labels = \"train-labels-idx1-ubyte.gz\"")?)?,
            test: pair(section, "test_images", "test_labels", path)?,
        },
        Format::Npy => DataSource::Npy {
            inputs: path(section.require("inputs", "inputs = \"x.npy\"")?)?,
            targets: path(section.require("targets", "targets = \"y.npy\"")?)?,
            test: pair(section, "test_inputs", "test_targets", path)?,
        },
        Format::Text => DataSource::Text(TextSource::read(section, folder)?),
    };
    let has_test_files = match &source {
        DataSource::Csv { test_path, .. } => test_path.is_some(),
        DataSource::Idx { test, .. } | DataSource::Npy { test, .. } => test.is_some(),
        DataSource::Text(text) => text.test_path.is_some(),
    };
    let test_split = match section.get("test_split") {
        Some(value) => {
            let split = fraction(value)?;
            if has_test_files && split > 0.0 {
                return Err(value
                    .place()
                    .error("`test_split` must be 0 where there are test files")
                    .help("leave it out, or leave the test files out"));
            }
            split
        }
        None if has_test_files => 0.0,
        None if format == Format::Text => 0.1,
        None => 0.2,
    };
    let tasks = [
        ("classification", Task::Classification),
        ("regression", Task::Regression),
    ];
    let task = match section.get("task") {
        Some(value) => {
            places.task = Some(value.place());
            Some(value.choice("task", &tasks)?)
        }
        // IDX labels are classes; a column or an array may be either.
        None => match format {
            Format::Idx => Some(Task::Classification),
            Format::Text => Some(Task::Language),
            Format::Csv | Format::Npy => None,
        },
    };
    Ok(Data {
        source,
        task,
        standardize: or(Some(section), "standardize", format == Format::Csv, |v| {
            v.boolean()
        })?,
        test_split,
        validation_split: or(Some(section), "validation_split", 0.1, fraction)?,
    })
}

fn delimiter(value: Value<'_>) -> Result<char> {
    let text = value.string()?;
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(c), None) if c.is_ascii() && c != '"' && c != '\n' && c != '\r' => Ok(c),
        _ => Err(value
            .place()
            .error("`delimiter` must be one ASCII character")
            .help("for example \",\", \";\" or \"\\t\"")),
    }
}

/// Two keys that are set together or not at all.
fn pair<'a>(
    section: &Section<'a>,
    first: &'static str,
    second: &'static str,
    path: impl Fn(Value<'a>) -> Result<PathBuf>,
) -> Result<Option<(PathBuf, PathBuf)>> {
    match (section.get(first), section.get(second)) {
        (Some(a), Some(b)) => Ok(Some((path(a)?, path(b)?))),
        (None, None) => Ok(None),
        (Some(a), None) => Err(a
            .place()
            .error(format!("`{first}` needs `{second}` beside it"))),
        (None, Some(b)) => Err(b
            .place()
            .error(format!("`{second}` needs `{first}` beside it"))),
    }
}
