//! The layers of `layers = [...]`: what the file calls them, what it may say of each, and what each
//! becomes.
//!
//! A kind of layer is one row, a [`Kind`], in one of the files here: its keys with their ranges and
//! defaults, and the function that makes the engine's layer for an input of a given shape. Reading, writing
//! and the shapes of the outputs follow from that: adding a kind is adding a row, and its name to [`KINDS`].

mod activation;
mod augment;
mod conv;
mod dense;
mod image;
mod key;
mod norm;
mod pool;
mod recurrent;
mod residual;

use std::cell::RefCell;
use std::rc::Rc;

use wgrad::graph::{Graph, Mode};
use wgrad::nn::{self, Module, Sequential};
use wgrad::{DType, Error, ops};

use super::mistake::{ConfigError, Place, Result};
use super::reader::Value;
use super::write::string;
use key::{Key, Otherwise, Setting};

/// All kinds, in the order in which a message lists them.
static KINDS: [&[&Kind]; 9] = [
    dense::KINDS,
    conv::KINDS,
    pool::KINDS,
    norm::KINDS,
    recurrent::KINDS,
    activation::KINDS,
    dense::OTHERS,
    residual::KINDS,
    augment::KINDS,
];

/// A kind of layer.
#[derive(Debug)]
struct Kind {
    /// Its name in the file.
    name: &'static str,
    /// What the file may say, besides `type`.
    keys: &'static [Key],
    /// The engine's layer, for samples of this shape; else why there is none.
    build: fn(&Layer, &[usize]) -> std::result::Result<Box<dyn Module>, Unfit>,
}

/// One layer of a sequential network.
#[derive(Debug, Clone)]
pub struct Layer {
    kind: &'static Kind,
    /// What was said, or holds otherwise, for each of the kind's keys.
    settings: Vec<Setting>,
    /// Where it stands in the file; none for a layer of the short form.
    place: Option<Place>,
}

impl PartialEq for Layer {
    fn eq(&self, other: &Self) -> bool {
        self.kind.name == other.kind.name && self.settings == other.settings
    }
}

/// Why a layer does not fit where it stands.
#[derive(Debug)]
pub struct Unfit {
    /// The layer's place; none for a layer of the short form.
    pub place: Option<Place>,
    /// What is wrong, and what would fit.
    pub reason: String,
}

impl From<String> for Unfit {
    fn from(reason: String) -> Self {
        Unfit {
            place: None,
            reason,
        }
    }
}

impl Layer {
    /// Its kind's name in the file.
    pub fn name(&self) -> &'static str {
        self.kind.name
    }

    /// The engine's layer for samples of this shape, and the shape of what it gives for one.
    pub fn build(
        &self,
        shape: &[usize],
    ) -> std::result::Result<(Box<dyn Module>, Vec<usize>), Unfit> {
        let built = (self.kind.build)(self, shape).and_then(|module| {
            let output = output(module.as_ref(), shape)?;
            Ok((module, output))
        });
        built.map_err(|unfit| match unfit.place {
            Some(_) => unfit,
            None => Unfit {
                place: self.place.clone(),
                reason: format!(
                    "layer \"{}\" on samples of {shape:?}: {}",
                    self.name(),
                    unfit.reason
                ),
            },
        })
    }

    /// As TOML: a name, or a table on one line. Layers inside stand on lines of their own, below a line
    /// that is indented by `indent`.
    pub fn write(&self, indent: usize) -> String {
        let mut text = format!("{{ type = {}", string(self.name()));
        for (key, setting) in self.kind.keys.iter().zip(&self.settings) {
            if *setting != Setting::Absent {
                text += &format!(", {} = {}", key.name, setting.write(indent));
            }
        }
        text + " }"
    }

    fn setting(&self, key: &str) -> &Setting {
        let mut keys = self.kind.keys.iter().zip(&self.settings);
        let found = keys.find(|(k, _)| k.name == key);
        debug_assert!(found.is_some(), "{} has no {key}", self.name());
        found.map_or(&Setting::Absent, |(_, setting)| setting)
    }
}

/// What a layer gives for one sample of this shape, by tracing it.
fn output(module: &dyn Module, shape: &[usize]) -> std::result::Result<Vec<usize>, Unfit> {
    let graph = Rc::new(RefCell::new(Graph::new(Mode::Train)));
    nn::declare(&graph, module);
    // Two samples: a batch of one has no variance.
    let batch = [&[2], shape].concat();
    let y = module.forward(&ops::input(&graph, "x", batch, DType::F32));
    let traced = graph.borrow_mut().take_error();
    traced.map_err(|e| match e {
        Error::Op { reason, .. } => reason,
        other => other.to_string(),
    })?;
    Ok(y.shape().iter().skip(1).copied().collect())
}

/// The layers of a list, which must have at least one.
pub fn list(value: Value<'_>) -> Result<Vec<Layer>> {
    let items = value.items()?;
    if items.is_empty() {
        let name = value.name();
        return Err(value
            .place()
            .error(format!("`{name}` must have at least one layer")));
    }
    let kinds: Vec<(&str, &'static Kind)> = KINDS
        .iter()
        .flat_map(|kinds| kinds.iter().map(|kind| (kind.name, *kind)))
        .collect();
    items.iter().map(|v| layer(*v, "layer", &kinds)).collect()
}

/// One of the activations.
pub fn activation(value: Value<'_>) -> Result<Layer> {
    let kinds: Vec<_> = activation::KINDS.iter().map(|k| (k.name, *k)).collect();
    layer(value, "activation", &kinds)
}

/// Layers as TOML, one a line.
pub fn write_list(layers: &[Layer], indent: usize) -> String {
    let margin = " ".repeat(indent);
    let lines: Vec<String> = layers
        .iter()
        .map(|l| format!("{margin}    {},\n", l.write(indent + 4)))
        .collect();
    format!("[\n{}{margin}]", lines.concat())
}

fn layer(value: Value<'_>, what: &str, kinds: &[(&'static str, &'static Kind)]) -> Result<Layer> {
    let (kind, section) = value.tagged(what, kinds)?;
    let needs = |key: &Key| -> ConfigError {
        let needed = kind.keys.iter().filter_map(|key| match key.otherwise {
            Otherwise::Needed(example) => Some(format!(", {} = {example}", key.name)),
            _ => None,
        });
        value
            .place()
            .error(format!("{what} \"{}\" needs `{}`", kind.name, key.name))
            .help(format!(
                "for example: {{ type = \"{}\"{} }}",
                kind.name,
                needed.collect::<String>()
            ))
    };
    if let Some(section) = &section {
        let keys: Vec<&str> = ["type"]
            .into_iter()
            .chain(kind.keys.iter().map(|k| k.name))
            .collect();
        section.takes(&keys)?;
    }
    let mut layer = Layer {
        kind,
        settings: Vec::new(),
        place: Some(value.place()),
    };
    for key in kind.keys {
        let setting = match section.as_ref().and_then(|s| s.get(key.name)) {
            Some(given) => key.takes.read(given)?,
            None => match key.otherwise {
                Otherwise::Needed(_) => return Err(needs(key)),
                Otherwise::Is(setting) => setting(),
                Otherwise::Same(other) => layer.setting(other).clone(),
            },
        };
        layer.settings.push(setting);
    }
    Ok(layer)
}

/// A layer of the short form.
fn short(kind: &'static Kind, settings: Vec<Setting>) -> Layer {
    debug_assert_eq!(kind.keys.len(), settings.len(), "{}", kind.name);
    Layer {
        kind,
        settings,
        place: None,
    }
}

/// A linear layer with a bias.
pub fn linear(out: usize) -> Layer {
    let settings = vec![Setting::Count(out), Setting::Flag(true)];
    short(&dense::LINEAR, settings)
}

/// Dropout with this probability.
pub fn dropout(p: f64) -> Layer {
    short(&dense::DROPOUT, vec![Setting::Number(p)])
}

/// What lays a sample flat.
pub fn flatten() -> Layer {
    short(&dense::FLATTEN, Vec::new())
}

/// The activation where none is named.
pub fn relu() -> Layer {
    short(&activation::RELU, Vec::new())
}

/// Layers one after the other, for samples of this shape, and the shape of what the last one gives.
pub fn sequence(
    layers: &[Layer],
    shape: &[usize],
) -> std::result::Result<(Sequential, Vec<usize>), Unfit> {
    let mut network = Sequential::new();
    let mut shape = shape.to_vec();
    for layer in layers {
        let (module, output) = layer.build(&shape)?;
        network = network.add(module);
        shape = output;
    }
    Ok((network, shape))
}
