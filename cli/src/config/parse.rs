//! From a file's text to a [`Config`]: one function a section, with its keys, defaults and ranges.

use std::path::{Path, PathBuf};

use super::reader::{ConfigError, Document, Section, Value};
use super::{
    Activation, Config, Data, DataSource, DeviceChoice, EarlyStopping, Layer, Loss, Metric, Model,
    Optimizer, Output, Overrides, Places, Schedule, Task, Training, resolve,
};

type Result<T> = std::result::Result<T, ConfigError>;

pub fn config(file: &Path, text: &str, overrides: &Overrides) -> Result<Config> {
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
    let model = self::model(&model)?;
    let data = self::data(&data, folder, &mut places)?;
    let training = section_or_empty(&root, "training", "[training]")?;
    let training = self::training(training.as_ref(), &data, overrides, &mut places)?;
    let output = section_or_empty(&root, "output", "[output]")?;
    let output = self::output(output.as_ref(), file, folder, overrides)?;
    Ok(Config {
        model,
        data,
        training,
        output,
        places,
    })
}

fn section_or_empty<'a>(
    root: &Section<'a>,
    key: &'static str,
    name: &str,
) -> Result<Option<Section<'a>>> {
    root.get(key).map(|value| value.section(name)).transpose()
}

/// Reads a key of a section that may be absent altogether, else gives the default.
fn or<'a, T>(
    section: Option<&Section<'a>>,
    key: &'static str,
    default: T,
    read: impl FnOnce(Value<'a>) -> Result<T>,
) -> Result<T> {
    match section.and_then(|s| s.get(key)) {
        Some(value) => read(value),
        None => Ok(default),
    }
}

fn positive(value: Value<'_>) -> Result<f64> {
    value.number(|x| x > 0.0, "above 0")
}

fn not_negative(value: Value<'_>) -> Result<f64> {
    value.number(|x| x >= 0.0, "at least 0")
}

/// A share that must leave something: dropout, momentum, a split.
fn fraction(value: Value<'_>) -> Result<f64> {
    value.number(|x| (0.0..1.0).contains(&x), "at least 0 and below 1")
}

// [model]

fn model(section: &Section<'_>) -> Result<Model> {
    section.takes(&["type", "layers", "hidden", "activation", "dropout"])?;
    if let Some(kind) = section.get("type") {
        kind.choice("model type", &[("sequential", ())])?;
    }
    let Some(layers) = section.get("layers") else {
        let hidden = section
            .require("hidden", "hidden = [64, 64]")
            .map_err(|e| {
                e.help("give hidden = [64, 64], or layers = [{ type = \"linear\", out = 64 }, ...]")
            })?
            .items()?;
        return Ok(Model::Mlp {
            hidden: hidden
                .iter()
                .map(|v| v.count(1))
                .collect::<Result<Vec<_>>>()?,
            activation: or(Some(section), "activation", Activation::Relu, activation)?,
            dropout: or(Some(section), "dropout", 0.0, fraction)?,
        });
    };
    for key in ["hidden", "activation", "dropout"] {
        if let Some(value) = section.get(key) {
            return Err(value
                .place()
                .error(format!("`{key}` and `layers` exclude each other"))
                .help("`layers` writes out each layer, `hidden` is the short form"));
        }
    }
    let items = layers.items()?;
    if items.is_empty() {
        return Err(layers
            .place()
            .error("`layers` must have at least one layer"));
    }
    let layers = items
        .iter()
        .map(|v| layer(*v))
        .collect::<Result<Vec<_>>>()?;
    Ok(Model::Layers(layers))
}

const ACTIVATIONS: [(&str, Activation); 8] = [
    ("relu", Activation::Relu),
    ("leaky_relu", Activation::LeakyRelu { slope: 0.01 }),
    ("elu", Activation::Elu { alpha: 1.0 }),
    ("gelu", Activation::Gelu),
    ("silu", Activation::Silu),
    ("sigmoid", Activation::Sigmoid),
    ("tanh", Activation::Tanh),
    ("softplus", Activation::Softplus),
];

impl Activation {
    /// As it is written in the file.
    pub fn name(self) -> &'static str {
        match self {
            Activation::Relu => "relu",
            Activation::LeakyRelu { .. } => "leaky_relu",
            Activation::Elu { .. } => "elu",
            Activation::Gelu => "gelu",
            Activation::Silu => "silu",
            Activation::Sigmoid => "sigmoid",
            Activation::Tanh => "tanh",
            Activation::Softplus => "softplus",
        }
    }
}

fn activation(value: Value<'_>) -> Result<Activation> {
    let (found, section) = value.tagged("activation", &ACTIVATIONS)?;
    with_parameters(found, section.as_ref())
}

fn with_parameters(found: Activation, section: Option<&Section<'_>>) -> Result<Activation> {
    let Some(section) = section else {
        return Ok(found);
    };
    Ok(match found {
        Activation::LeakyRelu { slope } => {
            section.takes(&["type", "slope"])?;
            Activation::LeakyRelu {
                slope: or(Some(section), "slope", slope, not_negative)?,
            }
        }
        Activation::Elu { alpha } => {
            section.takes(&["type", "alpha"])?;
            Activation::Elu {
                alpha: or(Some(section), "alpha", alpha, positive)?,
            }
        }
        other => {
            section.takes(&["type"])?;
            other
        }
    })
}

fn layer(value: Value<'_>) -> Result<Layer> {
    #[derive(Clone, Copy)]
    enum Kind {
        Linear,
        Activation(Activation),
        Dropout,
        Flatten,
    }
    let mut kinds = vec![("linear", Kind::Linear)];
    kinds.extend(ACTIVATIONS.map(|(name, a)| (name, Kind::Activation(a))));
    kinds.extend([("dropout", Kind::Dropout), ("flatten", Kind::Flatten)]);

    let (kind, section) = value.tagged("layer", &kinds)?;
    let missing = |kind: &str, key: &str, example: &str| {
        value
            .place()
            .error(format!("layer \"{kind}\" needs `{key}`"))
            .help(format!("for example: {example}"))
    };
    match (kind, section) {
        (Kind::Linear, Some(s)) => {
            s.takes(&["type", "out", "bias"])?;
            Ok(Layer::Linear {
                out: s
                    .require("out", "{ type = \"linear\", out = 64 }")?
                    .count(1)?,
                bias: or(Some(&s), "bias", true, |v| v.boolean())?,
            })
        }
        (Kind::Linear, None) => Err(missing("linear", "out", "{ type = \"linear\", out = 64 }")),
        (Kind::Activation(a), s) => Ok(Layer::Activation(with_parameters(a, s.as_ref())?)),
        (Kind::Dropout, Some(s)) => {
            s.takes(&["type", "p"])?;
            let p = s.require("p", "{ type = \"dropout\", p = 0.1 }")?;
            Ok(Layer::Dropout { p: fraction(p)? })
        }
        (Kind::Dropout, None) => Err(missing("dropout", "p", "{ type = \"dropout\", p = 0.1 }")),
        (Kind::Flatten, s) => {
            if let Some(s) = s {
                s.takes(&["type"])?;
            }
            Ok(Layer::Flatten)
        }
    }
}

// [data]

fn data(section: &Section<'_>, folder: &Path, places: &mut Places) -> Result<Data> {
    #[derive(Clone, Copy, PartialEq)]
    enum Format {
        Csv,
        Idx,
        Npy,
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
            ],
        )?),
        None => None,
    };
    // Without `format`, the keys tell: `images` is IDX, `inputs` is NumPy, else a table.
    let format = format.unwrap_or(if section.get("images").is_some() {
        Format::Idx
    } else if section.get("inputs").is_some() {
        Format::Npy
    } else {
        Format::Csv
    });
    let own: &[&str] = match format {
        Format::Csv => &["path", "test_path", "target", "delimiter", "ignore"],
        Format::Idx => &["images", "labels", "test_images", "test_labels"],
        Format::Npy => &["inputs", "targets", "test_inputs", "test_targets"],
    };
    let format_name = match format {
        Format::Csv => "[data] of format \"csv\"",
        Format::Idx => "[data] of format \"idx\"",
        Format::Npy => "[data] of format \"npy\"",
    };
    let section = &section.clone().named(format_name);
    let keys: Vec<&str> = own.iter().chain(&COMMON).copied().collect();
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
    };
    let has_test_files = match &source {
        DataSource::Csv { test_path, .. } => test_path.is_some(),
        DataSource::Idx { test, .. } | DataSource::Npy { test, .. } => test.is_some(),
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
        None => (format == Format::Idx).then_some(Task::Classification),
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

// [training]

fn training(
    section: Option<&Section<'_>>,
    data: &Data,
    overrides: &Overrides,
    places: &mut Places,
) -> Result<Training> {
    if let Some(section) = section {
        section.takes(&[
            "epochs",
            "batch_size",
            "shuffle",
            "seed",
            "device",
            "loss",
            "optimizer",
            "schedule",
            "clip_grad_norm",
            "early_stopping",
            "metrics",
        ])?;
    }
    let get = |key| section.and_then(|s| s.get(key));
    let epochs = or(section, "epochs", 10, |v| v.count(1))?;
    let epochs = overrides.epochs.unwrap_or(epochs);
    let optimizer = or(section, "optimizer", ADAM, optimizer)?;
    let lr = match optimizer {
        Optimizer::Sgd { lr, .. } | Optimizer::Adam { lr, .. } | Optimizer::AdamW { lr, .. } => lr,
    };
    let loss = match get("loss") {
        Some(value) => {
            places.loss = Some(value.place());
            Some(value.choice("loss", &Loss::NAMES)?)
        }
        None => None,
    };
    let metrics = match get("metrics") {
        Some(value) => {
            places.metrics = Some(value.place());
            let items = value.items()?;
            let each = items.iter().map(|v| v.choice("metric", &Metric::NAMES));
            Some(each.collect::<Result<Vec<_>>>()?)
        }
        None => None,
    };
    let device = or(section, "device", DeviceChoice::Auto, |v| {
        let device: std::result::Result<DeviceChoice, _> = v.string()?.parse();
        Ok(device.unwrap_or(DeviceChoice::Auto))
    })?;
    Ok(Training {
        epochs,
        batch_size: or(section, "batch_size", 32, |v| v.count(1))?,
        shuffle: or(section, "shuffle", true, |v| v.boolean())?,
        seed: match overrides.seed {
            Some(seed) => seed,
            None => or(section, "seed", 0, |v| v.whole(0))?,
        },
        device: overrides.device.clone().unwrap_or(device),
        loss,
        optimizer,
        schedule: or(section, "schedule", Schedule::Constant, |v| {
            schedule(v, epochs, lr)
        })?,
        clip_grad_norm: get("clip_grad_norm").map(positive).transpose()?,
        early_stopping: get("early_stopping")
            .map(|v| early_stopping(v, data, places))
            .transpose()?,
        metrics,
    })
}

const ADAM: Optimizer = Optimizer::Adam {
    lr: 1e-3,
    betas: [0.9, 0.999],
    eps: 1e-8,
    weight_decay: 0.0,
};

fn optimizer(value: Value<'_>) -> Result<Optimizer> {
    let sgd = Optimizer::Sgd {
        lr: 0.01,
        momentum: 0.0,
        nesterov: false,
        weight_decay: 0.0,
    };
    let adamw = Optimizer::AdamW {
        lr: 1e-3,
        betas: [0.9, 0.999],
        eps: 1e-8,
        weight_decay: 0.01,
    };
    let (found, section) = value.tagged(
        "optimizer",
        &[("sgd", sgd), ("adam", ADAM), ("adamw", adamw)],
    )?;
    let Some(section) = section else {
        return Ok(found);
    };
    let s = Some(&section);
    const ADAM_KEYS: [&str; 5] = ["type", "lr", "betas", "eps", "weight_decay"];
    Ok(match found {
        Optimizer::Sgd {
            lr,
            momentum,
            nesterov,
            weight_decay,
        } => {
            section.takes(&["type", "lr", "momentum", "nesterov", "weight_decay"])?;
            let momentum = or(s, "momentum", momentum, fraction)?;
            let nesterov = or(s, "nesterov", nesterov, |v| {
                let on = v.boolean()?;
                if on && momentum == 0.0 {
                    let error = v.place().error("`nesterov` needs `momentum` above 0");
                    return Err(error.help("for example: momentum = 0.9"));
                }
                Ok(on)
            })?;
            Optimizer::Sgd {
                lr: or(s, "lr", lr, positive)?,
                momentum,
                nesterov,
                weight_decay: or(s, "weight_decay", weight_decay, not_negative)?,
            }
        }
        Optimizer::Adam {
            lr,
            betas: b,
            eps,
            weight_decay,
        } => {
            section.takes(&ADAM_KEYS)?;
            Optimizer::Adam {
                lr: or(s, "lr", lr, positive)?,
                betas: or(s, "betas", b, betas)?,
                eps: or(s, "eps", eps, positive)?,
                weight_decay: or(s, "weight_decay", weight_decay, not_negative)?,
            }
        }
        Optimizer::AdamW {
            lr,
            betas: b,
            eps,
            weight_decay,
        } => {
            section.takes(&ADAM_KEYS)?;
            Optimizer::AdamW {
                lr: or(s, "lr", lr, positive)?,
                betas: or(s, "betas", b, betas)?,
                eps: or(s, "eps", eps, positive)?,
                weight_decay: or(s, "weight_decay", weight_decay, not_negative)?,
            }
        }
    })
}

fn betas(value: Value<'_>) -> Result<[f64; 2]> {
    match value.items()?.as_slice() {
        [first, second] => Ok([fraction(*first)?, fraction(*second)?]),
        _ => Err(value
            .place()
            .error("`betas` must be two numbers")
            .help("for example: betas = [0.9, 0.999]")),
    }
}

fn schedule(value: Value<'_>, epochs: usize, lr: f64) -> Result<Schedule> {
    let cosine = Schedule::Cosine {
        warmup_epochs: 0,
        min_lr: 0.0,
    };
    let (found, section) = value.tagged(
        "schedule",
        &[
            ("constant", Schedule::Constant),
            ("exponential", Schedule::Exponential { gamma: 0.9 }),
            ("cosine", cosine),
        ],
    )?;
    let Some(section) = section else {
        return Ok(found);
    };
    Ok(match found {
        Schedule::Constant => {
            section.takes(&["type"])?;
            found
        }
        Schedule::Exponential { gamma } => {
            section.takes(&["type", "gamma"])?;
            Schedule::Exponential {
                gamma: or(Some(&section), "gamma", gamma, |v| {
                    v.number(|x| x > 0.0 && x <= 1.0, "above 0 and at most 1")
                })?,
            }
        }
        Schedule::Cosine {
            warmup_epochs,
            min_lr,
        } => {
            section.takes(&["type", "warmup_epochs", "min_lr"])?;
            let warmup_epochs = or(Some(&section), "warmup_epochs", warmup_epochs, |v| {
                let warmup = v.count(0)?;
                if warmup >= epochs {
                    return Err(v.place().error(format!(
                        "`warmup_epochs` is {warmup}, but must be below `epochs`, which is {epochs}"
                    )));
                }
                Ok(warmup)
            })?;
            let min_lr = or(Some(&section), "min_lr", min_lr, |v| {
                let expected = format!("at least 0 and below the optimizer's `lr`, which is {lr}");
                v.number(|x| x >= 0.0 && x < lr, &expected)
            })?;
            Schedule::Cosine {
                warmup_epochs,
                min_lr,
            }
        }
    })
}

fn early_stopping(value: Value<'_>, data: &Data, places: &mut Places) -> Result<EarlyStopping> {
    let section = value.section("early_stopping")?;
    section.takes(&["patience", "monitor", "min_delta"])?;
    let default = if data.validation_split > 0.0 {
        "val_loss"
    } else {
        "loss"
    };
    let monitor = match section.get("monitor") {
        Some(value) => {
            places.monitor = Some(value.place());
            value.string()?
        }
        None => default,
    };
    Ok(EarlyStopping {
        patience: section.require("patience", "patience = 5")?.count(1)?,
        monitor: monitor.to_string(),
        min_delta: or(Some(&section), "min_delta", 0.0, not_negative)?,
    })
}

// [output]

fn output(
    section: Option<&Section<'_>>,
    file: &Path,
    folder: &Path,
    overrides: &Overrides,
) -> Result<Output> {
    if let Some(section) = section {
        section.takes(&["dir", "checkpoint_every", "keep_checkpoints"])?;
    }
    let stem = file.file_stem().unwrap_or("run".as_ref());
    let default = resolve(folder, &Path::new("runs").join(stem));
    let dir = or(section, "dir", default, |v| {
        Ok(resolve(folder, Path::new(v.string()?)))
    })?;
    Ok(Output {
        dir: match &overrides.out {
            Some(out) => resolve(Path::new("."), out),
            None => dir,
        },
        checkpoint_every: or(section, "checkpoint_every", 1, |v| v.count(0))?,
        keep_checkpoints: or(section, "keep_checkpoints", 3, |v| v.count(1))?,
    })
}
