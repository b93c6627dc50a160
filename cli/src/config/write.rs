//! From a [`Config`] back to TOML, as a person would write it: one line a layer, optimizer, schedule.

use std::fmt::Write as _;
use std::path::Path;

use super::{Activation, Config, DataSource, Layer, Model, Optimizer, Schedule, Task, Training};

impl Config {
    /// The configuration as TOML, every default filled in, every path absolute.
    pub fn to_toml(&self) -> String {
        let mut out = Lines::default();
        self.write_model(&mut out);
        self.write_data(&mut out);
        write_training(&self.training, &mut out);
        out.section("output");
        out.set("dir", path(&self.output.dir));
        out.set("checkpoint_every", self.output.checkpoint_every);
        out.set("keep_checkpoints", self.output.keep_checkpoints);
        out.0
    }

    fn write_model(&self, out: &mut Lines) {
        out.section("model");
        out.set("type", string("sequential"));
        match &self.model {
            Model::Layers(layers) => {
                let lines: Vec<String> = layers
                    .iter()
                    .map(|l| format!("    {},\n", layer(l)))
                    .collect();
                out.set("layers", format!("[\n{}]", lines.concat()));
            }
            Model::Mlp {
                hidden,
                activation: a,
                dropout,
            } => {
                out.set("hidden", format!("{hidden:?}"));
                out.set("activation", activation(a));
                out.set("dropout", number(*dropout));
            }
        }
    }

    fn write_data(&self, out: &mut Lines) {
        let data = &self.data;
        out.section("data");
        match &data.source {
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
        }
        if let Some(task) = data.task {
            out.set("task", string(task.name()));
        }
        out.set("standardize", data.standardize);
        out.set("test_split", number(data.test_split));
        out.set("validation_split", number(data.validation_split));
    }
}

impl Task {
    /// As it is written in the file.
    pub fn name(self) -> &'static str {
        match self {
            Task::Classification => "classification",
            Task::Regression => "regression",
        }
    }

    /// What its targets are, in words.
    pub fn words(self) -> &'static str {
        match self {
            Task::Classification => "classes",
            Task::Regression => "a quantity",
        }
    }
}

fn write_training(training: &Training, out: &mut Lines) {
    out.section("training");
    out.set("epochs", training.epochs);
    out.set("batch_size", training.batch_size);
    out.set("shuffle", training.shuffle);
    out.set("seed", training.seed);
    out.set("device", string(training.device.name()));
    if let Some(loss) = training.loss {
        out.set("loss", string(loss.name()));
    }
    out.set("optimizer", optimizer(&training.optimizer));
    out.set("schedule", schedule(&training.schedule));
    if let Some(norm) = training.clip_grad_norm {
        out.set("clip_grad_norm", number(norm));
    }
    if let Some(stop) = &training.early_stopping {
        let text = format!(
            "{{ patience = {}, monitor = {}, min_delta = {} }}",
            stop.patience,
            string(&stop.monitor),
            number(stop.min_delta)
        );
        out.set("early_stopping", text);
    }
    if let Some(metrics) = &training.metrics {
        let names: Vec<String> = metrics.iter().map(|m| string(m.name())).collect();
        out.set("metrics", format!("[{}]", names.join(", ")));
    }
}

fn layer(layer: &Layer) -> String {
    match layer {
        Layer::Linear { out, bias } => {
            format!("{{ type = \"linear\", out = {out}, bias = {bias} }}")
        }
        Layer::Activation(a) => match activation(a) {
            name if name.starts_with('"') => format!("{{ type = {name} }}"),
            table => table,
        },
        Layer::Dropout { p } => format!("{{ type = \"dropout\", p = {} }}", number(*p)),
        Layer::Flatten => "{ type = \"flatten\" }".to_string(),
    }
}

fn activation(activation: &Activation) -> String {
    let name = string(activation.name());
    match activation {
        Activation::LeakyRelu { slope } => {
            format!("{{ type = {name}, slope = {} }}", number(*slope))
        }
        Activation::Elu { alpha } => format!("{{ type = {name}, alpha = {} }}", number(*alpha)),
        _ => name,
    }
}

fn optimizer(optimizer: &Optimizer) -> String {
    let adam = |name: &str, lr: f64, betas: [f64; 2], eps: f64, weight_decay: f64| {
        format!(
            "{{ type = \"{name}\", lr = {}, betas = [{}, {}], eps = {}, weight_decay = {} }}",
            number(lr),
            number(betas[0]),
            number(betas[1]),
            number(eps),
            number(weight_decay)
        )
    };
    match *optimizer {
        Optimizer::Sgd {
            lr,
            momentum,
            nesterov,
            weight_decay,
        } => format!(
            "{{ type = \"sgd\", lr = {}, momentum = {}, nesterov = {nesterov}, weight_decay = {} }}",
            number(lr),
            number(momentum),
            number(weight_decay)
        ),
        Optimizer::Adam {
            lr,
            betas,
            eps,
            weight_decay,
        } => adam("adam", lr, betas, eps, weight_decay),
        Optimizer::AdamW {
            lr,
            betas,
            eps,
            weight_decay,
        } => adam("adamw", lr, betas, eps, weight_decay),
    }
}

fn schedule(schedule: &Schedule) -> String {
    match schedule {
        Schedule::Constant => "{ type = \"constant\" }".to_string(),
        Schedule::Exponential { gamma } => {
            format!("{{ type = \"exponential\", gamma = {} }}", number(*gamma))
        }
        Schedule::Cosine {
            warmup_epochs,
            min_lr,
        } => format!(
            "{{ type = \"cosine\", warmup_epochs = {warmup_epochs}, min_lr = {} }}",
            number(*min_lr)
        ),
    }
}

/// The text so far.
#[derive(Default)]
struct Lines(String);

impl Lines {
    fn section(&mut self, name: &str) {
        let gap = if self.0.is_empty() { "" } else { "\n" };
        let _ = writeln!(self.0, "{gap}[{name}]");
    }

    fn set(&mut self, key: &str, value: impl std::fmt::Display) {
        let _ = writeln!(self.0, "{key} = {value}");
    }
}

/// The shortest text that reads back as the same number.
fn number(x: f64) -> String {
    format!("{x:?}")
}

fn string(text: &str) -> String {
    toml::Value::String(text.to_string()).to_string()
}

fn path(path: &Path) -> String {
    string(&path.to_string_lossy())
}
