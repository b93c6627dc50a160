//! `residual`: layers whose output is added to what they were given.

use wgrad::nn;

use super::{Kind, sequence};
use crate::config::key::{Key, Setting, Takes};

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
        let residual = nn::Residual::new(layers);
        Ok(match shortcut {
            Some((shortcut, _)) => Box::new(residual.with_shortcut(shortcut)),
            None => Box::new(residual),
        })
    },
};
