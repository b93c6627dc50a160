//! Layers that make images smaller or larger.

use wgrad::nn;

use super::Kind;
use super::image::{self, IMAGES};
use crate::config::key::{Key, Setting, Takes};

pub(super) static KINDS: &[&Kind] = &[&MAX_POOL2D, &AVG_POOL2D, &ADAPTIVE_AVG_POOL2D, &UPSAMPLE];

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

static AVG_POOL2D: Kind = Kind {
    name: "avg_pool2d",
    keys: &[
        Key::needed("kernel", Takes::Pair(1), "2"),
        Key::same("stride", Takes::Pair(1), "kernel"),
        Key::or("padding", Takes::Pair(0), || Setting::Pair([0, 0])),
        Key::or("count_padding", Takes::Flag, || Setting::Flag(true)),
    ],
    build: |layer, shape| {
        image::channels::<2>(shape, IMAGES)?;
        let pool = nn::AvgPool2d::new(layer.pair("kernel"))
            .stride(layer.pair("stride"))
            .padding(layer.pair("padding"));
        Ok(match layer.flag("count_padding") {
            true => image::on::<2>(shape, pool),
            false => image::on::<2>(shape, pool.without_counting_padding()),
        })
    },
};

static ADAPTIVE_AVG_POOL2D: Kind = Kind {
    name: "adaptive_avg_pool2d",
    keys: &[Key::needed("out", Takes::Pair(1), "1")],
    build: |layer, shape| {
        image::channels::<2>(shape, IMAGES)?;
        let pool = nn::AdaptiveAvgPool2d::new(layer.pair("out"));
        Ok(image::on::<2>(shape, pool))
    },
};

static UPSAMPLE: Kind = Kind {
    name: "upsample",
    keys: &[
        Key::needed("scale", Takes::Pair(1), "2"),
        Key::or("mode", Takes::Word(&["nearest", "bilinear"]), || {
            Setting::Word("nearest")
        }),
    ],
    build: |layer, shape| {
        image::channels::<2>(shape, IMAGES)?;
        let upsample = nn::Upsample::new(layer.pair("scale"));
        Ok(match layer.word("mode") {
            "bilinear" => image::on::<2>(shape, upsample.bilinear()),
            _ => image::on::<2>(shape, upsample),
        })
    },
};
