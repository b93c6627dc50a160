//! `residual`: layers whose output is added to what they were given.

use wgrad::Tensor;
use wgrad::nn::{Module, Sequential, Visitor};

use super::key::{Key, Setting, Takes};
use super::{Kind, sequence};

pub(super) static KINDS: &[&Kind] = &[&RESIDUAL];

static RESIDUAL: Kind = Kind {
    name: "residual",
    keys: &[
        Key::needed("layers", Takes::Layers, "[...]"),
        Key::or("shortcut", Takes::Layers, || Setting::Absent),
    ],
    build: |layer, shape| {
        let (layers, output) = sequence(layer.layers("layers"), shape)?;
        let shortcut = match layer.layers("shortcut") {
            [] => None,
            given => Some(sequence(given, shape)?),
        };
        let other = shortcut.as_ref().map_or(shape, |(_, shape)| shape);
        if output != other {
            let (what, help) = match shortcut {
                Some(_) => ("the shortcut", ""),
                None => (
                    "what they are given",
                    "; a shortcut, such as [{ type = \"conv2d\", out = 32, kernel = 1, stride = 2 }], changes its shape",
                ),
            };
            return Err(format!(
                "the layers give {output:?}, but {what} is {other:?}, so they cannot be added{help}"
            )
            .into());
        }
        Ok(Box::new(Residual {
            layers,
            shortcut: shortcut.map(|(layers, _)| layers),
        }))
    },
};

/// `layers(x) + x`, or `layers(x) + shortcut(x)` (He, Zhang, Ren and Sun, 2016). The layers have their numbers as
/// names, those of the shortcut `shortcut.` before them.
struct Residual {
    layers: Sequential,
    shortcut: Option<Sequential>,
}

impl Module for Residual {
    fn forward(&self, x: &Tensor) -> Tensor {
        let y = self.layers.forward(x);
        match &self.shortcut {
            Some(shortcut) => y + shortcut.forward(x),
            None => y + x,
        }
    }

    fn visit(&self, visitor: &mut Visitor) {
        self.layers.visit(visitor);
        if let Some(shortcut) = &self.shortcut {
            visitor.child("shortcut", shortcut);
        }
    }
}
