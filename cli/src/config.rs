//! The configuration of a run: what a `CONFIG.toml` says, checked, with every default filled in.
//!
//! Takes a file ([`Config::load`]) and the command line's [`Overrides`]; gives plain data. What only
//! the data can tell (is the target a class or a quantity?) is filled in by [`Config::settle`].
//!
//! Each section has a file with its type, how it is read, and how it is written; each kind of layer a
//! row in `layer/`.
//!
//! Invariant: [`Config::to_toml`] of a loaded configuration loads again to the same values.

mod choice;
mod data;
mod init;
mod key;
mod language;
pub mod layer;
mod loss;
mod metric;
mod mistake;
mod model;
mod optimizer;
mod output;
#[cfg(test)]
mod page;
mod reader;
mod schedule;
mod settle;
mod size;
#[cfg(test)]
mod tests;
mod text;
mod training;
mod write;

use std::path::{Component, Path, PathBuf};

pub use data::{Data, DataSource, Task};
pub use language::Language;
pub use layer::Unfit;
pub use loss::{Loss, Outputs};
pub use metric::Metric;
pub use mistake::{ConfigError, Place};
pub use model::Model;
pub use output::Output;
pub use text::{TextSource, TokenizerChoice};
pub use training::{DeviceChoice, Training};

use reader::{Document, Section};

/// A whole configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// `[model]`: the network.
    pub model: Model,
    /// `[data]`: what it learns from.
    pub data: Data,
    /// `[training]`: how it learns.
    pub training: Training,
    /// `[output]`: where the results go.
    pub output: Output,
    places: Places,
}

/// Where the choices stand that can only be checked once the task is known.
#[derive(Debug, Clone, Default)]
struct Places {
    task: Option<Place>,
    loss: Option<Place>,
    metrics: Option<Place>,
    monitor: Option<Place>,
}

/// What the command line says instead of the file.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// `--device`.
    pub device: Option<DeviceChoice>,
    /// `--epochs`.
    pub epochs: Option<usize>,
    /// `--seed`.
    pub seed: Option<u64>,
    /// `--out`, relative to the current folder.
    pub out: Option<PathBuf>,
}

/// Why a configuration could not be loaded.
#[derive(Debug)]
pub enum LoadError {
    /// The file could not be read.
    Read(PathBuf, std::io::Error),
    /// The file says something wrong.
    Config(Box<ConfigError>),
}

impl From<ConfigError> for LoadError {
    fn from(e: ConfigError) -> Self {
        LoadError::Config(Box::new(e))
    }
}

impl std::fmt::Display for LoadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            LoadError::Read(path, e) => write!(f, "{}: cannot read: {e}", path.display()),
            LoadError::Config(e) => e.fmt(f),
        }
    }
}

impl std::error::Error for LoadError {}

impl Config {
    /// Reads and checks a file; what the command line says wins over what the file says.
    pub fn load(file: &Path, overrides: &Overrides) -> Result<Config, LoadError> {
        let text =
            std::fs::read_to_string(file).map_err(|e| LoadError::Read(file.to_path_buf(), e))?;
        Ok(Config::parse(file, &text, overrides)?)
    }

    /// Checks a file's text; `file` names it in errors, and its folder is where relative paths begin.
    pub fn parse(file: &Path, text: &str, overrides: &Overrides) -> Result<Config, ConfigError> {
        let mut config = Config::read(file, text, overrides)?;
        if let Some(task) = config.implied_task() {
            config.settle(task)?;
        }
        Ok(config)
    }

    fn read(file: &Path, text: &str, overrides: &Overrides) -> Result<Config, ConfigError> {
        let doc = Document { file, text };
        let tree = doc.parse(text)?;
        let root = Section::root(doc, &tree, &["model", "data", "training", "output"])?;
        let folder = match file.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let mut places = Places::default();

        let model = root
            .require("model", "[model] with hidden = [64, 64]")?
            .section("[model]")?;
        let data = root
            .require(
                "data",
                "[data] with path = \"table.csv\" and target = \"label\"",
            )?
            .section("[data]")?;
        let (model, at) = (model::read(&model)?, model.place());
        let data = data::read(&data, folder, &mut places)?;
        match (&model, &data.source) {
            (Model::Language(_), DataSource::Text(_)) => {}
            (Model::Language(_), _) => {
                return Err(at
                    .error("a language model learns from a text")
                    .help("give [data] with text = \"book.txt\""));
            }
            (_, DataSource::Text(_)) => {
                return Err(at
                    .error("a text is for a language model")
                    .help("give [model] with type = \"gpt\", or \"llama\""));
            }
            _ => {}
        }
        let training = root.section("training", "[training]")?;
        let training = training::read(training.as_ref(), &data, overrides, &mut places)?;
        let output = root.section("output", "[output]")?;
        let output = output::read(output.as_ref(), file, folder, overrides)?;
        Ok(Config {
            model,
            data,
            training,
            output,
            places,
        })
    }

    /// The configuration as TOML, every default filled in, every path absolute.
    pub fn to_toml(&self) -> String {
        let mut out = write::Lines::default();
        self.model.write(&mut out);
        self.data.write(&mut out);
        self.training.write(&mut out);
        self.output.write(&mut out);
        out.0
    }
}

/// A path as seen from `folder`, absolute, without `.` and `..` where that is safe.
fn resolve(folder: &Path, path: &Path) -> PathBuf {
    let joined = folder.join(path);
    let absolute = std::path::absolute(&joined).unwrap_or(joined);
    let mut out = PathBuf::new();
    for part in absolute.components() {
        match part {
            Component::CurDir => {}
            // `link/..` is not where the link stands, so a link is left for the system to follow.
            Component::ParentDir if !out.is_symlink() => {
                out.pop();
            }
            _ => out.push(part),
        }
    }
    out
}
