//! Linear layers, dropout, and what changes a sample's shape.

use wgrad::nn;

use super::{INIT, Kind};
use crate::config::key::{Key, Setting, Takes};

pub(super) static KINDS: &[&Kind] = &[&LINEAR];
pub(super) static OTHERS: &[&Kind] = &[&DROPOUT, &FLATTEN, &RESHAPE];

pub(super) static LINEAR: Kind = Kind {
    name: "linear",
    keys: &[
        Key::needed("out", Takes::Count(1), "64"),
        Key::or("bias", Takes::Flag, || Setting::Flag(true)),
        INIT,
    ],
    build: |layer, shape| {
        let inputs = shape.last().copied().unwrap_or(1);
        let linear = nn::Linear::new(inputs, layer.count("out"));
        Ok(match layer.flag("bias") {
            true => Box::new(linear),
            false => Box::new(linear.without_bias()),
        })
    },
};

pub(super) static DROPOUT: Kind = Kind {
    name: "dropout",
    keys: &[Key::needed("p", Takes::Fraction, "0.1")],
    build: |layer, _| Ok(Box::new(nn::Dropout::new(layer.number("p")))),
};

pub(super) static FLATTEN: Kind = Kind {
    name: "flatten",
    keys: &[],
    build: |_, _| Ok(Box::new(nn::Flatten)),
};

static RESHAPE: Kind = Kind {
    name: "reshape",
    keys: &[Key::needed("shape", Takes::Counts, "[1, 28, 28]")],
    build: |layer, _| Ok(Box::new(nn::Reshape::new(layer.counts("shape")))),
};
