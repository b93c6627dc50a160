//! Layers one after the other.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Source, Tensor};

use super::{LayerSpec, Module, Settings, Unfit, Visitor, container_name, spec};
use crate::schema::Path;

/// Modules applied one after the other, named by their numbers from 0, as in PyTorch.
#[derive(Default)]
pub struct Sequential {
    layers: Vec<(Box<dyn Module>, Source)>,
}

impl Sequential {
    /// No layers yet.
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

    /// How many layers.
    pub fn len(&self) -> usize {
        self.layers.len()
    }

    /// Whether there is no layer.
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

/// Layers after one another; see [`Sequential`].
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
