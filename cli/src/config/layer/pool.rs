//! Layers that make images smaller or larger.

use wgrad::nn;

use super::Kind;
use super::image::{self, IMAGES};
use super::key::{Key, Setting, Takes};

pub(super) static KINDS: &[&Kind] = &[&MAX_POOL2D];

static MAX_POOL2D: Kind = Kind {
    name: "max_pool2d",
    keys: &[
        Key::needed("kernel", Takes::Pair(1), "2"),
        Key::same("stride", Takes::Pair(1), "kernel"),
        Key::or("padding", Takes::Pair(0), || Setting::Pair([0, 0])),
        Key::or("dilation", Takes::Pair(1), || Setting::Pair([1, 1])),
    ],
    build: |layer, shape| {
        image::channels::<2>(shape, IMAGES)?;
        let pool = nn::MaxPool2d::new(layer.pair("kernel"))
            .stride(layer.pair("stride"))
            .padding(layer.pair("padding"))
            .dilation(layer.pair("dilation"));
        Ok(image::on::<2>(shape, pool))
    },
};
