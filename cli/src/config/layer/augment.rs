//! Augmentation: what happens to images at random, in training only.

use wgrad::nn;

use super::Kind;
use crate::config::key::{Key, Setting, Takes};

pub(super) static KINDS: &[&Kind] = &[&RANDOM_FLIP, &RANDOM_SHIFT, &RANDOM_CROP];

static RANDOM_FLIP: Kind = Kind {
    name: "random_flip",
    keys: &[Key::or("p", Takes::Fraction, || Setting::Number(0.5))],
    build: |layer, _| Ok(Box::new(nn::RandomFlip::new(layer.number("p")))),
};

static RANDOM_SHIFT: Kind = Kind {
    name: "random_shift",
    keys: &[Key::needed("pixels", Takes::Pair(0), "2")],
    build: |layer, _| Ok(Box::new(nn::RandomShift::new(layer.pair("pixels")))),
};

static RANDOM_CROP: Kind = Kind {
    name: "random_crop",
    keys: &[
        Key::needed("size", Takes::Pair(1), "24"),
        Key::or("padding", Takes::Pair(0), || Setting::Pair([0, 0])),
    ],
    build: |layer, _| {
        let crop = nn::RandomCrop::new(layer.pair("size"));
        Ok(Box::new(crop.padding(layer.pair("padding"))))
    },
};
