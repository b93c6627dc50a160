//! The settings of convolution layers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::convolution::{Convolution, Direction};
use crate::nn::extent::{Extent, channels, with_channels};
use crate::nn::spec::yes;
use crate::nn::{InitSpec, Module, Pair, Settings, Unfit};
use crate::schema::{Path, range};

/// The settings of a [`Conv1d`](super::Conv1d), for sequences.
///
/// # Example
///
/// ```
/// use wgrad::nn::LayerSpec;
///
/// let spec: LayerSpec = serde_json::from_str(r#"{ "type": "conv1d", "out": 8, "kernel": 3 }"#)?;
/// let (_layer, output) = spec.build(&[4, 100])?;
/// assert_eq!(output, [8, 98]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub type Conv1dSpec = ConvSpec<usize>;

/// The settings of a [`Conv2d`](super::Conv2d), for images.
///
/// # Example
///
/// ```
/// use wgrad::nn::LayerSpec;
///
/// let spec: LayerSpec = serde_json::from_str(r#"{ "type": "conv2d", "out": 8, "kernel": [3, 5], "stride": 2 }"#)?;
/// let (_layer, output) = spec.build(&[28, 28])?;
/// assert_eq!(output, [8, 13, 12]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub type Conv2dSpec = ConvSpec<Pair>;

/// The settings of a convolution, with sizes of type `S`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, bound = "S: Extent")]
#[schemars(
    bound = "S: Extent",
    extend("description" = format!("Convolution of {}.", S::SAMPLES))
)]
pub struct ConvSpec<S: Extent> {
    /// The number of output channels.
    #[schemars(with = "range::Count<1>", extend("examples" = [32]))]
    pub out: usize,
    /// The size of the kernel.
    #[schemars(schema_with = "S::at_least::<1>", extend("examples" = [3]))]
    pub kernel: S,
    /// The step from one window to the next.
    #[serde(default = "S::one")]
    #[schemars(schema_with = "S::at_least::<1>")]
    pub stride: S,
    /// The number of zeros on each side.
    #[serde(default = "S::zero")]
    #[schemars(schema_with = "S::at_least::<0>")]
    pub padding: S,
    /// The spacing between the elements of the kernel.
    #[serde(default = "S::one")]
    #[schemars(schema_with = "S::at_least::<1>")]
    pub dilation: S,
    /// The number of groups of channels.
    #[serde(default = "crate::nn::spec::one")]
    #[schemars(with = "range::Count<1>")]
    pub groups: usize,
    /// Whether there is a bias.
    #[serde(default = "yes")]
    pub bias: bool,
    /// The initialization of the weights; without it, PyTorch's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init: Option<InitSpec>,
}

impl<S: Extent> Settings for ConvSpec<S> {
    fn build(&self, sample: &[usize], _: &Path) -> Result<Box<dyn Module>, Unfit> {
        let inputs = channels::<S>(sample)?;
        let layer = Convolution::new(inputs, self.out, self.kernel, Direction::Forward)
            .stride(self.stride)
            .padding(self.padding)
            .dilation(self.dilation)
            .groups(self.groups)
            .bias(self.bias);
        Ok(with_channels::<S>(sample, layer))
    }

    fn init(&self) -> Option<&InitSpec> {
        self.init.as_ref()
    }
}
