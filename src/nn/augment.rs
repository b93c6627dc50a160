//! Data augmentation as layers: in training, each sample is changed at random on the device.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Source, Tensor};

use super::{Module, Pair, Settings, Unfit, traced};
use crate::schema::{Path, range};

/// Flips each image horizontally with probability `p` in training. In evaluation, returns its
/// input.
///
/// Takes and returns `[n, c, h, w]`, or any `[n, .., h, w]`.
///
/// # Example
/// ```
/// use wgrad::{Device, nn::{Module, RandomFlip}};
///
/// let layer = RandomFlip::new(0.5);
/// let y = wgrad::eval(&Device::cpu(), |g| layer.forward(&g.tensor([1, 1, 1, 2], [1.0, 2.0])))?;
/// assert_eq!(y.data, [1.0, 2.0]); // `eval` evaluates
/// # Ok::<(), wgrad::Error>(())
/// ```
pub struct RandomFlip {
    p: f64,
    source: Source,
}

impl RandomFlip {
    /// Creates a layer with flip probability `p`, at least 0 and at most 1.
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

/// Shifts each image by a random number of pixels in each direction in training, and fills the
/// border with zeros. In evaluation, returns its input.
///
/// Takes and returns `[n, c, h, w]`, or any `[n, .., h, w]`.
///
/// # Example
/// ```
/// use wgrad::{Device, nn::{Module, RandomShift}};
///
/// let layer = RandomShift::new(1);
/// let y = wgrad::eval(&Device::cpu(), |g| layer.forward(&g.tensor([1, 1, 2, 2], [1.0; 4])))?;
/// assert_eq!(y.data, [1.0; 4]); // `eval` evaluates
/// # Ok::<(), wgrad::Error>(())
/// ```
pub struct RandomShift {
    pixels: Pair,
    source: Source,
}

impl RandomShift {
    /// Creates a layer that shifts by at most `pixels`: `2` in both directions, `[2, 0]` only
    /// vertically.
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

/// Crops each image to a window: at a random place in training, in the center in evaluation.
///
/// Takes `[n, c, h, w]`, or any `[n, .., h, w]`, and returns the same with `size` as the last two
/// axes.
///
/// # Example
/// ```
/// use wgrad::{Device, nn::{Module, RandomCrop}};
///
/// let image: Vec<f32> = (0..16).map(|i| i as f32).collect();
/// let layer = RandomCrop::new(2);
/// let y = wgrad::eval(&Device::cpu(), |g| layer.forward(&g.tensor([1, 1, 4, 4], image)))?;
/// assert_eq!(y.data, [5.0, 6.0, 9.0, 10.0]); // the center
/// # Ok::<(), wgrad::Error>(())
/// ```
pub struct RandomCrop {
    size: Pair,
    padding: Pair,
    source: Source,
}

impl RandomCrop {
    /// Creates a layer with a window of this size, at most the image's: `24`, or `[24, 32]` for
    /// height and width.
    #[track_caller]
    pub fn new(size: impl Into<Pair>) -> Self {
        RandomCrop {
            size: size.into(),
            padding: Pair([0, 0]),
            source: Source::caller(),
        }
    }

    /// Sets the number of zeros around the image in training. Default: 0.
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

/// Flips images horizontally at random in training; see [`RandomFlip`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RandomFlipSpec {
    /// The probability of a flip.
    #[serde(default = "half")]
    #[schemars(with = "range::Fraction")]
    pub p: f64,
}

impl Settings for RandomFlipSpec {
    fn build(&self, _: &[usize], _: &Path) -> std::result::Result<Box<dyn Module>, Unfit> {
        Ok(Box::new(RandomFlip::new(self.p)))
    }
}

/// Shifts images at random in training; see [`RandomShift`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RandomShiftSpec {
    /// The largest shift, in pixels.
    #[schemars(with = "range::Pair<0>", extend("examples" = [2]))]
    pub pixels: Pair,
}

impl Settings for RandomShiftSpec {
    fn build(&self, _: &[usize], _: &Path) -> std::result::Result<Box<dyn Module>, Unfit> {
        Ok(Box::new(RandomShift::new(self.pixels)))
    }
}

/// Crops images, at a random place in training; see [`RandomCrop`].
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
