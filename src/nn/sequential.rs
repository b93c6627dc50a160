//! A container that applies layers in order.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Source, Tensor};

use super::{LayerSpec, Module, Settings, Unfit, Visitor, container_name, spec};
use crate::schema::Path;

/// Modules that are applied in order, each to the output of the one before.
///
/// They are named by their indices from 0, as in PyTorch: `"0.weight"`.
///
/// # Example
/// ```
/// use wgrad::prelude::*;
///
/// let model = nn::Sequential::new()
///     .add(nn::Linear::new(4, 8))
///     .add(nn::Relu)
///     .add(nn::Linear::new(8, 3));
/// let trainer = Trainer::new(model).compile_for(&Device::cpu(), [4])?;
/// let names: Vec<&str> = trainer.parameters().collect();
/// assert_eq!(names, ["0.weight", "0.bias", "2.weight", "2.bias"]);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Default)]
pub struct Sequential {
    layers: Vec<(Box<dyn Module>, Source)>,
}

impl Sequential {
    /// Creates a container without layers.
    pub fn new() -> Self {
        Sequential::default()
    }

    /// Appends a layer.
    #[allow(clippy::should_implement_trait)]
    #[track_caller]
    pub fn add(mut self, layer: impl Module + 'static) -> Self {
        self.layers.push((Box::new(layer), Source::caller()));
        self
    }

    /// Returns the number of layers.
    pub fn len(&self) -> usize {
        self.layers.len()
    }

    /// Returns whether the container has no layers.
    pub fn is_empty(&self) -> bool {
        self.layers.is_empty()
    }
}

impl Module for Sequential {
    fn forward(&self, x: &Tensor) -> Tensor {
        let outer = container_name(self, x);
        let mut x = x.clone();
        for (i, (layer, added)) in self.layers.iter().enumerate() {
            let name = if outer.is_empty() {
                i.to_string()
            } else {
                format!("{outer}.{i}")
            };
            x = x.in_member(&name, *added, |x| layer.forward(x));
        }
        x
    }

    fn visit(&self, visitor: &mut Visitor) {
        for (i, (layer, _)) in self.layers.iter().enumerate() {
            visitor.child(&i.to_string(), layer.as_ref());
        }
    }
}

/// Layers that are applied in order; see [`Sequential`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SequentialSpec {
    /// The layers, in order.
    #[schemars(length(min = 1), extend("x-expected" = "a list of at least one layer", "examples" = [["relu"]]))]
    pub layers: Vec<LayerSpec>,
}

impl Settings for SequentialSpec {
    fn build(&self, sample: &[usize], at: &Path) -> std::result::Result<Box<dyn Module>, Unfit> {
        let (layers, _) = spec::sequence(&self.layers, sample, &at.key("layers"))?;
        Ok(Box::new(layers))
    }

    fn inside(&self, key: &str) -> &[LayerSpec] {
        match key {
            "layers" => &self.layers,
            _ => &[],
        }
    }
}
