//! Convolutions.

use wgrad::nn;

use super::image::{self, IMAGES, SEQUENCES};
use super::{INIT, Kind, Layer};
use crate::config::key::{Key, Setting, Takes};

pub(super) static KINDS: &[&Kind] = &[&CONV2D, &CONV1D];

const ONE: fn() -> Setting = || Setting::Count(1);
const BIAS: Key = Key::or("bias", Takes::Flag, || Setting::Flag(true));
const GROUPS: Key = Key::or("groups", Takes::Count(1), ONE);

static CONV2D: Kind = Kind {
    name: "conv2d",
    keys: &[
        Key::needed("out", Takes::Count(1), "32"),
        Key::needed("kernel", Takes::Pair(1), "3"),
        Key::or("stride", Takes::Pair(1), || Setting::Pair([1, 1])),
        Key::or("padding", Takes::Pair(0), || Setting::Pair([0, 0])),
        Key::or("dilation", Takes::Pair(1), || Setting::Pair([1, 1])),
        GROUPS,
        BIAS,
        INIT,
    ],
    build: |layer, shape| {
        let inputs = image::channels::<2>(shape, IMAGES)?;
        let (out, groups) = grouped(layer, inputs)?;
        let conv = nn::Conv2d::new(inputs, out, layer.pair("kernel"))
            .stride(layer.pair("stride"))
            .padding(layer.pair("padding"))
            .dilation(layer.pair("dilation"))
            .groups(groups);
        Ok(match layer.flag("bias") {
            true => image::on::<2>(shape, conv),
            false => image::on::<2>(shape, conv.without_bias()),
        })
    },
};

static CONV1D: Kind = Kind {
    name: "conv1d",
    keys: &[
        Key::needed("out", Takes::Count(1), "32"),
        Key::needed("kernel", Takes::Count(1), "3"),
        Key::or("stride", Takes::Count(1), ONE),
        Key::or("padding", Takes::Count(0), || Setting::Count(0)),
        Key::or("dilation", Takes::Count(1), ONE),
        GROUPS,
        BIAS,
        INIT,
    ],
    build: |layer, shape| {
        let inputs = image::channels::<1>(shape, SEQUENCES)?;
        let (out, groups) = grouped(layer, inputs)?;
        let conv = nn::Conv1d::new(inputs, out, layer.count("kernel"))
            .stride(layer.count("stride"))
            .padding(layer.count("padding"))
            .dilation(layer.count("dilation"))
            .groups(groups);
        Ok(match layer.flag("bias") {
            true => image::on::<1>(shape, conv),
            false => image::on::<1>(shape, conv.without_bias()),
        })
    },
};

/// Outputs and groups, which must divide both channels.
fn grouped(layer: &Layer, inputs: usize) -> Result<(usize, usize), String> {
    let (out, groups) = (layer.count("out"), layer.count("groups").max(1));
    if !inputs.is_multiple_of(groups) || !out.is_multiple_of(groups) {
        return Err(format!(
            "{inputs} input and {out} output channels do not both fall into {groups} groups"
        ));
    }
    Ok((out, groups))
}
