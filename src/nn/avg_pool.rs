//! Average-pooling layers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::graph::Resampling;
use crate::{Source, Tensor};

use super::ceil::Windows;
use super::{
    Module, Pair, Settings, Unfit,
    spec::{IMAGES, SEQUENCES, channels, with_channels, yes},
    traced,
};
use crate::schema::{Path, range};

/// The mean of each window: takes `[n, c, h, w]` (or any `[.., h, w]`), gives `[n, c, oh, ow]` with
/// `oh = (h + 2 padding - kernel) / stride + 1`, rounded down, and `ow` alike.
pub struct AvgPool2d {
    kernel: [usize; 2],
    stride: [usize; 2],
    padding: [usize; 2],
    count_padding: bool,
    ceil_mode: bool,
    source: Source,
}

impl AvgPool2d {
    /// Windows of this size (`2` or `[2, 3]`) beside each other.
    #[track_caller]
    pub fn new(kernel: impl Into<Pair>) -> Self {
        let kernel = kernel.into().0;
        AvgPool2d {
            kernel,
            stride: kernel,
            padding: [0, 0],
            count_padding: true,
            ceil_mode: false,
            source: Source::caller(),
        }
    }

    /// Pixels from one window to the next; the window's size where this is not called.
    pub fn stride(mut self, stride: impl Into<Pair>) -> Self {
        self.stride = stride.into().0;
        self
    }

    /// Zeros around the image, at most half a window; none where this is not called.
    pub fn padding(mut self, padding: impl Into<Pair>) -> Self {
        self.padding = padding.into().0;
        self
    }

    /// Takes the mean over what lies in the image alone; otherwise the padding's zeros count.
    /// PyTorch's `count_include_pad=False`.
    pub fn without_counting_padding(mut self) -> Self {
        self.count_padding = false;
        self
    }

    /// Rounds the number of windows up: one that reaches beyond the padding has the mean over what lies in it.
    /// PyTorch's `ceil_mode=True`.
    pub fn ceil_mode(mut self) -> Self {
        self.ceil_mode = true;
        self
    }

    /// The means of all windows.
    fn means(&self, x: &Tensor) -> Tensor {
        let mean = |x: &Tensor, count_padding: bool| {
            x.resample(Resampling::Average {
                kernel: self.kernel,
                stride: self.stride,
                padding: self.padding,
                count_padding,
            })
        };
        if !self.ceil_mode {
            return mean(x, self.count_padding);
        }
        let windows = Windows {
            kernel: self.kernel,
            stride: self.stride,
            padding: self.padding,
            dilation: [1, 1],
        };
        windows.mean(x, self.count_padding, mean)
    }
}

impl Module for AvgPool2d {
    fn forward(&self, x: &Tensor) -> Tensor {
        let name = format!("AvgPool2d({})", Pair(self.kernel));
        layer(x, self.source, &name, |x| self.means(x))
    }
}

/// The mean of each window of sequences: takes `[n, c, length]`, gives `[n, c, ol]`; see [`AvgPool2d`].
pub struct AvgPool1d(AvgPool2d);

impl AvgPool1d {
    /// Windows of this length beside each other.
    #[track_caller]
    pub fn new(kernel: usize) -> Self {
        AvgPool1d(AvgPool2d::new([1, kernel]))
    }

    /// Elements from one window to the next; the window's length where this is not called.
    pub fn stride(self, stride: usize) -> Self {
        AvgPool1d(self.0.stride([1, stride]))
    }

    /// See [`AvgPool2d::padding`].
    pub fn padding(self, padding: usize) -> Self {
        AvgPool1d(self.0.padding([0, padding]))
    }

    /// See [`AvgPool2d::ceil_mode`].
    pub fn ceil_mode(self) -> Self {
        AvgPool1d(self.0.ceil_mode())
    }

    /// See [`AvgPool2d::without_counting_padding`].
    pub fn without_counting_padding(self) -> Self {
        AvgPool1d(self.0.without_counting_padding())
    }
}

impl Module for AvgPool1d {
    fn forward(&self, x: &Tensor) -> Tensor {
        let name = format!("AvgPool1d({})", self.0.kernel[1]);
        layer(x, self.0.source, &name, |x| {
            self.0.means(&x.unsqueeze(-2)).squeeze(-2)
        })
    }
}

/// The means of as many windows as wanted, whatever the image's size: takes `[n, c, h, w]`, gives
/// `[n, c, oh, ow]`. Window `i` goes from `floor(i h / oh)` to before `ceil((i + 1) h / oh)`.
pub struct AdaptiveAvgPool2d {
    to: [usize; 2],
    source: Source,
}

impl AdaptiveAvgPool2d {
    /// To this size (`1` or `[2, 3]`).
    #[track_caller]
    pub fn new(to: impl Into<Pair>) -> Self {
        AdaptiveAvgPool2d {
            to: to.into().0,
            source: Source::caller(),
        }
    }
}

impl Module for AdaptiveAvgPool2d {
    fn forward(&self, x: &Tensor) -> Tensor {
        let name = format!("AdaptiveAvgPool2d({})", Pair(self.to));
        let kind = Resampling::Adaptive { to: self.to };
        layer(x, self.source, &name, |x| x.resample(kind))
    }
}

/// Traces a layer without parameters, whose errors name the line that made it.
pub(super) fn layer(
    x: &Tensor,
    source: Source,
    kind: &str,
    f: impl FnOnce(&Tensor) -> Tensor,
) -> Tensor {
    let scope = Some(x.graph().scope_name());
    x.in_scope(scope, Some(source), |x| traced(x, kind, f))
}

/// The mean of each window of images; see [`AvgPool2d`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AvgPool2dSpec {
    /// The size of the window.
    #[schemars(with = "range::Pair<1>", extend("examples" = [2]))]
    pub kernel: Pair,
    /// The step from one window to the next; without it, the window's size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<range::Pair<1>>")]
    pub stride: Option<Pair>,
    /// The number of zeros on each side.
    #[serde(default = "super::spec::zero_pair")]
    #[schemars(with = "range::Pair<0>")]
    pub padding: Pair,
    /// Whether the zeros count in the mean.
    #[serde(default = "yes")]
    pub count_padding: bool,
    /// Whether the number of windows is rounded up.
    #[serde(default)]
    pub ceil_mode: bool,
}

impl Settings for AvgPool2dSpec {
    fn build(&self, sample: &[usize], _: &Path) -> std::result::Result<Box<dyn Module>, Unfit> {
        channels::<2>(sample, IMAGES)?;
        let mut pool = AvgPool2d::new(self.kernel)
            .stride(self.stride.unwrap_or(self.kernel))
            .padding(self.padding);
        if self.ceil_mode {
            pool = pool.ceil_mode();
        }
        Ok(match self.count_padding {
            true => with_channels::<2>(sample, pool),
            false => with_channels::<2>(sample, pool.without_counting_padding()),
        })
    }
}

/// The mean of each window of sequences; see [`AvgPool1d`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AvgPool1dSpec {
    /// The length of the window.
    #[schemars(with = "range::Count<1>", extend("examples" = [2]))]
    pub kernel: usize,
    /// The step from one window to the next; without it, the window's size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<range::Count<1>>")]
    pub stride: Option<usize>,
    /// The number of zeros on each side.
    #[serde(default)]
    #[schemars(with = "range::Count<0>")]
    pub padding: usize,
    /// Whether the zeros count in the mean.
    #[serde(default = "yes")]
    pub count_padding: bool,
    /// Whether the number of windows is rounded up.
    #[serde(default)]
    pub ceil_mode: bool,
}

impl Settings for AvgPool1dSpec {
    fn build(&self, sample: &[usize], _: &Path) -> std::result::Result<Box<dyn Module>, Unfit> {
        channels::<1>(sample, SEQUENCES)?;
        let mut pool = AvgPool1d::new(self.kernel)
            .stride(self.stride.unwrap_or(self.kernel))
            .padding(self.padding);
        if self.ceil_mode {
            pool = pool.ceil_mode();
        }
        Ok(match self.count_padding {
            true => with_channels::<1>(sample, pool),
            false => with_channels::<1>(sample, pool.without_counting_padding()),
        })
    }
}

/// The means of as many windows as the output has pixels; see [`AdaptiveAvgPool2d`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdaptiveAvgPool2dSpec {
    /// The size of the output.
    #[schemars(with = "range::Pair<1>", extend("examples" = [1]))]
    pub out: Pair,
}

impl Settings for AdaptiveAvgPool2dSpec {
    fn build(&self, sample: &[usize], _: &Path) -> std::result::Result<Box<dyn Module>, Unfit> {
        channels::<2>(sample, IMAGES)?;
        Ok(with_channels::<2>(sample, AdaptiveAvgPool2d::new(self.out)))
    }
}
