//! Convolution layers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::graph::{Conv, Init};
use crate::{Shape, Source, Tensor};

use super::{
    InitSpec, Module, Pair, Parameter, Settings, Unfit, Visitor, init,
    spec::{IMAGES, SEQUENCES, channels, with_channels, yes},
    traced,
};
use crate::schema::{Path, range};

/// Convolution of images: takes `[n, inputs, h, w]`, gives `[n, outputs, oh, ow]` with
/// `oh = (h + 2 padding - dilation (kernel - 1) - 1) / stride + 1`, rounded down, and `ow` alike.
///
/// `weight` is `[outputs, inputs / groups, kh, kw]` and `bias` `[outputs]`, as in PyTorch, and start as
/// PyTorch's do. Compiling refuses a kernel that is larger than the padded image, a stride, dilation or
/// number of groups of 0, and channels that do not fall into the groups.
pub struct Conv2d {
    inputs: usize,
    outputs: usize,
    kernel: [usize; 2],
    conv: Conv,
    init: Option<Init>,
    weight: Parameter,
    bias: Option<Parameter>,
    source: Source,
}

impl Conv2d {
    /// A layer with a bias; `kernel` is `3` or `[3, 5]`.
    #[track_caller]
    pub fn new(inputs: usize, outputs: usize, kernel: impl Into<Pair>) -> Self {
        let kernel = kernel.into().0;
        Conv2d {
            inputs,
            outputs,
            kernel,
            conv: Conv::PLAIN,
            init: None,
            weight: Parameter::new([outputs, 0], Init::Constant(0.0)),
            bias: Some(Parameter::new([outputs], Init::Constant(0.0))),
            source: Source::caller(),
        }
        .rebuilt()
    }

    /// The parameters that the options ask for.
    #[track_caller]
    fn rebuilt(mut self) -> Self {
        let [kh, kw] = self.kernel;
        let c = self.inputs / self.conv.groups.max(1);
        let start = || init::torch_linear(c.saturating_mul(kh).saturating_mul(kw));
        let weight = self.init.clone().unwrap_or_else(start);
        self.weight = Parameter::new([self.outputs, c, kh, kw], weight);
        let bias = match self.init {
            Some(_) => Init::Constant(0.0),
            None => start(),
        };
        self.bias = self.bias.map(|_| Parameter::new([self.outputs], bias));
        self
    }

    /// Pixels from one window to the next; 1 where this is not called.
    pub fn stride(mut self, stride: impl Into<Pair>) -> Self {
        self.conv.stride = stride.into().0;
        self
    }

    /// Zeros on each side; none where this is not called.
    pub fn padding(mut self, padding: impl Into<Pair>) -> Self {
        self.conv.padding = padding.into().0;
        self
    }

    /// Pixels from one tap of the kernel to the next; 1 where this is not called.
    pub fn dilation(mut self, dilation: impl Into<Pair>) -> Self {
        self.conv.dilation = dilation.into().0;
        self
    }

    /// Parts that the channels fall into; an output channel sees the input channels of its part. As many
    /// as there are input channels make a depthwise convolution.
    #[track_caller]
    pub fn groups(mut self, groups: usize) -> Self {
        self.conv.groups = groups;
        self.rebuilt()
    }

    /// The same layer without a bias.
    pub fn without_bias(self) -> Self {
        Conv2d { bias: None, ..self }
    }

    /// Sets the initialization of the weight; the bias starts at 0, as in Keras.
    #[track_caller]
    pub fn init(mut self, weight: Init) -> Self {
        self.init = Some(weight);
        self.rebuilt()
    }

    fn kind(&self) -> String {
        let Conv2d {
            inputs, outputs, ..
        } = self;
        let options = options(&self.conv);
        format!(
            "Conv2d({inputs}, {outputs}, {}{options})",
            Pair(self.kernel)
        )
    }
}

/// The options that differ from the plain ones, as the table of layers shows them.
pub(super) fn options(conv: &Conv) -> String {
    let plain = Conv::PLAIN;
    let pairs = [
        ("stride", conv.stride, plain.stride),
        ("padding", conv.padding, plain.padding),
        ("dilation", conv.dilation, plain.dilation),
    ];
    let changed = pairs.into_iter().filter(|(_, value, plain)| value != plain);
    let mut text: String = changed
        .map(|(name, value, _)| format!(", {name} {}", Pair(value)))
        .collect();
    if conv.groups != 1 {
        text += &format!(", groups {}", conv.groups);
    }
    text
}

/// Why a layer with so many channels and groups cannot be, or cannot take `x`.
pub(super) fn unfit(
    x: &Shape,
    (inputs, outputs): (usize, usize),
    groups: usize,
    axes: &str,
) -> Option<String> {
    let rank = axes.split(',').count() + 2;
    if groups == 0 {
        return Some("there must be at least 1 group".to_string());
    }
    if inputs % groups != 0 || outputs % groups != 0 {
        return Some(format!(
            "{inputs} input and {outputs} output channels do not both fall into {groups} groups"
        ));
    }
    if x.rank() != rank {
        return Some(format!(
            "the layer takes [n, {inputs}, {axes}], not {} axes",
            x.rank()
        ));
    }
    (x.get(1) != Some(&inputs)).then(|| {
        let have = x.get(1).copied().unwrap_or(0);
        format!("the layer takes [n, {inputs}, {axes}], but there are {have} channels")
    })
}

/// `y` with the bias added to each channel, where there is one.
pub(super) fn with_bias(y: Tensor, bias: &Option<Parameter>) -> Tensor {
    match bias {
        Some(bias) if y.id().is_some() => {
            let channels = bias.shape().len();
            &y + bias.tensor(&y).reshape([channels, 1, 1])
        }
        _ => y,
    }
}

impl Module for Conv2d {
    fn forward(&self, x: &Tensor) -> Tensor {
        let layer = self.weight.layer(x);
        x.in_scope(layer, Some(self.source), |x| {
            let channels = (self.inputs, self.outputs);
            let unfit = unfit(&x.shape(), channels, self.conv.groups, "h, w");
            if let (Some(reason), true) = (unfit, x.id().is_some()) {
                return x.record_error("conv2d", reason, self.source);
            }
            traced(x, &self.kind(), |x| {
                with_bias(x.conv2d(&self.weight.tensor(x), self.conv), &self.bias)
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

/// Convolution of sequences: takes `[n, inputs, length]`, gives `[n, outputs, ol]`.
///
/// `weight` is `[outputs, inputs / groups, kernel]`, as in PyTorch. For the rest see [`Conv2d`], of which this
/// is the case of images one pixel high.
pub struct Conv1d {
    inputs: usize,
    outputs: usize,
    kernel: usize,
    conv: Conv,
    init: Option<Init>,
    weight: Parameter,
    bias: Option<Parameter>,
    source: Source,
}

impl Conv1d {
    /// A layer with a bias.
    #[track_caller]
    pub fn new(inputs: usize, outputs: usize, kernel: usize) -> Self {
        Conv1d {
            inputs,
            outputs,
            kernel,
            conv: Conv::PLAIN,
            init: None,
            weight: Parameter::new([outputs, 0], Init::Constant(0.0)),
            bias: Some(Parameter::new([outputs], Init::Constant(0.0))),
            source: Source::caller(),
        }
        .rebuilt()
    }

    /// The parameters that the options ask for.
    #[track_caller]
    fn rebuilt(mut self) -> Self {
        let c = self.inputs / self.conv.groups.max(1);
        let start = || init::torch_linear(c.saturating_mul(self.kernel));
        let weight = self.init.clone().unwrap_or_else(start);
        self.weight = Parameter::new([self.outputs, c, self.kernel], weight);
        let bias = match self.init {
            Some(_) => Init::Constant(0.0),
            None => start(),
        };
        self.bias = self.bias.map(|_| Parameter::new([self.outputs], bias));
        self
    }

    /// Elements from one window to the next; 1 where this is not called.
    pub fn stride(mut self, stride: usize) -> Self {
        self.conv.stride = [1, stride];
        self
    }

    /// Zeros on each side; none where this is not called.
    pub fn padding(mut self, padding: usize) -> Self {
        self.conv.padding = [0, padding];
        self
    }

    /// Elements from one tap of the kernel to the next; 1 where this is not called.
    pub fn dilation(mut self, dilation: usize) -> Self {
        self.conv.dilation = [1, dilation];
        self
    }

    /// See [`Conv2d::groups`].
    #[track_caller]
    pub fn groups(mut self, groups: usize) -> Self {
        self.conv.groups = groups;
        self.rebuilt()
    }

    /// The same layer without a bias.
    pub fn without_bias(self) -> Self {
        Conv1d { bias: None, ..self }
    }

    /// Sets the initialization of the weight; the bias starts at 0, as in Keras.
    #[track_caller]
    pub fn init(mut self, weight: Init) -> Self {
        self.init = Some(weight);
        self.rebuilt()
    }

    fn kind(&self) -> String {
        let Conv1d {
            inputs,
            outputs,
            kernel,
            ..
        } = self;
        let [_, s] = self.conv.stride;
        let [_, p] = self.conv.padding;
        let [_, d] = self.conv.dilation;
        let both = Conv {
            stride: [s, s],
            padding: [p, p],
            dilation: [d, d],
            ..self.conv
        };
        format!("Conv1d({inputs}, {outputs}, {kernel}{})", options(&both))
    }
}

impl Module for Conv1d {
    fn forward(&self, x: &Tensor) -> Tensor {
        let layer = self.weight.layer(x);
        x.in_scope(layer, Some(self.source), |x| {
            let channels = (self.inputs, self.outputs);
            let unfit = unfit(&x.shape(), channels, self.conv.groups, "length");
            if let (Some(reason), true) = (unfit, x.id().is_some()) {
                return x.record_error("conv1d", reason, self.source);
            }
            traced(x, &self.kind(), |x| {
                let weight = self.weight.tensor(x).unsqueeze(2);
                let y = x.unsqueeze(2).conv2d(&weight, self.conv);
                with_bias(y, &self.bias).squeeze(2)
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

/// Convolution of images; see [`Conv2d`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Conv2dSpec {
    /// The number of output channels.
    #[schemars(with = "range::Count<1>", extend("examples" = [32]))]
    pub out: usize,
    /// The size of the kernel.
    #[schemars(with = "range::Pair<1>", extend("examples" = [3]))]
    pub kernel: Pair,
    /// The step from one window to the next.
    #[serde(default = "super::spec::one_pair")]
    #[schemars(with = "range::Pair<1>")]
    pub stride: Pair,
    /// The number of zeros on each side.
    #[serde(default = "super::spec::zero_pair")]
    #[schemars(with = "range::Pair<0>")]
    pub padding: Pair,
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

impl Settings for Conv2dSpec {
    fn build(&self, sample: &[usize], _: &Path) -> std::result::Result<Box<dyn Module>, Unfit> {
        let inputs = channels::<2>(sample, IMAGES)?;
        let groups = divided(self.groups, inputs, self.out)?;
        let conv = Conv2d::new(inputs, self.out, self.kernel)
            .stride(self.stride)
            .padding(self.padding)
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

/// Convolution of sequences; see [`Conv1d`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Conv1dSpec {
    /// The number of output channels.
    #[schemars(with = "range::Count<1>", extend("examples" = [32]))]
    pub out: usize,
    /// The size of the kernel.
    #[schemars(with = "range::Count<1>", extend("examples" = [3]))]
    pub kernel: usize,
    /// The step from one window to the next.
    #[serde(default = "super::spec::one")]
    #[schemars(with = "range::Count<1>")]
    pub stride: usize,
    /// The number of zeros on each side.
    #[serde(default = "super::spec::zero")]
    #[schemars(with = "range::Count<0>")]
    pub padding: usize,
    /// The step from one tap of the kernel to the next.
    #[serde(default = "super::spec::one")]
    #[schemars(with = "range::Count<1>")]
    pub dilation: usize,
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

impl Settings for Conv1dSpec {
    fn build(&self, sample: &[usize], _: &Path) -> std::result::Result<Box<dyn Module>, Unfit> {
        let inputs = channels::<1>(sample, SEQUENCES)?;
        let groups = divided(self.groups, inputs, self.out)?;
        let conv = Conv1d::new(inputs, self.out, self.kernel)
            .stride(self.stride)
            .padding(self.padding)
            .dilation(self.dilation)
            .groups(groups);
        Ok(match self.bias {
            true => with_channels::<1>(sample, conv),
            false => with_channels::<1>(sample, conv.without_bias()),
        })
    }

    fn init(&self) -> Option<&InitSpec> {
        self.init.as_ref()
    }
}

/// Groups that divide both numbers of channels.
pub(super) fn divided(
    groups: usize,
    inputs: usize,
    outputs: usize,
) -> std::result::Result<usize, String> {
    match groups > 0 && inputs.is_multiple_of(groups) && outputs.is_multiple_of(groups) {
        true => Ok(groups),
        false => Err(format!(
            "{inputs} input and {outputs} output channels do not both fall into {groups} groups"
        )),
    }
}
