//! Max-pooling layers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::extent::{Extent, channels, with_channels};
use super::pool::{Pooling, Reduction, pooling_layer};
use super::{Module, Pair, Settings, Unfit};
use crate::schema::Path;

/// A max-pooling layer for images `[n, c, h, w]` (or any `[.., h, w]`): computes the maximum of
/// each window.
///
/// The output is `[n, c, oh, ow]` with
/// `oh = (h + 2 padding - dilation (kernel - 1) - 1) / stride + 1`, rounded down, and `ow` computed
/// likewise.
///
/// # Example
///
/// ```
/// use wgrad::nn::{Module, MaxPool2d};
/// use wgrad::{Device, eval};
///
/// # fn main() -> wgrad::Result<()> {
/// let y = eval(&Device::cpu(), |g| {
///     let x = g.tensor([1, 1, 2, 4], [1.0, 2.0, 5.0, 6.0, 3.0, 4.0, 8.0, 7.0]);
///     MaxPool2d::new(2).forward(&x)
/// })?;
/// assert_eq!(y.data, [4.0, 8.0]);
/// # Ok(())
/// # }
/// ```
pub struct MaxPool2d(Pooling);

impl MaxPool2d {
    /// Creates a layer whose windows do not overlap. Their size is `2` or `[2, 3]`.
    #[track_caller]
    pub fn new(kernel: impl Into<Pair>) -> Self {
        MaxPool2d(Pooling::new::<Pair>(Reduction::Max, kernel.into()))
    }

    /// Sets the spacing between the elements of a window, in pixels. Default: 1.
    pub fn dilation(self, dilation: impl Into<Pair>) -> Self {
        MaxPool2d(self.0.dilation::<Pair>(dilation.into()))
    }
}

pooling_layer! {
    MaxPool2d, impl Into<Pair> as Pair;
    /// Sets the number of pixels that are added on each side, at most half a window. They are never
    /// the maximum. Default: 0.
    padding;
    /// Rounds the number of windows up, so that the last one may reach beyond the padding.
    /// PyTorch's `ceil_mode=True`.
    ceil_mode;
}

/// A max-pooling layer for sequences `[n, c, length]`: computes the maximum of each window.
///
/// The output is `[n, c, ol]` with
/// `ol = (length + 2 padding - dilation (kernel - 1) - 1) / stride + 1`, rounded down.
///
/// # Example
///
/// ```
/// use wgrad::nn::{Module, MaxPool1d};
/// use wgrad::{Device, eval};
///
/// # fn main() -> wgrad::Result<()> {
/// let y = eval(&Device::cpu(), |g| {
///     let x = g.tensor([1, 1, 5], [4.0, 1.0, 3.0, 2.0, 0.0]);
///     MaxPool1d::new(3).stride(2).padding(1).forward(&x)
/// })?;
/// assert_eq!(y.data, [4.0, 3.0, 2.0]);
/// # Ok(())
/// # }
/// ```
pub struct MaxPool1d(Pooling);

impl MaxPool1d {
    /// Creates a layer whose windows do not overlap.
    #[track_caller]
    pub fn new(kernel: usize) -> Self {
        MaxPool1d(Pooling::new(Reduction::Max, kernel))
    }

    /// Sets the spacing between the elements of a window. Default: 1.
    pub fn dilation(self, dilation: usize) -> Self {
        MaxPool1d(self.0.dilation(dilation))
    }
}

pooling_layer! {
    MaxPool1d, usize as usize;
    /// Sets the number of elements that are added on each side, at most half a window. They are
    /// never the maximum. Default: 0.
    padding;
    /// Rounds the number of windows up, so that the last one may reach beyond the padding.
    /// PyTorch's `ceil_mode=True`.
    ceil_mode;
}

/// The settings of a [`MaxPool1d`], for sequences.
///
/// # Example
///
/// ```
/// use wgrad::nn::LayerSpec;
///
/// let spec: LayerSpec = serde_json::from_str(r#"{ "type": "max_pool1d", "kernel": 3, "stride": 2 }"#)?;
/// let (_layer, output) = spec.build(&[4, 9])?;
/// assert_eq!(output, [4, 4]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub type MaxPool1dSpec = MaxPoolSpec<usize>;

/// The settings of a [`MaxPool2d`], for images.
///
/// # Example
///
/// ```
/// use wgrad::nn::LayerSpec;
///
/// let spec: LayerSpec = serde_json::from_str(r#"{ "type": "max_pool2d", "kernel": 2 }"#)?;
/// let (_layer, output) = spec.build(&[3, 28, 28])?;
/// assert_eq!(output, [3, 14, 14]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub type MaxPool2dSpec = MaxPoolSpec<Pair>;

/// The settings of a max-pooling layer, with sizes of type `S`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, bound = "S: Extent")]
#[schemars(
    bound = "S: Extent",
    extend("description" = format!("The maximum of each window of {}.", S::SAMPLES))
)]
pub struct MaxPoolSpec<S: Extent> {
    /// The size of the window.
    #[schemars(schema_with = "S::at_least::<1>", extend("examples" = [2]))]
    pub kernel: S,
    /// The step from one window to the next; without it, the size of the window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "S::optional::<1>")]
    pub stride: Option<S>,
    /// The number of elements on each side that are never the maximum.
    #[serde(default = "S::zero")]
    #[schemars(schema_with = "S::at_least::<0>")]
    pub padding: S,
    /// The spacing between the elements of a window.
    #[serde(default = "S::one")]
    #[schemars(schema_with = "S::at_least::<1>")]
    pub dilation: S,
    /// Whether the number of windows is rounded up.
    #[serde(default)]
    pub ceil_mode: bool,
}

impl<S: Extent> Settings for MaxPoolSpec<S> {
    fn build(&self, sample: &[usize], _: &Path) -> Result<Box<dyn Module>, Unfit> {
        channels::<S>(sample)?;
        let pool = Pooling::new(Reduction::Max, self.kernel)
            .stride(self.stride.unwrap_or(self.kernel))
            .padding(self.padding)
            .dilation(self.dilation)
            .ceil_mode(self.ceil_mode);
        Ok(with_channels::<S>(sample, pool))
    }
}
