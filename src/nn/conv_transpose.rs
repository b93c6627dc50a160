//! Transposed convolution.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::graph::{Conv, Init};
use crate::{Source, Tensor};

use super::conv::{options, unfit, with_bias};
use super::{
    InitSpec, Module, Pair, Parameter, Settings, Unfit, Visitor,
    conv::divided,
    init,
    spec::{IMAGES, channels, with_channels, yes},
    traced,
};
use crate::schema::{Path, range};

/// Transposed convolution of images, which makes them larger: takes `[n, inputs, h, w]`, gives
/// `[n, outputs, oh, ow]` with `oh = (h - 1) stride - 2 padding + dilation (kernel - 1) + output_padding + 1`, and
/// `ow` alike. It is what the input gradient of [`Conv2d`](super::Conv2d) computes.
///
/// `weight` is `[inputs, outputs / groups, kh, kw]` and `bias` `[outputs]`, as in PyTorch, and start as
/// PyTorch's do.
pub struct ConvTranspose2d {
    inputs: usize,
    outputs: usize,
    kernel: [usize; 2],
    conv: Conv,
    output_padding: [usize; 2],
    init: Option<Init>,
    weight: Parameter,
    bias: Option<Parameter>,
    source: Source,
}

impl ConvTranspose2d {
    /// A layer with a bias; `kernel` is `3` or `[3, 5]`.
    #[track_caller]
    pub fn new(inputs: usize, outputs: usize, kernel: impl Into<Pair>) -> Self {
        let kernel = kernel.into().0;
        ConvTranspose2d {
            inputs,
            outputs,
            kernel,
            conv: Conv::PLAIN,
            output_padding: [0, 0],
            init: None,
            weight: Parameter::new([inputs, 0], Init::Constant(0.0)),
            bias: Some(Parameter::new([outputs], Init::Constant(0.0))),
            source: Source::caller(),
        }
        .rebuilt()
    }

    /// The parameters that the options ask for.
    #[track_caller]
    fn rebuilt(mut self) -> Self {
        let [kh, kw] = self.kernel;
        let c = self.outputs / self.conv.groups.max(1);
        // PyTorch counts the weight's second axis as what goes in, here too.
        let start = || init::torch_linear(c.saturating_mul(kh).saturating_mul(kw));
        let weight = self.init.clone().unwrap_or_else(start);
        self.weight = Parameter::new([self.inputs, c, kh, kw], weight);
        let bias = match self.init {
            Some(_) => Init::Constant(0.0),
            None => start(),
        };
        self.bias = self.bias.map(|_| Parameter::new([self.outputs], bias));
        self
    }

    /// Output pixels from one input pixel's window to the next; 1 where this is not called.
    pub fn stride(mut self, stride: impl Into<Pair>) -> Self {
        self.conv.stride = stride.into().0;
        self
    }

    /// Output pixels cut off on each side; none where this is not called.
    pub fn padding(mut self, padding: impl Into<Pair>) -> Self {
        self.conv.padding = padding.into().0;
        self
    }

    /// Rows and columns more at the end, fewer than the stride: of all output sizes whose
    /// convolution gives the input's, this one. None where this is not called.
    pub fn output_padding(mut self, more: impl Into<Pair>) -> Self {
        self.output_padding = more.into().0;
        self
    }

    /// Pixels from one tap of the kernel to the next; 1 where this is not called.
    pub fn dilation(mut self, dilation: impl Into<Pair>) -> Self {
        self.conv.dilation = dilation.into().0;
        self
    }

    /// Parts that the channels fall into; see [`Conv2d::groups`](super::Conv2d::groups).
    #[track_caller]
    pub fn groups(mut self, groups: usize) -> Self {
        self.conv.groups = groups;
        self.rebuilt()
    }

    /// The same layer without a bias.
    pub fn without_bias(self) -> Self {
        ConvTranspose2d { bias: None, ..self }
    }

    /// Sets the initialization of the weight; the bias starts at 0, as in Keras.
    #[track_caller]
    pub fn init(mut self, weight: Init) -> Self {
        self.init = Some(weight);
        self.rebuilt()
    }

    /// The output's height and width, or why there is none.
    fn size(&self, from: [usize; 2]) -> Result<[usize; 2], String> {
        let mut to = [0; 2];
        for axis in 0..2 {
            let Conv {
                stride, dilation, ..
            } = self.conv;
            let (s, d, more) = (stride[axis], dilation[axis], self.output_padding[axis]);
            if self.kernel[axis] == 0 || s == 0 || d == 0 {
                return Err("kernel, stride and dilation must be at least 1".to_string());
            }
            if more >= s && more > 0 {
                return Err(format!(
                    "the output padding is {more}, but must be smaller than the stride, {s}"
                ));
            }
            let full = from[axis].checked_sub(1).map(|gaps| {
                let reach = d.saturating_mul(self.kernel[axis] - 1);
                gaps.saturating_mul(s)
                    .saturating_add(reach)
                    .saturating_add(more + 1)
            });
            let cut = self.conv.padding[axis].saturating_mul(2);
            to[axis] = full
                .and_then(|full| full.checked_sub(cut))
                .filter(|size| *size > 0)
                .ok_or_else(|| {
                    let name = ["height", "width"][axis];
                    format!("nothing is left of the output's {name} after padding {cut} is cut off")
                })?;
        }
        Ok(to)
    }
}

impl Module for ConvTranspose2d {
    fn forward(&self, x: &Tensor) -> Tensor {
        let layer = self.weight.layer(x);
        x.in_scope(layer, Some(self.source), |x| {
            if x.id().is_none() {
                return x.clone();
            }
            let channels = (self.inputs, self.outputs);
            let shape = x.shape();
            let size = match unfit(&shape, channels, self.conv.groups, "h, w") {
                Some(reason) => Err(reason),
                None => self.size([shape[2], shape[3]]),
            };
            let size = match size {
                Ok(size) => size,
                Err(reason) => return x.record_error("conv_transpose2d", reason, self.source),
            };
            let (inputs, outputs) = channels;
            let options = options(&self.conv);
            let kernel = Pair(self.kernel);
            let kind = format!("ConvTranspose2d({inputs}, {outputs}, {kernel}{options})");
            traced(x, &kind, |x| {
                let y = x.conv_transpose2d(&self.weight.tensor(x), self.conv, size);
                with_bias(y, &self.bias)
            })
        })
    }

    fn visit(&self, visitor: &mut Visitor) {
        visitor.parameter("weight", &self.weight);
        if let Some(bias) = &self.bias {
            visitor.parameter("bias", bias);
        }
    }
}

/// Transposed convolution of images; see [`ConvTranspose2d`].
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
    #[serde(default = "super::spec::one_pair")]
    #[schemars(with = "range::Pair<1>")]
    pub stride: Pair,
    /// The number of output pixels that are cut off on each side.
    #[serde(default = "super::spec::zero_pair")]
    #[schemars(with = "range::Pair<0>")]
    pub padding: Pair,
    /// The number of further rows and columns at the end; below `stride`.
    #[serde(default = "super::spec::zero_pair")]
    #[schemars(with = "range::Pair<0>")]
    pub output_padding: Pair,
    /// The step from one tap of the kernel to the next.
    #[serde(default = "super::spec::one_pair")]
    #[schemars(with = "range::Pair<1>")]
    pub dilation: Pair,
    /// The number of parts that the channels fall into.
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
    fn build(&self, sample: &[usize], _: &Path) -> std::result::Result<Box<dyn Module>, Unfit> {
        let inputs = channels::<2>(sample, IMAGES)?;
        let groups = divided(self.groups, inputs, self.out)?;
        let conv = ConvTranspose2d::new(inputs, self.out, self.kernel)
            .stride(self.stride)
            .padding(self.padding)
            .output_padding(self.output_padding)
            .dilation(self.dilation)
            .groups(groups);
        Ok(match self.bias {
            true => with_channels::<2>(sample, conv),
            false => with_channels::<2>(sample, conv.without_bias()),
        })
    }

    fn init(&self) -> Option<&InitSpec> {
        self.init.as_ref()
    }
}
