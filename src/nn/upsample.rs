//! The layer that enlarges images.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::graph::Resampling;
use crate::{Source, Tensor};

use super::extent::{channels, with_channels};
use super::pool::traced_layer;
use super::{Module, Pair, Settings, Unfit};
use crate::schema::{Path, range};

/// A layer that resizes images `[n, c, h, w]` (or any `[.., h, w]`) to `[n, c, oh, ow]`.
///
/// An output pixel has the value of the nearest input pixel or, after
/// [`bilinear`](Upsample::bilinear), is interpolated from the four around its center.
///
/// # Example
///
/// ```
/// use wgrad::nn::{Module, Upsample};
/// use wgrad::{Device, eval};
///
/// # fn main() -> wgrad::Result<()> {
/// let y = eval(&Device::cpu(), |g| {
///     let x = g.tensor([1, 1, 1, 2], [1.0, 2.0]);
///     Upsample::new(2).forward(&x)
/// })?;
/// assert_eq!(y.data, [1.0, 1.0, 2.0, 2.0, 1.0, 1.0, 2.0, 2.0]);
/// # Ok(())
/// # }
/// ```
pub struct Upsample {
    size: Size,
    mode: Mode,
    source: Source,
}

enum Size {
    Times([usize; 2]),
    To([usize; 2]),
}

enum Mode {
    Nearest,
    Bilinear { align_corners: bool },
}

impl Upsample {
    /// Creates a layer that multiplies height and width by `2` or by `[2, 3]`.
    #[track_caller]
    pub fn new(times: impl Into<Pair>) -> Self {
        Upsample {
            size: Size::Times(times.into().0),
            mode: Mode::Nearest,
            source: Source::caller(),
        }
    }

    /// Creates a layer with this output height and width.
    #[track_caller]
    pub fn to(size: impl Into<Pair>) -> Self {
        Upsample {
            size: Size::To(size.into().0),
            mode: Mode::Nearest,
            source: Source::caller(),
        }
    }

    /// Interpolates linearly along both axes, with the borders of the images aligned. PyTorch's
    /// `mode="bilinear", align_corners=False`.
    pub fn bilinear(self) -> Self {
        let align_corners = false;
        Upsample {
            mode: Mode::Bilinear { align_corners },
            ..self
        }
    }

    /// Interpolates linearly along both axes, with the centers of the corner pixels aligned.
    /// PyTorch's `mode="bilinear", align_corners=True`.
    pub fn bilinear_align_corners(self) -> Self {
        let align_corners = true;
        Upsample {
            mode: Mode::Bilinear { align_corners },
            ..self
        }
    }
}

impl Module for Upsample {
    fn forward(&self, x: &Tensor) -> Tensor {
        let to = match self.size {
            Size::To(size) => size,
            Size::Times([down, across]) => [
                x.dim(-2).saturating_mul(down),
                x.dim(-1).saturating_mul(across),
            ],
        };
        let (kind, mode) = match self.mode {
            Mode::Nearest => (Resampling::Nearest { to }, "nearest"),
            Mode::Bilinear { align_corners } => {
                (Resampling::Linear { to, align_corners }, "bilinear")
            }
        };
        let name = format!("Upsample({}, {mode})", Pair(to));
        traced_layer(x, self.source, &name, |x| x.resample(kind))
    }
}

/// How [`Upsample`] computes an output pixel.
///
/// # Example
///
/// ```
/// use wgrad::nn::{UpsampleMode, UpsampleSpec};
///
/// let spec: UpsampleSpec = serde_json::from_str(r#"{ "scale": 2, "mode": "bilinear" }"#)?;
/// assert_eq!(spec.mode, UpsampleMode::Bilinear);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UpsampleMode {
    /// The value of the nearest input pixel.
    #[default]
    Nearest,
    /// The interpolation of the four input pixels around its center.
    Bilinear,
}

/// Images enlarged by a factor; see [`Upsample`].
///
/// # Example
///
/// ```
/// use wgrad::nn::LayerSpec;
///
/// let spec: LayerSpec = serde_json::from_str(r#"{ "type": "upsample", "scale": [2, 3] }"#)?;
/// let (_layer, output) = spec.build(&[1, 4, 4])?;
/// assert_eq!(output, [1, 8, 12]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpsampleSpec {
    /// The factor of height and width.
    #[schemars(with = "range::Pair<1>", extend("examples" = [2]))]
    pub scale: Pair,
    /// How an output pixel is computed.
    #[serde(default)]
    pub mode: UpsampleMode,
}

impl Settings for UpsampleSpec {
    fn build(&self, sample: &[usize], _: &Path) -> std::result::Result<Box<dyn Module>, Unfit> {
        channels::<Pair>(sample)?;
        let upsample = Upsample::new(self.scale);
        Ok(match self.mode {
            UpsampleMode::Bilinear => with_channels::<Pair>(sample, upsample.bilinear()),
            UpsampleMode::Nearest => with_channels::<Pair>(sample, upsample),
        })
    }
}
