//! Average-pooling layers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::extent::{Extent, channels, with_channels};
use super::pool::{Pooling, Reduction, pooling_layer, traced_layer};
use super::spec::yes;
use super::{Module, Pair, Settings, Unfit};
use crate::graph::Resampling;
use crate::schema::{Path, range};
use crate::{Source, Tensor};

/// An average-pooling layer for images `[n, c, h, w]` (or any `[.., h, w]`): computes the mean of
/// each window.
///
/// The output is `[n, c, oh, ow]` with `oh = (h + 2 padding - kernel) / stride + 1`, rounded down,
/// and `ow` computed likewise.
///
/// # Example
///
/// ```
/// use wgrad::nn::{Module, AvgPool2d};
/// use wgrad::{Device, eval};
///
/// # fn main() -> wgrad::Result<()> {
/// let y = eval(&Device::cpu(), |g| {
///     let x = g.tensor([1, 1, 2, 4], [1.0, 2.0, 5.0, 6.0, 3.0, 4.0, 8.0, 7.0]);
///     AvgPool2d::new(2).forward(&x)
/// })?;
/// assert_eq!(y.data, [2.5, 6.5]);
/// # Ok(())
/// # }
/// ```
pub struct AvgPool2d(Pooling);

impl AvgPool2d {
    /// Creates a layer whose windows do not overlap. Their size is `2` or `[2, 3]`.
    #[track_caller]
    pub fn new(kernel: impl Into<Pair>) -> Self {
        AvgPool2d(Pooling::new::<Pair>(DEFAULT, kernel.into()))
    }

    /// Computes the mean of the image's pixels only, without the zeros of the padding. PyTorch's
    /// `count_include_pad=False`.
    pub fn without_counting_padding(self) -> Self {
        AvgPool2d(self.0.count_padding(false))
    }
}

/// The mean, in which zeros of the padding count.
const DEFAULT: Reduction = Reduction::Average {
    count_padding: true,
};

pooling_layer! {
    AvgPool2d, impl Into<Pair> as Pair;
    /// Sets the number of zeros on each side, at most half a window. Default: 0.
    padding;
    /// Rounds the number of windows up. A window that reaches beyond the padding has the mean of
    /// its elements within the padding. PyTorch's `ceil_mode=True`.
    ceil_mode;
}

/// An average-pooling layer for sequences `[n, c, length]`: computes the mean of each window.
///
/// The output is `[n, c, ol]` with `ol = (length + 2 padding - kernel) / stride + 1`, rounded down.
///
/// # Example
///
/// ```
/// use wgrad::nn::{Module, AvgPool1d};
/// use wgrad::{Device, eval};
///
/// # fn main() -> wgrad::Result<()> {
/// let y = eval(&Device::cpu(), |g| {
///     let x = g.tensor([1, 1, 4], [4.0, 1.0, 3.0, 2.0]);
///     AvgPool1d::new(2).padding(1).without_counting_padding().forward(&x)
/// })?;
/// assert_eq!(y.data, [4.0, 2.0, 2.0]);
/// # Ok(())
/// # }
/// ```
pub struct AvgPool1d(Pooling);

impl AvgPool1d {
    /// Creates a layer whose windows do not overlap.
    #[track_caller]
    pub fn new(kernel: usize) -> Self {
        AvgPool1d(Pooling::new(DEFAULT, kernel))
    }

    /// Computes the mean of the sequence's elements only, without the zeros of the padding.
    /// PyTorch's `count_include_pad=False`.
    pub fn without_counting_padding(self) -> Self {
        AvgPool1d(self.0.count_padding(false))
    }
}

pooling_layer! {
    AvgPool1d, usize as usize;
    /// Sets the number of zeros on each side, at most half a window. Default: 0.
    padding;
    /// Rounds the number of windows up. A window that reaches beyond the padding has the mean of
    /// its elements within the padding. PyTorch's `ceil_mode=True`.
    ceil_mode;
}

/// An average-pooling layer for images `[n, c, h, w]` that gives a fixed output size,
/// `[n, c, oh, ow]`.
///
/// Window `i` goes from `floor(i h / oh)` to before `ceil((i + 1) h / oh)`.
///
/// # Example
///
/// ```
/// use wgrad::nn::{Module, AdaptiveAvgPool2d};
/// use wgrad::{Device, eval};
///
/// # fn main() -> wgrad::Result<()> {
/// let y = eval(&Device::cpu(), |g| {
///     let x = g.tensor([1, 1, 2, 4], [1.0, 2.0, 5.0, 6.0, 3.0, 4.0, 8.0, 7.0]);
///     AdaptiveAvgPool2d::new([1, 2]).forward(&x)
/// })?;
/// assert_eq!(y.data, [2.5, 6.5]);
/// # Ok(())
/// # }
/// ```
pub struct AdaptiveAvgPool2d {
    to: [usize; 2],
    source: Source,
}

impl AdaptiveAvgPool2d {
    /// Creates a layer with this output size, `1` or `[2, 3]`.
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
        traced_layer(x, self.source, &name, |x| x.resample(kind))
    }
}

/// The settings of an [`AvgPool1d`], for sequences.
///
/// # Example
///
/// ```
/// use wgrad::nn::LayerSpec;
///
/// let spec: LayerSpec = serde_json::from_str(r#"{ "type": "avg_pool1d", "kernel": 4 }"#)?;
/// let (_layer, output) = spec.build(&[4, 9])?;
/// assert_eq!(output, [4, 2]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub type AvgPool1dSpec = AvgPoolSpec<usize>;

/// The settings of an [`AvgPool2d`], for images.
///
/// # Example
///
/// ```
/// use wgrad::nn::LayerSpec;
///
/// let spec: LayerSpec = serde_json::from_str(r#"{ "type": "avg_pool2d", "kernel": [2, 1] }"#)?;
/// let (_layer, output) = spec.build(&[3, 28, 28])?;
/// assert_eq!(output, [3, 14, 28]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub type AvgPool2dSpec = AvgPoolSpec<Pair>;

/// The settings of an average-pooling layer, with sizes of type `S`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, bound = "S: Extent")]
#[schemars(
    bound = "S: Extent",
    extend("description" = format!("The mean of each window of {}.", S::SAMPLES))
)]
pub struct AvgPoolSpec<S: Extent> {
    /// The size of the window.
    #[schemars(schema_with = "S::at_least::<1>", extend("examples" = [2]))]
    pub kernel: S,
    /// The step from one window to the next; without it, the size of the window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "S::optional::<1>")]
    pub stride: Option<S>,
    /// The number of zeros on each side.
    #[serde(default = "S::zero")]
    #[schemars(schema_with = "S::at_least::<0>")]
    pub padding: S,
    /// Whether the zeros count in the mean.
    #[serde(default = "yes")]
    pub count_padding: bool,
    /// Whether the number of windows is rounded up.
    #[serde(default)]
    pub ceil_mode: bool,
}

impl<S: Extent> Settings for AvgPoolSpec<S> {
    fn build(&self, sample: &[usize], _: &Path) -> Result<Box<dyn Module>, Unfit> {
        channels::<S>(sample)?;
        let pool = Pooling::new(DEFAULT, self.kernel)
            .stride(self.stride.unwrap_or(self.kernel))
            .padding(self.padding)
            .count_padding(self.count_padding)
            .ceil_mode(self.ceil_mode);
        Ok(with_channels::<S>(sample, pool))
    }
}

/// Average pooling of images to a fixed size; see [`AdaptiveAvgPool2d`].
///
/// # Example
///
/// ```
/// use wgrad::nn::LayerSpec;
///
/// let spec: LayerSpec = serde_json::from_str(r#"{ "type": "adaptive_avg_pool2d", "out": 1 }"#)?;
/// let (_layer, output) = spec.build(&[3, 28, 28])?;
/// assert_eq!(output, [3, 1, 1]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdaptiveAvgPool2dSpec {
    /// The size of the output.
    #[schemars(with = "range::Pair<1>", extend("examples" = [1]))]
    pub out: Pair,
}

impl Settings for AdaptiveAvgPool2dSpec {
    fn build(&self, sample: &[usize], _: &Path) -> Result<Box<dyn Module>, Unfit> {
        channels::<Pair>(sample)?;
        let pool = AdaptiveAvgPool2d::new(self.out);
        Ok(with_channels::<Pair>(sample, pool))
    }
}
