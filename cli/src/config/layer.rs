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
mod norm;
mod pool;
mod recurrent;
mod residual;

use std::cell::RefCell;
use std::rc::Rc;

use wgrad::graph::{Graph, Mode};
use wgrad::nn::{self, Module, Sequential};
use wgrad::{DType, Error, ops};

use super::choice::{self, Family};
use super::key::{Key, Setting, Takes};
use super::mistake::{Place, Result};
use super::reader::Value;

/// All kinds, in the order in which a message lists them.
pub(super) static KINDS: [&[&Kind]; 9] = [
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

/// What the kinds here are kinds of.
pub struct Layers;

impl Family for Layers {
    /// The engine's layer, for samples of this shape; else why there is none.
    type Build = fn(&Layer, &[usize]) -> std::result::Result<Box<dyn Module>, Unfit>;
    const WHAT: &'static str = "layer";
}

/// A kind of layer.
pub(super) type Kind = choice::Kind<Layers>;

/// One layer of a sequential network.
pub type Layer = choice::Chosen<Layers>;

/// What a layer's weights begin with; its own rule, PyTorch's, where it is not set.
const INIT: Key = Key::or("init", Takes::Init, || Setting::Absent);

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
    /// The engine's layer for samples of this shape, and the shape of what it gives for one.
    pub fn build(
        &self,
        shape: &[usize],
    ) -> std::result::Result<(Box<dyn Module>, Vec<usize>), Unfit> {
        let built = (self.kind.build)(self, shape).and_then(|module| {
            let module = match self.init() {
                Some(init) => init.of(module),
                None => module,
            };
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
    let kinds: Vec<&'static Kind> = KINDS.iter().flat_map(|k| k.iter().copied()).collect();
    let each = items
        .iter()
        .map(|v| choice::read(*v, Layers::WHAT, &kinds, &[]));
    each.map(|read| Ok(read?.0)).collect()
}

/// One of the activations.
pub fn activation(value: Value<'_>) -> Result<Layer> {
    Ok(choice::read(value, "activation", activation::KINDS, &[])?.0)
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

/// A linear layer with a bias.
pub fn linear(out: usize) -> Layer {
    let settings = vec![Setting::Count(out), Setting::Flag(true), Setting::Absent];
    Layer::made(&dense::LINEAR, settings)
}

/// Dropout with this probability.
pub fn dropout(p: f64) -> Layer {
    Layer::made(&dense::DROPOUT, vec![Setting::Number(p)])
}

/// What lays a sample flat.
pub fn flatten() -> Layer {
    Layer::made(&dense::FLATTEN, Vec::new())
}

/// The activation where none is named.
pub fn relu() -> Layer {
    Layer::made(&activation::RELU, Vec::new())
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
