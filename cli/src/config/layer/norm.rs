//! Normalisations.

use wgrad::nn;

use super::Kind;
use crate::config::key::{Key, Setting, Takes};

pub(super) static KINDS: &[&Kind] = &[&BATCH_NORM, &LAYER_NORM, &RMS_NORM, &GROUP_NORM];

const EPS: Key = Key::or("eps", Takes::Positive, || Setting::Number(1e-5));
const AXES: Key = Key::or("axes", Takes::Count(1), || Setting::Count(1));

// For features, for channels of sequences, and for channels of images.
static BATCH_NORM: Kind = Kind {
    name: "batch_norm",
    keys: &[
        EPS,
        Key::or("momentum", Takes::Fraction, || Setting::Number(0.1)),
    ],
    build: |layer, shape| {
        let channels = shape.first().copied().unwrap_or(0);
        let (eps, momentum) = (layer.number("eps"), layer.number("momentum"));
        Ok(match shape.len() {
            1 | 2 => Box::new(nn::BatchNorm1d::new(channels).eps(eps).momentum(momentum)),
            3 => Box::new(nn::BatchNorm2d::new(channels).eps(eps).momentum(momentum)),
            _ => {
                return Err(String::from(
                    "it takes features, sequences [channels, length] or images [channels, height, width]",
                )
                .into());
            }
        })
    },
};

static LAYER_NORM: Kind = Kind {
    name: "layer_norm",
    keys: &[AXES, EPS],
    build: |layer, shape| {
        let last = last(shape, layer.count("axes"))?;
        Ok(Box::new(
            nn::LayerNorm::new(last).with_eps(layer.number("eps")),
        ))
    },
};

static RMS_NORM: Kind = Kind {
    name: "rms_norm",
    keys: &[AXES, EPS],
    build: |layer, shape| {
        let last = last(shape, layer.count("axes"))?;
        Ok(Box::new(
            nn::RmsNorm::new(last).with_eps(layer.number("eps")),
        ))
    },
};

static GROUP_NORM: Kind = Kind {
    name: "group_norm",
    keys: &[Key::needed("groups", Takes::Count(1), "8"), EPS],
    build: |layer, shape| {
        let (groups, channels) = (layer.count("groups"), shape.first().copied().unwrap_or(0));
        if groups == 0 || !channels.is_multiple_of(groups) {
            return Err(format!("{channels} channels do not fall into {groups} groups").into());
        }
        Ok(Box::new(
            nn::GroupNorm::new(groups, channels).with_eps(layer.number("eps")),
        ))
    },
};

/// The last axes, which are normalised together.
fn last(shape: &[usize], axes: usize) -> Result<&[usize], String> {
    let from = shape.len().checked_sub(axes);
    from.and_then(|from| shape.get(from..))
        .ok_or_else(|| format!("there are no {axes} axes"))
}
