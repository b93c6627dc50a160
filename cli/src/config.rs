//! The configuration of a run: what a `CONFIG.toml` says, checked, with every default filled in.
//!
//! Takes a file ([`Config::load`]) and the command line's [`Overrides`]; gives plain data. What only
//! the data can tell (is the target a class or a quantity?) is filled in by [`Config::settle`].
//!
//! Invariant: [`Config::to_toml`] of a loaded configuration loads again to the same values.

mod parse;
mod reader;
#[cfg(test)]
mod tests;
mod write;

use std::path::{Component, Path, PathBuf};
use std::str::FromStr;

pub use reader::{ConfigError, Place};

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

/// The network.
#[derive(Debug, Clone, PartialEq)]
pub enum Model {
    /// `layers = [...]`: each layer written out.
    Layers(Vec<Layer>),
    /// `hidden = [64, 64]`: linear layers with an activation (and dropout) after each hidden one;
    /// the last layer's width comes from the data.
    Mlp {
        /// The widths of the hidden layers; empty for a linear model.
        hidden: Vec<usize>,
        /// What follows each hidden layer.
        activation: Activation,
        /// Dropout after each activation; 0 for none.
        dropout: f64,
    },
}

impl Model {
    /// The layers, written out, for data with this many outputs (classes, or target columns).
    pub fn layers(&self, outputs: usize) -> Vec<Layer> {
        match self {
            Model::Layers(layers) => layers.clone(),
            Model::Mlp {
                hidden,
                activation,
                dropout,
            } => {
                let mut layers = Vec::new();
                for &out in hidden {
                    layers.push(Layer::Linear { out, bias: true });
                    layers.push(Layer::Activation(*activation));
                    if *dropout > 0.0 {
                        layers.push(Layer::Dropout { p: *dropout });
                    }
                }
                layers.push(Layer::Linear {
                    out: outputs,
                    bias: true,
                });
                layers
            }
        }
    }
}

/// One layer of a sequential network.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Layer {
    /// `y = x w + b`.
    Linear {
        /// The number of outputs.
        out: usize,
        /// Whether `b` is there.
        bias: bool,
    },
    /// An elementwise function.
    Activation(Activation),
    /// Sets each element to zero with probability `p` while training.
    Dropout {
        /// The probability, at least 0 and below 1.
        p: f64,
    },
    /// Joins all dimensions but the batch.
    Flatten,
}

/// An activation function.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Activation {
    /// `max(x, 0)`.
    Relu,
    /// `x`, or `slope * x` below zero.
    LeakyRelu {
        /// The factor below zero.
        slope: f64,
    },
    /// `x`, or `alpha * (exp(x) - 1)` below zero.
    Elu {
        /// The limit below zero, negated.
        alpha: f64,
    },
    /// `x * Phi(x)`.
    Gelu,
    /// `x * sigmoid(x)`.
    Silu,
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
    /// The hyperbolic tangent.
    Tanh,
    /// `ln(1 + exp(x))`.
    Softplus,
}

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
}

impl DataSource {
    /// The target column's name, where there is one.
    pub fn target(&self) -> Option<&str> {
        match self {
            DataSource::Csv { target, .. } => Some(target),
            DataSource::Idx { .. } | DataSource::Npy { .. } => None,
        }
    }

    /// The file to train on.
    pub fn file(&self) -> &Path {
        match self {
            DataSource::Csv { path, .. } => path,
            DataSource::Idx { images, .. } => images,
            DataSource::Npy { inputs, .. } => inputs,
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
}

/// How the network learns.
#[derive(Debug, Clone, PartialEq)]
pub struct Training {
    /// How often all samples are seen.
    pub epochs: usize,
    /// Samples a step.
    pub batch_size: usize,
    /// Whether the order changes each epoch.
    pub shuffle: bool,
    /// Decides the first weights, the splits, the order and the dropout.
    pub seed: u64,
    /// Where to compute.
    pub device: DeviceChoice,
    /// What is minimised; `None` until the task is known.
    pub loss: Option<Loss>,
    /// How the weights move.
    pub optimizer: Optimizer,
    /// How the learning rate changes.
    pub schedule: Schedule,
    /// The largest global norm of the gradient; larger ones are scaled down.
    pub clip_grad_norm: Option<f64>,
    /// When to stop before the last epoch.
    pub early_stopping: Option<EarlyStopping>,
    /// What is measured besides the loss; `None` until the task is known.
    pub metrics: Option<Vec<Metric>>,
}

/// Where to compute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeviceChoice {
    /// A real GPU where there is one, else the CPU.
    Auto,
    /// The CPU.
    Cpu,
    /// The best GPU.
    Gpu,
    /// The GPU whose name contains this.
    Named(String),
}

impl FromStr for DeviceChoice {
    type Err = std::convert::Infallible;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Ok(match s.trim().to_lowercase().as_str() {
            "auto" => DeviceChoice::Auto,
            "cpu" => DeviceChoice::Cpu,
            "gpu" => DeviceChoice::Gpu,
            _ => DeviceChoice::Named(s.trim().to_string()),
        })
    }
}

impl DeviceChoice {
    /// As it is written in the file and on the command line.
    pub fn name(&self) -> &str {
        match self {
            DeviceChoice::Auto => "auto",
            DeviceChoice::Cpu => "cpu",
            DeviceChoice::Gpu => "gpu",
            DeviceChoice::Named(part) => part,
        }
    }
}

/// What is minimised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// Softmax cross-entropy of scores, for classes.
    CrossEntropy,
    /// The mean squared error.
    Mse,
    /// Binary cross-entropy of scores, for two classes.
    BceWithLogits,
    /// Binary cross-entropy of probabilities, for two classes.
    Bce,
}

impl Loss {
    const NAMES: [(&'static str, Loss); 4] = [
        ("cross_entropy", Loss::CrossEntropy),
        ("mse", Loss::Mse),
        ("bce_with_logits", Loss::BceWithLogits),
        ("bce", Loss::Bce),
    ];

    /// As it is written in the file.
    pub fn name(self) -> &'static str {
        name_of(&Self::NAMES, &self)
    }
}

/// What is measured besides the loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// The fraction of samples whose class is right.
    Accuracy,
    /// The mean absolute error.
    Mae,
    /// The mean squared error.
    Mse,
}

impl Metric {
    const NAMES: [(&'static str, Metric); 3] = [
        ("accuracy", Metric::Accuracy),
        ("mae", Metric::Mae),
        ("mse", Metric::Mse),
    ];

    /// As it is written in the file.
    pub fn name(self) -> &'static str {
        name_of(&Self::NAMES, &self)
    }
}

fn name_of<T: PartialEq>(names: &[(&'static str, T)], value: &T) -> &'static str {
    names
        .iter()
        .find(|(_, v)| v == value)
        .map_or("?", |(name, _)| name)
}

/// How the weights move.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Optimizer {
    /// Stochastic gradient descent.
    Sgd {
        /// The learning rate.
        lr: f64,
        /// The share of the last move that is kept.
        momentum: f64,
        /// Whether the gradient is taken a move ahead.
        nesterov: bool,
        /// The L2 penalty.
        weight_decay: f64,
    },
    /// Adam, with the penalty in the gradient.
    Adam {
        /// The learning rate.
        lr: f64,
        /// The decay of the two moments.
        betas: [f64; 2],
        /// Keeps the division finite.
        eps: f64,
        /// The L2 penalty.
        weight_decay: f64,
    },
    /// Adam, with the penalty apart from the gradient.
    AdamW {
        /// The learning rate.
        lr: f64,
        /// The decay of the two moments.
        betas: [f64; 2],
        /// Keeps the division finite.
        eps: f64,
        /// The decay of the weights, in units of the learning rate.
        weight_decay: f64,
    },
}

/// How the learning rate changes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Schedule {
    /// It does not.
    Constant,
    /// Each epoch it is multiplied by `gamma`.
    Exponential {
        /// The factor, above 0 and at most 1.
        gamma: f64,
    },
    /// It rises for `warmup_epochs`, then falls along a cosine to `min_lr`.
    Cosine {
        /// Epochs of linear rise from zero.
        warmup_epochs: usize,
        /// The rate at the end.
        min_lr: f64,
    },
}

/// When to stop before the last epoch.
#[derive(Debug, Clone, PartialEq)]
pub struct EarlyStopping {
    /// How many epochs without progress are allowed.
    pub patience: usize,
    /// `loss`, `val_loss`, or a metric's name, with `val_` before it for the validation split.
    pub monitor: String,
    /// What counts as progress.
    pub min_delta: f64,
}

/// Where the results go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// The run's folder (a numbered sibling where it is taken).
    pub dir: PathBuf,
    /// Epochs between two checkpoints; 0 for one at the end only.
    pub checkpoint_every: usize,
    /// How many of them are kept, besides the best.
    pub keep_checkpoints: usize,
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
        let mut config = parse::config(file, text, overrides)?;
        if let Some(task) = config.implied_task() {
            config.settle(task)?;
        }
        Ok(config)
    }

    /// The task, where the file alone tells.
    fn implied_task(&self) -> Option<Task> {
        self.data.task.or(match self.training.loss {
            Some(Loss::Mse) | None => None,
            Some(_) => Some(Task::Classification),
        })
    }

    /// Fills in what depends on the task, and checks it: `found` is what the data looks like, and
    /// holds unless the file names the task.
    pub fn settle(&mut self, found: Task) -> Result<(), ConfigError> {
        let task = *self.data.task.get_or_insert(found);
        let loss = *self.training.loss.get_or_insert(match task {
            Task::Classification => Loss::CrossEntropy,
            Task::Regression => Loss::Mse,
        });
        if task == Task::Regression && loss != Loss::Mse {
            let place = self.places.loss.as_ref().or(self.places.task.as_ref());
            if let Some(place) = place {
                return Err(place
                    .error(format!(
                        "loss \"{}\" is for classes, but the task is regression",
                        loss.name()
                    ))
                    .help("use loss = \"mse\", or task = \"classification\""));
            }
        }
        self.check_last_layer(loss)?;
        let metrics = self.training.metrics.get_or_insert_with(|| match task {
            Task::Classification => vec![Metric::Accuracy],
            Task::Regression => vec![Metric::Mae],
        });
        let misfit = metrics
            .iter()
            .find(|m| (**m == Metric::Accuracy) != (task == Task::Classification));
        if let (Some(metric), Some(place)) = (misfit, &self.places.metrics) {
            let (is, use_) = match task {
                Task::Classification => ("classification", "\"accuracy\""),
                Task::Regression => ("regression", "\"mae\", \"mse\""),
            };
            return Err(place
                .error(format!(
                    "metric \"{}\" does not fit the task, which is {is}",
                    metric.name()
                ))
                .help(format!("metrics for {is}: {use_}")));
        }
        let names: Vec<&str> = metrics.iter().map(|m| m.name()).collect();
        self.check_monitor(&names)
    }

    /// `bce` takes probabilities, so the model must end with a sigmoid.
    fn check_last_layer(&self, loss: Loss) -> Result<(), ConfigError> {
        let Some(place) = self.places.loss.as_ref().filter(|_| loss == Loss::Bce) else {
            return Ok(());
        };
        let ends_with_sigmoid = match &self.model {
            Model::Layers(layers) => {
                matches!(layers.last(), Some(Layer::Activation(Activation::Sigmoid)))
            }
            Model::Mlp { .. } => false,
        };
        if ends_with_sigmoid {
            return Ok(());
        }
        Err(place
            .error("loss \"bce\" takes probabilities, but the model does not end with a sigmoid")
            .help("use loss = \"bce_with_logits\", or end `layers` with \"sigmoid\""))
    }

    fn check_monitor(&self, metrics: &[&str]) -> Result<(), ConfigError> {
        let (Some(stop), Some(place)) = (&self.training.early_stopping, &self.places.monitor)
        else {
            return Ok(());
        };
        let mut known = vec!["loss".to_string()];
        known.extend(metrics.iter().map(|m| m.to_string()));
        if self.data.validation_split > 0.0 {
            let validated: Vec<String> = known.iter().map(|m| format!("val_{m}")).collect();
            known.extend(validated);
        }
        if known.contains(&stop.monitor) {
            return Ok(());
        }
        let names: Vec<&str> = known.iter().map(String::as_str).collect();
        let mut help = format!("it can be {}", quoted(&names));
        if stop.monitor.starts_with("val_") && self.data.validation_split == 0.0 {
            help.push_str("; there is no validation, since validation_split is 0");
        }
        Err(place
            .error(format!(
                "`monitor` is \"{}\", which is not measured{}",
                stop.monitor,
                reader::did_you_mean(&stop.monitor, &names)
            ))
            .help(help))
    }
}

fn quoted(names: &[&str]) -> String {
    let list: Vec<String> = names.iter().map(|n| format!("\"{n}\"")).collect();
    list.join(", ")
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
