//! The transposed convolution layer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::conv::{Convolution, Direction, convolution_layer};
use super::extent::{Extent, channels, with_channels};
use super::spec::yes;
use super::{InitSpec, Module, Pair, Settings, Unfit};
use crate::schema::{Path, range};

/// A transposed convolution layer for images `[n, inputs, h, w]`, which makes them larger. It
/// computes the input gradient of a [`Conv2d`](super::Conv2d) with the same options.
///
/// The output is `[n, outputs, oh, ow]` with
/// `oh = (h - 1) stride - 2 padding + dilation (kernel - 1) + output_padding + 1`, and `ow`
/// computed likewise.
///
/// The parameters are `weight [inputs, outputs / groups, kh, kw]` and `bias [outputs]`, initialized
/// as in PyTorch.
///
/// # Example
///
/// ```
/// use wgrad::{Device, Trainer, loss, nn};
///
/// # fn main() -> wgrad::Result<()> {
/// // Doubles the height and the width.
/// let conv = nn::ConvTranspose2d::new(8, 1, 3).stride(2).padding(1).output_padding(1);
/// let trainer = Trainer::new(conv).loss(loss::Mse).compile_for(&Device::cpu(), [8, 14, 14])?;
/// assert_eq!(trainer.summary().output.shape.dims()[1..], [1, 28, 28]);
/// # Ok(())
/// # }
/// ```
pub struct ConvTranspose2d(Convolution);

impl ConvTranspose2d {
    /// Creates a layer with a bias. The kernel is `3` or `[3, 5]`.
    #[track_caller]
    pub fn new(inputs: usize, outputs: usize, kernel: impl Into<Pair>) -> Self {
        let kernel = kernel.into();
        ConvTranspose2d(Convolution::new(inputs, outputs, kernel, DIRECTION))
    }

    /// Adds rows and columns at the end, fewer than the stride. A convolution with a stride above 1
    /// gives the same size for several input sizes; this selects one of them. Default: 0.
    pub fn output_padding(self, output_padding: impl Into<Pair>) -> Self {
        ConvTranspose2d(self.0.output_padding(output_padding.into().0))
    }
}

/// A transposed convolution without output padding.
const DIRECTION: Direction = Direction::Transposed {
    output_padding: [0, 0],
};

convolution_layer! {
    ConvTranspose2d, impl Into<Pair> as Pair;
    /// Sets the number of output pixels between the windows of two neighbouring input pixels.
    /// Default: 1.
    stride;
    /// Sets the number of output pixels that are cut off on each side. Default: 0.
    padding;
}

/// Transposed convolution of images; see [`ConvTranspose2d`].
///
/// # Example
///
/// ```
/// use wgrad::nn::LayerSpec;
///
/// let spec: LayerSpec =
///     serde_json::from_str(r#"{ "type": "conv_transpose2d", "out": 3, "kernel": 2, "stride": 2 }"#)?;
/// let (_layer, output) = spec.build(&[8, 14, 14])?;
/// assert_eq!(output, [3, 28, 28]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConvTranspose2dSpec {
    /// The number of output channels.
    #[schemars(with = "range::Count<1>", extend("examples" = [32]))]
    pub out: usize,
    /// The size of the kernel.
    #[schemars(with = "range::Pair<1>", extend("examples" = [3]))]
    pub kernel: Pair,
    /// The step between the windows of two neighbouring input pixels.
    #[serde(default = "Pair::one")]
    #[schemars(with = "range::Pair<1>")]
    pub stride: Pair,
    /// The number of output pixels that are cut off on each side.
    #[serde(default = "Pair::zero")]
    #[schemars(with = "range::Pair<0>")]
    pub padding: Pair,
    /// The number of further rows and columns at the end; below `stride`.
    #[serde(default = "Pair::zero")]
    #[schemars(with = "range::Pair<0>")]
    pub output_padding: Pair,
    /// The spacing between the elements of the kernel.
    #[serde(default = "Pair::one")]
    #[schemars(with = "range::Pair<1>")]
    pub dilation: Pair,
    /// The number of groups of channels.
    #[serde(default = "super::spec::one")]
    #[schemars(with = "range::Count<1>")]
    pub groups: usize,
    /// Whether there is a bias.
    #[serde(default = "yes")]
    pub bias: bool,
    /// The initialization of the weights; without it, PyTorch's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init: Option<InitSpec>,
}

impl Settings for ConvTranspose2dSpec {
    fn build(&self, sample: &[usize], _: &Path) -> Result<Box<dyn Module>, Unfit> {
        let inputs = channels::<Pair>(sample)?;
        let layer = Convolution::new(inputs, self.out, self.kernel, DIRECTION)
            .stride(self.stride)
            .padding(self.padding)
            .output_padding(self.output_padding.0)
            .dilation(self.dilation)
            .groups(self.groups)
            .bias(self.bias);
        Ok(with_channels::<Pair>(sample, layer))
    }

    fn init(&self) -> Option<&InitSpec> {
        self.init.as_ref()
    }
}
