//! The layer that makes images larger.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::graph::Resampling;
use crate::{Source, Tensor};

use super::avg_pool::layer;
use super::{
    Module, Pair, Settings, Unfit,
    spec::{IMAGES, channels, with_channels},
};
use crate::schema::{Path, range};

/// Images of another size: takes `[n, c, h, w]` (or any `[.., h, w]`), gives `[n, c, oh, ow]`.
///
/// A new pixel is the old one that covers its place (nearest) or, after
/// [`bilinear`](Upsample::bilinear), a mixture of the four around its middle.
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
    /// As many times as high and wide: `2` or `[2, 3]`.
    #[track_caller]
    pub fn new(times: impl Into<Pair>) -> Self {
        Upsample {
            size: Size::Times(times.into().0),
            mode: Mode::Nearest,
            source: Source::caller(),
        }
    }

    /// To this height and width.
    #[track_caller]
    pub fn to(size: impl Into<Pair>) -> Self {
        Upsample {
            size: Size::To(size.into().0),
            mode: Mode::Nearest,
            source: Source::caller(),
        }
    }

    /// Linear between neighbours, along both axes. The images' borders stay where they are.
    pub fn bilinear(self) -> Self {
        let align_corners = false;
        Upsample {
            mode: Mode::Bilinear { align_corners },
            ..self
        }
    }

    /// Like [`bilinear`](Upsample::bilinear), but the middles of the corner pixels stay where they are.
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
        layer(x, self.source, &name, |x| x.resample(kind))
    }
}

/// How [`Upsample`] finds a new pixel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UpsampleMode {
    /// The old pixel that covers its place.
    #[default]
    Nearest,
    /// A mixture of the four old pixels around its middle.
    Bilinear,
}

/// Images of several times the size; see [`Upsample`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpsampleSpec {
    /// The factor of height and width.
    #[schemars(with = "range::Pair<1>", extend("examples" = [2]))]
    pub scale: Pair,
    /// How a new pixel is found.
    #[serde(default)]
    pub mode: UpsampleMode,
}

impl Settings for UpsampleSpec {
    fn build(&self, sample: &[usize], _: &Path) -> std::result::Result<Box<dyn Module>, Unfit> {
        channels::<2>(sample, IMAGES)?;
        let upsample = Upsample::new(self.scale);
        Ok(match self.mode {
            UpsampleMode::Bilinear => with_channels::<2>(sample, upsample.bilinear()),
            UpsampleMode::Nearest => with_channels::<2>(sample, upsample),
        })
    }
}
