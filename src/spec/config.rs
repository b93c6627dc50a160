//! A configuration: read from a file, constructed in a program, written to a file.

use std::path::{Component, Path as FilePath, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::data::{DataSource, DataSpec};
use super::device::DeviceSpec;
use super::document::Document;
use super::model::ModelSpec;
use super::output::OutputSpec;
use super::training::TrainingSpec;
use super::write;
use crate::error::{Error, Place, Result};
use crate::schema::{self, Path, SettingError};

/// A configuration.
///
/// # Example
/// ```
/// use wgrad::spec::Config;
///
/// let text = "[model]\nhidden = [8]\n[data]\npath = \"d.csv\"\ntarget = \"label\"\n[training]\nepocs = 3\n";
/// let error = Config::parse("c.toml", text, &Default::default()).unwrap_err().to_string();
/// assert!(error.starts_with("c.toml:7:1: unknown key `epocs` in [training]; did you mean `epochs`?"));
/// ```
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The network.
    pub model: ModelSpec,
    /// What the model learns from.
    pub data: DataSpec,
    /// How the model learns.
    #[serde(default)]
    pub training: TrainingSpec,
    /// Where the results are written.
    #[serde(default)]
    pub output: OutputSpec,
    /// The place of each setting in the file, if there is one.
    #[serde(skip)]
    document: Option<Document>,
}

impl PartialEq for Config {
    fn eq(&self, other: &Self) -> bool {
        (&self.model, &self.data, &self.training, &self.output)
            == (&other.model, &other.data, &other.training, &other.output)
    }
}

/// Settings that replace those of a file.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// The device.
    pub device: Option<DeviceSpec>,
    /// The number of epochs.
    pub epochs: Option<usize>,
    /// The seed.
    pub seed: Option<u64>,
    /// The run's folder, relative to the current folder.
    pub out: Option<PathBuf>,
}

impl Config {
    /// Creates a configuration from a model, its data, and how it is trained.
    ///
    /// # Errors
    ///
    /// Returns an error if a setting is out of its range, or conflicts with another.
    pub fn new(model: ModelSpec, data: DataSpec, training: TrainingSpec) -> Result<Self> {
        let config = Config {
            model,
            data,
            training,
            output: OutputSpec::default(),
            document: None,
        };
        let value = serde_json::to_value(&config);
        let value = value.map_err(|e| Error::internal("a configuration", e.to_string()))?;
        schema::check(&value, super::known_schema().as_value())?;
        config.checked()
    }

    /// Reads and checks a TOML file; `overrides` replace its settings.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Config`] with the line if a setting is wrong, and [`Error::Io`] if the file
    /// cannot be read.
    pub fn load(file: impl AsRef<FilePath>, overrides: &Overrides) -> Result<Self> {
        let file = file.as_ref();
        let text = std::fs::read_to_string(file).map_err(Error::io(file, "read"))?;
        Config::parse(file, &text, overrides)
    }

    /// Checks a file's text. `file` names it in errors, and relative paths start from its folder.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Config`] with the line if a setting is wrong.
    pub fn parse(file: impl AsRef<FilePath>, text: &str, overrides: &Overrides) -> Result<Self> {
        let file = file.as_ref();
        let (document, value) = Document::parse(file, text)?;
        schema::check(&value, super::known_schema().as_value()).map_err(|e| document.locate(&e))?;
        let mut config: Config = serde_json::from_value(value).map_err(|e| {
            let error = SettingError::new(Path::root(), e.to_string());
            document.locate(&error)
        })?;
        config.document = Some(document);
        let folder = match file.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => FilePath::new("."),
        };
        config.data.resolve(folder);
        config.output.resolve(file, folder);
        config.take(overrides);
        config.checked()
    }

    fn take(&mut self, overrides: &Overrides) {
        let training = &mut self.training;
        training.epochs = overrides.epochs.unwrap_or(training.epochs);
        training.seed = overrides.seed.unwrap_or(training.seed);
        if let Some(device) = &overrides.device {
            training.device = device.clone();
        }
        if let Some(out) = &overrides.out {
            self.output.dir = Some(resolve(FilePath::new("."), out));
        }
    }

    /// Checks constraints between settings, and sets those that follow from others.
    fn checked(mut self) -> Result<Self> {
        self.conflicts().map_err(|e| self.located(e))?;
        self.data.fill();
        if let ModelSpec::Sequential(sequential) = &mut self.model {
            sequential.fill();
        }
        if let Some(task) = self.implied_task() {
            self.settle(task)?;
        }
        Ok(self)
    }

    fn conflicts(&self) -> std::result::Result<(), SettingError> {
        let root = Path::root();
        let model = root.key("model");
        self.model.conflicts(&model)?;
        self.data.conflicts()?;
        let text = matches!(self.data.source, DataSource::Text(_));
        if let ModelSpec::Bert(_) = self.model {
            let error = SettingError::new(
                model,
                "a BERT encoder cannot be trained by itself, because it has no outputs",
            );
            return Err(error.help("build it in a program: ModelSpec::build"));
        }
        match (self.model.is_language(), text) {
            (true, false) => {
                let error = SettingError::new(model, "a language model is trained on a text");
                return Err(error.help("set `text` in [data], for example: text = \"book.txt\""));
            }
            (false, true) => {
                let error = SettingError::new(model, "a text is only for a language model");
                return Err(error.help("set `type` in [model] to \"gpt\" or \"llama\""));
            }
            _ => {}
        }
        self.training.conflicts(&root.key("training"))
    }

    /// Returns the place of a setting in the file, if the file has it.
    pub fn place(&self, path: &Path) -> Option<Place> {
        let document = self.document.as_ref()?;
        Some(document.place(path))
    }

    /// Returns whether the file sets this.
    pub(super) fn is_set(&self, path: &Path) -> bool {
        self.document.as_ref().is_none_or(|file| file.has(path))
    }

    /// Returns an error of a setting, with its line if the configuration is from a file.
    pub fn located(&self, error: SettingError) -> Error {
        match &self.document {
            Some(document) => document.locate(&error).into(),
            None => error.into(),
        }
    }

    /// Returns the configuration as TOML, with all defaults and with absolute paths.
    ///
    /// A loaded configuration loads again to the same values.
    pub fn to_toml(&self) -> String {
        write::toml(self)
    }
}

/// Resolves a path relative to `folder`, without `.` and `..` where that is safe.
pub(super) fn resolve(folder: &FilePath, path: &FilePath) -> PathBuf {
    let joined = folder.join(path);
    let absolute = std::path::absolute(&joined).unwrap_or(joined);
    let mut out = PathBuf::new();
    for part in absolute.components() {
        match part {
            Component::CurDir => {}
            // For a symbolic link, `link/..` is not the folder of the link, so it is left to the
            // system.
            Component::ParentDir if !out.is_symlink() => {
                out.pop();
            }
            _ => out.push(part),
        }
    }
    out
}
