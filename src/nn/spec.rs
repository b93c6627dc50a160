//! Layers as a configuration says them: the kind with its settings, without what follows from the layer's input.

use std::cell::RefCell;
use std::rc::Rc;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Value, json};

use super::{InitSpec, LayerSpec, Module, Pair, Sequential, Visitor, declare};
use crate::graph::{Graph, Mode};
use crate::schema::{Path, SettingError};
use crate::{DType, Error, Tensor, ops};

/// The settings of a layer.
pub(crate) trait Settings {
    /// The layer, for samples of this shape; `at` is where the settings stand.
    fn build(&self, sample: &[usize], at: &Path) -> Result<Box<dyn Module>, Unfit>;

    /// The initialization of the layer's weights, where it is set.
    fn init(&self) -> Option<&InitSpec> {
        None
    }

    /// Whether the layer is an activation.
    fn is_activation(&self) -> bool {
        false
    }

    /// The layers under this key.
    fn inside(&self, key: &str) -> &[LayerSpec] {
        let _ = key;
        &[]
    }
}

/// Why a layer does not fit its input.
pub(crate) enum Unfit {
    /// The reason, of the layer itself.
    Here(String),
    /// The reason, of a layer inside.
    Inside(SettingError),
}

impl From<String> for Unfit {
    fn from(reason: String) -> Self {
        Unfit::Here(reason)
    }
}

impl From<SettingError> for Unfit {
    fn from(error: SettingError) -> Self {
        Unfit::Inside(error)
    }
}

impl LayerSpec {
    /// The layer for samples of this shape (without the batch), and the shape of its output for one.
    ///
    /// Fails where the layer does not take such samples, with the reason.
    pub fn build(&self, sample: &[usize]) -> Result<(Box<dyn Module>, Vec<usize>), SettingError> {
        self.build_at(sample, &Path::root())
    }

    /// Whether the layer is an activation: a function without parameters that keeps the shape, or
    /// [`Prelu`](super::Prelu).
    pub fn is_activation(&self) -> bool {
        self.settings().is_activation()
    }

    /// The schema of the kinds that are activations, which all have defaults.
    pub(crate) fn activations(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = LayerSpec::json_schema(generator);
        let is_one = |name: &Value| {
            let spec = serde_json::from_value::<LayerSpec>(name.clone());
            spec.is_ok_and(|spec| spec.is_activation())
        };
        let forms = schema.get_mut("anyOf").and_then(Value::as_array_mut);
        for form in forms.into_iter().flatten() {
            if let Some(names) = form.get_mut("enum").and_then(Value::as_array_mut) {
                names.retain(is_one);
            }
        }
        if let Some(forms) = schema.get_mut("anyOf").and_then(Value::as_array_mut) {
            let of_others = |form: &Value| {
                let name = form.pointer("/properties/type/const");
                name.is_some_and(|name| !is_one(name))
            };
            forms.retain(|form| !of_others(form));
        }
        if let Some(kind) = schema.get_mut("x-kind") {
            kind["what"] = json!("activation");
            kind["named"] = json!("activation \"{}\"");
        }
        schema
    }

    /// The layers inside, under this key: `layers` or `shortcut`.
    pub fn inside(&self, key: &str) -> &[LayerSpec] {
        self.settings().inside(key)
    }

    /// The same as [`build`](LayerSpec::build), for settings that stand at `at`.
    pub(crate) fn build_at(
        &self,
        sample: &[usize],
        at: &Path,
    ) -> Result<(Box<dyn Module>, Vec<usize>), SettingError> {
        let built = self.settings().build(sample, at).and_then(|module| {
            let module = match self.settings().init() {
                Some(init) => init.apply(module),
                None => module,
            };
            let output = output(module.as_ref(), sample)?;
            Ok((module, output))
        });
        built.map_err(|unfit| match unfit {
            Unfit::Inside(error) => error,
            Unfit::Here(reason) => {
                let kind = self.kind();
                let message = format!("layer \"{kind}\" on samples of {sample:?}: {reason}");
                SettingError::new(at.clone(), message)
            }
        })
    }

    /// Checks what the ranges of single settings cannot say, of the layer and those inside.
    pub(crate) fn conflicts(&self, at: &Path) -> Result<(), SettingError> {
        if let Some(init) = self.settings().init() {
            init.conflicts(&at.key("init"))?;
        }
        for key in ["layers", "shortcut"] {
            check_all(self.inside(key), &at.key(key))?;
        }
        if let LayerSpec::Residual(residual) = self
            && residual.shortcut.as_ref().is_some_and(Vec::is_empty)
        {
            let message = "`shortcut` must have at least one layer";
            return Err(SettingError::new(at.key("shortcut"), message));
        }
        Ok(())
    }
}

/// Checks layers that stand in a list at `at`.
pub(crate) fn check_all(layers: &[LayerSpec], at: &Path) -> Result<(), SettingError> {
    let mut each = layers.iter().enumerate();
    each.try_for_each(|(i, layer)| layer.conflicts(&at.item(i)))
}

/// Layers after one another, for samples of this shape, and the shape of the last one's output; `at` is where their
/// list stands.
pub(crate) fn sequence(
    layers: &[LayerSpec],
    sample: &[usize],
    at: &Path,
) -> Result<(Sequential, Vec<usize>), SettingError> {
    let mut network = Sequential::new();
    let mut shape = sample.to_vec();
    for (i, layer) in layers.iter().enumerate() {
        let (module, output) = layer.build_at(&shape, &at.item(i))?;
        network = network.add(module);
        shape = output;
    }
    Ok((network, shape))
}

/// The shape of a layer's output for one sample of this shape, found by tracing it.
fn output(module: &dyn Module, sample: &[usize]) -> Result<Vec<usize>, String> {
    let graph = Rc::new(RefCell::new(Graph::new(Mode::Train)));
    declare(&graph, module);
    // Two samples: a batch of one has no variance.
    let batch = [&[2], sample].concat();
    let y = module.forward(&ops::input(&graph, "x", batch, DType::F32));
    let traced = graph.borrow_mut().take_error();
    traced.map_err(|e| match e {
        Error::Op { reason, .. } => reason,
        other => other.to_string(),
    })?;
    Ok(y.shape().iter().skip(1).copied().collect())
}

/// The number of channels of a sample with `AXES` axes besides them; a sample without an axis for channels has one.
///
/// `takes` names what the layer takes, for the message.
pub(super) fn channels<const AXES: usize>(sample: &[usize], takes: &str) -> Result<usize, String> {
    match sample.len() {
        n if n == AXES => Ok(1),
        n if n == AXES + 1 => Ok(sample.first().copied().unwrap_or(1)),
        _ => Err(format!("it takes {takes}, also without the channels")),
    }
}

/// What layers of images take.
pub(super) const IMAGES: &str = "images, [channels, height, width]";
/// What layers of sequences take.
pub(super) const SEQUENCES: &str = "sequences, [channels, length]";

/// The layer, for samples with `AXES` axes besides the channels: samples without channels get one in front.
pub(super) fn with_channels<const AXES: usize>(
    sample: &[usize],
    layer: impl Module + 'static,
) -> Box<dyn Module> {
    match sample.len() == AXES {
        true => Box::new(OneChannel(layer)),
        false => Box::new(layer),
    }
}

/// A layer for samples that have no axis for channels. It has the layer's name.
struct OneChannel<M>(M);

impl<M: Module> Module for OneChannel<M> {
    fn forward(&self, x: &Tensor) -> Tensor {
        self.0.forward(&x.unsqueeze(1))
    }

    fn visit(&self, visitor: &mut Visitor) {
        self.0.visit(visitor);
    }
}

/// The default of settings that hold unless they are switched off.
pub(super) fn yes() -> bool {
    true
}

/// The default of sizes that change nothing where they are 1.
pub(super) fn one() -> usize {
    1
}

/// The default of paddings.
pub(super) fn zero() -> usize {
    0
}

/// [`one`] for height and width.
pub(super) fn one_pair() -> Pair {
    Pair([1, 1])
}

/// [`zero`] for height and width.
pub(super) fn zero_pair() -> Pair {
    Pair([0, 0])
}
