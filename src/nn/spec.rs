//! Layers of a configuration: a kind with its settings, without the sizes that follow from the
//! layer's input.

use std::cell::RefCell;
use std::rc::Rc;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Value, json};

use super::{InitSpec, LayerSpec, Module, Pair, Sequential, declare};
use crate::graph::{Graph, Mode};
use crate::schema::{Path, SettingError};
use crate::{DType, Error, ops};

/// The settings of a layer.
pub(crate) trait Settings {
    /// Builds the layer for samples of this shape. `at` is the place of the settings.
    fn build(&self, sample: &[usize], at: &Path) -> Result<Box<dyn Module>, Unfit>;

    /// Returns the initialization of the layer's weights, if it is set.
    fn init(&self) -> Option<&InitSpec> {
        None
    }

    /// Returns whether the layer is an activation.
    fn is_activation(&self) -> bool {
        false
    }

    /// Returns the layers inside, under this key.
    fn inside(&self, key: &str) -> &[LayerSpec] {
        let _ = key;
        &[]
    }
}

/// Why a layer does not fit its input.
pub(crate) enum Unfit {
    /// The reason concerns the layer itself.
    Here(String),
    /// The reason concerns a layer inside.
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
    /// Builds the layer for samples of this shape (without the batch). Returns it with the shape of
    /// its output for one sample.
    ///
    /// # Errors
    ///
    /// Fails with the reason if the layer does not take such samples.
    pub fn build(&self, sample: &[usize]) -> Result<(Box<dyn Module>, Vec<usize>), SettingError> {
        self.build_at(sample, &Path::root())
    }

    /// Returns whether the layer is an activation: a function without parameters that keeps the
    /// shape, or [`Prelu`](super::Prelu).
    pub fn is_activation(&self) -> bool {
        self.settings().is_activation()
    }

    /// Returns the schema of the kinds that are activations, which all have defaults.
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

    /// Returns the layers inside, under this key: `layers`, `shortcut` or `branches`.
    pub fn inside(&self, key: &str) -> &[LayerSpec] {
        self.settings().inside(key)
    }

    /// Builds the layer as [`build`](LayerSpec::build) does. Errors have the place `at` of the
    /// settings.
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

    /// Checks the layer and those inside for conflicts that the ranges of single settings do not
    /// exclude.
    pub(crate) fn conflicts(&self, at: &Path) -> Result<(), SettingError> {
        if let Some(init) = self.settings().init() {
            init.conflicts(&at.key("init"))?;
        }
        for key in ["layers", "shortcut", "branches"] {
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

/// Checks a list of layers for conflicts. `at` is the place of the list.
pub(crate) fn check_all(layers: &[LayerSpec], at: &Path) -> Result<(), SettingError> {
    let mut each = layers.iter().enumerate();
    each.try_for_each(|(i, layer)| layer.conflicts(&at.item(i)))
}

/// Builds a sequence of layers for samples of this shape. Returns it with the shape of its output
/// for one sample. `at` is the place of the list.
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

/// Traces a layer, and returns the shape of its output for one sample of this shape.
fn output(module: &dyn Module, sample: &[usize]) -> Result<Vec<usize>, String> {
    let graph = Rc::new(RefCell::new(Graph::new(Mode::Train)));
    declare(&graph, module);
    // Two samples, because a batch of one has no variance.
    let batch = [&[2], sample].concat();
    let y = module.forward(&ops::input(&graph, "x", batch, DType::F32));
    let traced = graph.borrow_mut().take_error();
    traced.map_err(|e| match e {
        Error::Op { reason, .. } => reason,
        other => other.to_string(),
    })?;
    Ok(y.shape().iter().skip(1).copied().collect())
}

/// The default of settings that are on.
pub(super) fn yes() -> bool {
    true
}

/// The default of numbers that have no effect at 1.
pub(super) fn one() -> usize {
    1
}

/// The default of paddings, for height and width.
pub(super) fn zero_pair() -> Pair {
    Pair([0, 0])
}
