//! Layers one after the other.

use crate::{Source, Tensor};

use super::{Module, Parameter, Visitor};

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

    /// Its own name, told from the full name of a parameter inside; `None` where it has none.
    fn name(&self, x: &Tensor) -> Option<String> {
        let graph = x.graph();
        let mut found = None;
        let mut look = |inside: String, parameter: &Parameter| {
            let variable = graph.bound.get(&parameter.id());
            let variable = variable.and_then(|id| graph.variables.get(id.index()));
            // A parameter that is used elsewhere too may have its name from there.
            let outer = variable.and_then(|v| v.name.strip_suffix(&inside));
            if let (None, Some(outer)) = (&found, outer) {
                found = Some(outer.trim_end_matches('.').to_string());
            }
        };
        self.visit(&mut Visitor::new(&mut look));
        found
    }
}

impl Module for Sequential {
    fn forward(&self, x: &Tensor) -> Tensor {
        let outer = self.name(x).unwrap_or_else(|| x.graph().scope_name());
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
