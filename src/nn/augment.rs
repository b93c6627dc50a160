//! Augmentation as layers: images changed at random in training, each sample in its own way, on the device.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Source, Tensor};

use super::{Module, Pair, Settings, Unfit, traced};
use crate::schema::{Path, range};

/// In training, mirrors each image left to right with some probability; in evaluation, nothing. Takes and gives
/// `[n, c, h, w]`, or any `[n, .., h, w]`.
pub struct RandomFlip {
    p: f64,
    source: Source,
}

impl RandomFlip {
    /// With probability `p`, from 0 to 1.
    #[track_caller]
    pub fn new(p: f64) -> Self {
        RandomFlip {
            p,
            source: Source::caller(),
        }
    }
}

impl Module for RandomFlip {
    fn forward(&self, x: &Tensor) -> Tensor {
        let kind = format!("RandomFlip({})", self.p);
        layer(x, &kind, self.source, |x| x.random_flip(self.p))
    }
}

/// In training, moves each image by up to so many pixels in each direction, and zeros come in; in evaluation,
/// nothing. Takes and gives `[n, c, h, w]`, or any `[n, .., h, w]`.
pub struct RandomShift {
    pixels: Pair,
    source: Source,
}

impl RandomShift {
    /// By up to `pixels`: `2`, or `[2, 0]` for down and right.
    #[track_caller]
    pub fn new(pixels: impl Into<Pair>) -> Self {
        RandomShift {
            pixels: pixels.into(),
            source: Source::caller(),
        }
    }
}

impl Module for RandomShift {
    fn forward(&self, x: &Tensor) -> Tensor {
        let kind = format!("RandomShift({})", self.pixels);
        layer(x, &kind, self.source, |x| x.random_shift(self.pixels.0))
    }
}

/// In training, cuts a window out of each image at a random place; in evaluation, out of the middle. Takes
/// `[n, c, h, w]`, or any `[n, .., h, w]`, and gives `[n, c, size]`.
pub struct RandomCrop {
    size: Pair,
    padding: Pair,
    source: Source,
}

impl RandomCrop {
    /// A window of this size, at most the image's: `24`, or `[24, 32]` for height and width.
    #[track_caller]
    pub fn new(size: impl Into<Pair>) -> Self {
        RandomCrop {
            size: size.into(),
            padding: Pair([0, 0]),
            source: Source::caller(),
        }
    }

    /// The same with so many zeros around the image in training.
    pub fn padding(self, padding: impl Into<Pair>) -> Self {
        RandomCrop {
            padding: padding.into(),
            ..self
        }
    }
}

impl Module for RandomCrop {
    fn forward(&self, x: &Tensor) -> Tensor {
        let kind = match self.padding.0 {
            [0, 0] => format!("RandomCrop({})", self.size),
            _ => format!("RandomCrop({}, padding {})", self.size, self.padding),
        };
        layer(x, &kind, self.source, |x| {
            x.random_crop(self.size.0, self.padding.0)
        })
    }
}

fn layer(x: &Tensor, kind: &str, source: Source, f: impl FnOnce(&Tensor) -> Tensor) -> Tensor {
    let scope = Some(x.graph().scope_name());
    x.in_scope(scope, Some(source), |x| traced(x, kind, f))
}

/// Images mirrored at random in training; see [`RandomFlip`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RandomFlipSpec {
    /// The probability.
    #[serde(default = "half")]
    #[schemars(with = "range::Fraction")]
    pub p: f64,
}

impl Settings for RandomFlipSpec {
    fn build(&self, _: &[usize], _: &Path) -> std::result::Result<Box<dyn Module>, Unfit> {
        Ok(Box::new(RandomFlip::new(self.p)))
    }
}

/// Images moved at random in training; see [`RandomShift`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RandomShiftSpec {
    /// The largest number of pixels.
    #[schemars(with = "range::Pair<0>", extend("examples" = [2]))]
    pub pixels: Pair,
}

impl Settings for RandomShiftSpec {
    fn build(&self, _: &[usize], _: &Path) -> std::result::Result<Box<dyn Module>, Unfit> {
        Ok(Box::new(RandomShift::new(self.pixels)))
    }
}

/// A window of images, at a random place in training; see [`RandomCrop`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RandomCropSpec {
    /// The size of the window.
    #[schemars(with = "range::Pair<1>", extend("examples" = [24]))]
    pub size: Pair,
    /// The number of zeros around the image in training.
    #[serde(default = "super::spec::zero_pair")]
    #[schemars(with = "range::Pair<0>")]
    pub padding: Pair,
}

impl Settings for RandomCropSpec {
    fn build(&self, _: &[usize], _: &Path) -> std::result::Result<Box<dyn Module>, Unfit> {
        Ok(Box::new(RandomCrop::new(self.size).padding(self.padding)))
    }
}

fn half() -> f64 {
    0.5
}
