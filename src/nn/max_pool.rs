//! Max-pooling layers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::graph::MaxPool;
use crate::{Source, Tensor};

use super::avg_pool::layer;
use super::ceil::Windows;
use super::{
    Module, Pair, Settings, Unfit,
    spec::{IMAGES, SEQUENCES, channels, with_channels},
};
use crate::schema::{Path, range};

/// The largest of each window: takes `[n, c, h, w]` (or any `[.., h, w]`), gives `[n, c, oh, ow]` with
/// `oh = (h + 2 padding - dilation (kernel - 1) - 1) / stride + 1`, rounded down, and `ow` alike.
pub struct MaxPool2d {
    pool: MaxPool,
    ceil_mode: bool,
    source: Source,
}

impl MaxPool2d {
    /// Windows of this size (`2` or `[2, 3]`) beside each other.
    #[track_caller]
    pub fn new(kernel: impl Into<Pair>) -> Self {
        let kernel = kernel.into().0;
        MaxPool2d {
            pool: MaxPool {
                kernel,
                stride: kernel,
                padding: [0, 0],
                dilation: [1, 1],
            },
            ceil_mode: false,
            source: Source::caller(),
        }
    }

    /// Pixels from one window to the next; the window's size where this is not called.
    pub fn stride(mut self, stride: impl Into<Pair>) -> Self {
        self.pool.stride = stride.into().0;
        self
    }

    /// Pixels around the image that are never the largest, at most half a window; none where this is not
    /// called.
    pub fn padding(mut self, padding: impl Into<Pair>) -> Self {
        self.pool.padding = padding.into().0;
        self
    }

    /// Pixels from one of a window to its next; 1 where this is not called.
    pub fn dilation(mut self, dilation: impl Into<Pair>) -> Self {
        self.pool.dilation = dilation.into().0;
        self
    }

    /// Rounds the number of windows up: the last may reach beyond the padding. PyTorch's `ceil_mode=True`.
    pub fn ceil_mode(mut self) -> Self {
        self.ceil_mode = true;
        self
    }
}

/// The largest of each window, whose number may be rounded up.
fn largest(x: &Tensor, pool: MaxPool, ceil_mode: bool) -> Tensor {
    if !ceil_mode {
        return x.max_pool2d(pool);
    }
    let windows = Windows {
        kernel: pool.kernel,
        stride: pool.stride,
        padding: pool.padding,
        dilation: pool.dilation,
    };
    windows.for_max(x).max_pool2d(pool)
}

impl Module for MaxPool2d {
    fn forward(&self, x: &Tensor) -> Tensor {
        let kind = format!("MaxPool2d({})", Pair(self.pool.kernel));
        layer(x, self.source, &kind, |x| {
            largest(x, self.pool, self.ceil_mode)
        })
    }
}

/// The largest of each window of sequences: takes `[n, c, length]`, gives `[n, c, ol]`; see [`MaxPool2d`].
pub struct MaxPool1d {
    pool: MaxPool,
    ceil_mode: bool,
    source: Source,
}

impl MaxPool1d {
    /// Windows of this length beside each other.
    #[track_caller]
    pub fn new(kernel: usize) -> Self {
        MaxPool1d {
            pool: MaxPool {
                kernel: [1, kernel],
                stride: [1, kernel],
                padding: [0, 0],
                dilation: [1, 1],
            },
            ceil_mode: false,
            source: Source::caller(),
        }
    }

    /// Elements from one window to the next; the window's length where this is not called.
    pub fn stride(mut self, stride: usize) -> Self {
        self.pool.stride[1] = stride;
        self
    }

    /// See [`MaxPool2d::padding`].
    pub fn padding(mut self, padding: usize) -> Self {
        self.pool.padding[1] = padding;
        self
    }

    /// See [`MaxPool2d::dilation`].
    pub fn dilation(mut self, dilation: usize) -> Self {
        self.pool.dilation[1] = dilation;
        self
    }

    /// See [`MaxPool2d::ceil_mode`].
    pub fn ceil_mode(mut self) -> Self {
        self.ceil_mode = true;
        self
    }
}

impl Module for MaxPool1d {
    fn forward(&self, x: &Tensor) -> Tensor {
        let kind = format!("MaxPool1d({})", self.pool.kernel[1]);
        layer(x, self.source, &kind, |x| {
            largest(&x.unsqueeze(-2), self.pool, self.ceil_mode).squeeze(-2)
        })
    }
}

/// The largest value of each window of images; see [`MaxPool2d`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MaxPool2dSpec {
    /// The size of the window.
    #[schemars(with = "range::Pair<1>", extend("examples" = [2]))]
    pub kernel: Pair,
    /// The step from one window to the next; without it, the window's size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<range::Pair<1>>")]
    pub stride: Option<Pair>,
    /// The number of pixels on each side that are never the largest.
    #[serde(default = "super::spec::zero_pair")]
    #[schemars(with = "range::Pair<0>")]
    pub padding: Pair,
    /// The step from one pixel of a window to the next.
    #[serde(default = "super::spec::one_pair")]
    #[schemars(with = "range::Pair<1>")]
    pub dilation: Pair,
    /// Whether the number of windows is rounded up.
    #[serde(default)]
    pub ceil_mode: bool,
}

impl Settings for MaxPool2dSpec {
    fn build(&self, sample: &[usize], _: &Path) -> std::result::Result<Box<dyn Module>, Unfit> {
        channels::<2>(sample, IMAGES)?;
        let pool = MaxPool2d::new(self.kernel)
            .stride(self.stride.unwrap_or(self.kernel))
            .padding(self.padding)
            .dilation(self.dilation);
        Ok(match self.ceil_mode {
            true => with_channels::<2>(sample, pool.ceil_mode()),
            false => with_channels::<2>(sample, pool),
        })
    }
}

/// The largest value of each window of sequences; see [`MaxPool1d`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MaxPool1dSpec {
    /// The length of the window.
    #[schemars(with = "range::Count<1>", extend("examples" = [2]))]
    pub kernel: usize,
    /// The step from one window to the next; without it, the window's size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<range::Count<1>>")]
    pub stride: Option<usize>,
    /// The number of elements on each side that are never the largest.
    #[serde(default)]
    #[schemars(with = "range::Count<0>")]
    pub padding: usize,
    /// The step from one element of a window to the next.
    #[serde(default = "super::spec::one")]
    #[schemars(with = "range::Count<1>")]
    pub dilation: usize,
    /// Whether the number of windows is rounded up.
    #[serde(default)]
    pub ceil_mode: bool,
}

impl Settings for MaxPool1dSpec {
    fn build(&self, sample: &[usize], _: &Path) -> std::result::Result<Box<dyn Module>, Unfit> {
        channels::<1>(sample, SEQUENCES)?;
        let pool = MaxPool1d::new(self.kernel)
            .stride(self.stride.unwrap_or(self.kernel))
            .padding(self.padding)
            .dilation(self.dilation);
        Ok(match self.ceil_mode {
            true => with_channels::<1>(sample, pool.ceil_mode()),
            false => with_channels::<1>(sample, pool),
        })
    }
}
