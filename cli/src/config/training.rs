//! `[training]`: how the network learns.

use std::str::FromStr;

use wgrad::DType;

use super::data::Data;
use super::loss::{self, Loss};
use super::metric::{self, Metric};
use super::mistake::Result;
use super::optimizer::{self, Optimizer};
use super::reader::{Section, Value, fraction, not_negative, or, positive};
use super::schedule::{self, Schedule};
use super::size;
use super::write::{Lines, number, string};
use super::{Overrides, Places};

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
    /// The largest magnitude of an element of the gradient.
    pub clip_grad_value: Option<f64>,
    /// The penalty on the magnitudes of all weights.
    pub l1: Option<f64>,
    /// Half the penalty on their squares.
    pub l2: Option<f64>,
    /// The share of the old average of weights that a step keeps; without it, there is no average.
    pub ema: Option<f64>,
    /// Batches of a step.
    pub accumulate_gradients: usize,
    /// What activations are kept in until their gradient is computed.
    pub precision: DType,
    /// Bytes of the device's memory that the training takes at most.
    pub memory_limit: Option<u64>,
    /// When to stop before the last epoch.
    pub early_stopping: Option<EarlyStopping>,
    /// What is measured besides the loss; `None` until the task is known.
    pub metrics: Option<Vec<Metric>>,
}

const PRECISIONS: [(&str, DType); 3] = [
    ("f32", DType::F32),
    ("bf16", DType::Bf16),
    ("f16", DType::F16),
];

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

    fn from_str(s: &str) -> std::result::Result<Self, Self::Err> {
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

impl Training {
    /// Writes the section.
    pub fn write(&self, out: &mut Lines) {
        out.section("training");
        out.set("epochs", self.epochs);
        out.set("batch_size", self.batch_size);
        out.set("shuffle", self.shuffle);
        out.set("seed", self.seed);
        out.set("device", string(self.device.name()));
        if let Some(loss) = &self.loss {
            out.set("loss", loss.write_short());
        }
        out.set("optimizer", self.optimizer.write(0));
        out.set("schedule", self.schedule.write());
        for (key, value) in [
            ("clip_grad_norm", self.clip_grad_norm),
            ("clip_grad_value", self.clip_grad_value),
            ("l1", self.l1),
            ("l2", self.l2),
            ("ema", self.ema),
        ] {
            if let Some(value) = value {
                out.set(key, number(value));
            }
        }
        if self.accumulate_gradients > 1 {
            out.set("accumulate_gradients", self.accumulate_gradients);
        }
        if self.precision != DType::F32 {
            out.set("precision", string(&self.precision.to_string()));
        }
        if let Some(limit) = self.memory_limit {
            out.set("memory_limit", string(&size::write(limit)));
        }
        if let Some(stop) = &self.early_stopping {
            let text = format!(
                "{{ patience = {}, monitor = {}, min_delta = {} }}",
                stop.patience,
                string(&stop.monitor),
                number(stop.min_delta)
            );
            out.set("early_stopping", text);
        }
        if let Some(metrics) = &self.metrics {
            let all: Vec<String> = metrics.iter().map(Metric::write_short).collect();
            out.set("metrics", format!("[{}]", all.join(", ")));
        }
    }
}

/// Reads the section.
pub fn read(
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
            "clip_grad_value",
            "l1",
            "l2",
            "ema",
            "accumulate_gradients",
            "precision",
            "memory_limit",
            "early_stopping",
            "metrics",
        ])?;
    }
    let get = |key| section.and_then(|s| s.get(key));
    let epochs = or(section, "epochs", 10, |v| v.count(1))?;
    let epochs = overrides.epochs.unwrap_or(epochs);
    let optimizer = or(section, "optimizer", optimizer::adam(), optimizer::read)?;
    let lr = optimizer.lr();
    let loss = match get("loss") {
        Some(value) => {
            places.loss = Some(value.place());
            Some(loss::read(value)?)
        }
        None => None,
    };
    let metrics = match get("metrics") {
        Some(value) => {
            places.metrics = Some(value.place());
            let items = value.items()?;
            Some(
                items
                    .iter()
                    .map(|v| metric::read(*v))
                    .collect::<Result<_>>()?,
            )
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
        schedule: or(section, "schedule", Schedule::default(), |v| {
            schedule::read(v, epochs, lr)
        })?,
        clip_grad_norm: get("clip_grad_norm").map(positive).transpose()?,
        clip_grad_value: get("clip_grad_value").map(positive).transpose()?,
        l1: get("l1").map(not_negative).transpose()?,
        l2: get("l2").map(not_negative).transpose()?,
        ema: get("ema").map(fraction).transpose()?,
        accumulate_gradients: or(section, "accumulate_gradients", 1, |v| v.count(1))?,
        precision: or(section, "precision", DType::F32, |v| {
            v.choice("precision", &PRECISIONS)
        })?,
        memory_limit: get("memory_limit").map(size::read).transpose()?,
        early_stopping: get("early_stopping")
            .map(|v| early_stopping(v, data, places))
            .transpose()?,
        metrics,
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
