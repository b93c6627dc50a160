//! What all convolution layers have in common: sizes, options and parameters.

use std::fmt;

use crate::graph::{Conv, Init};
use crate::nn::extent::Extent;
use crate::nn::{Module, Pair, Parameter, Visitor, init, traced};
use crate::{Shape, Source, Tensor};

/// A convolution of sequences or images, as the public layers wrap it. A sequence is an image of
/// height 1.
pub(in crate::nn) struct Convolution {
    inputs: usize,
    outputs: usize,
    /// The number of axes besides batch and channels.
    axes: usize,
    kernel: [usize; 2],
    direction: Direction,
    options: Conv,
    init: Option<Init>,
    weight: Parameter,
    bias: Option<Parameter>,
    source: Source,
}

/// Whether a layer computes a convolution or its transpose.
#[derive(Clone, Copy)]
pub(in crate::nn) enum Direction {
    /// A convolution. Its weight is `[outputs, inputs / groups, ..]`.
    Forward,
    /// A transposed convolution. Its weight is `[inputs, outputs / groups, ..]`.
    Transposed {
        /// The rows and columns that are added to the output's end.
        output_padding: [usize; 2],
    },
}

impl Convolution {
    /// Creates a layer with a bias and PyTorch's default options.
    #[track_caller]
    pub fn new<S: Extent>(
        inputs: usize,
        outputs: usize,
        kernel: S,
        direction: Direction,
    ) -> Convolution {
        Convolution {
            inputs,
            outputs,
            axes: S::AXES,
            kernel: kernel.over(1),
            direction,
            options: Conv::PLAIN,
            init: None,
            weight: Parameter::new([0], Init::Constant(0.0)),
            bias: Some(Parameter::new([outputs], Init::Constant(0.0))),
            source: Source::caller(),
        }
        .with_parameters()
    }

    /// Creates the parameters anew, for the current options.
    #[track_caller]
    fn with_parameters(mut self) -> Self {
        let (first, second) = match self.direction {
            Direction::Forward => (self.outputs, self.inputs),
            Direction::Transposed { .. } => (self.inputs, self.outputs),
        };
        let second = second / self.options.groups.max(1);
        let [kh, kw] = self.kernel;
        // PyTorch takes the second axis as the inputs of a transposed convolution, too.
        let default = || init::torch_linear(second.saturating_mul(kh).saturating_mul(kw));
        let sizes = self.kernel.get(2 - self.axes..).unwrap_or_default();
        let shape = [&[first, second], sizes].concat();
        let (weight, bias) = match &self.init {
            Some(init) => (init.clone(), Init::Constant(0.0)),
            None => (default(), default()),
        };
        self.weight = Parameter::new(shape, weight);
        self.bias = self.bias.map(|_| Parameter::new([self.outputs], bias));
        self
    }

    /// Sets the step from one window to the next.
    pub fn stride<S: Extent>(mut self, stride: S) -> Self {
        self.options.stride = stride.over(1);
        self
    }

    /// Sets the padding of each side.
    pub fn padding<S: Extent>(mut self, padding: S) -> Self {
        self.options.padding = padding.over(0);
        self
    }

    /// Sets the spacing between the elements of the kernel.
    pub fn dilation<S: Extent>(mut self, dilation: S) -> Self {
        self.options.dilation = dilation.over(1);
        self
    }

    /// Sets the number of groups of channels.
    #[track_caller]
    pub fn groups(mut self, groups: usize) -> Self {
        self.options.groups = groups;
        self.with_parameters()
    }

    /// Adds a bias, or removes it.
    pub fn bias(mut self, bias: bool) -> Self {
        self.bias = self.bias.filter(|_| bias);
        self
    }

    /// Sets the initialization of the weight. The bias is then initialized to 0.
    #[track_caller]
    pub fn init(mut self, weight: Init) -> Self {
        self.init = Some(weight);
        self.with_parameters()
    }

    /// Sets the rows and columns that a transposed convolution adds to the output's end.
    pub fn output_padding(mut self, output_padding: [usize; 2]) -> Self {
        self.direction = Direction::Transposed { output_padding };
        self
    }

    /// The layer's type, and the name of its op in errors.
    fn names(&self) -> (&'static str, &'static str) {
        match (self.direction, self.axes) {
            (Direction::Forward, 1) => ("Conv1d", "conv1d"),
            (Direction::Forward, _) => ("Conv2d", "conv2d"),
            (Direction::Transposed { .. }, _) => ("ConvTranspose2d", "conv_transpose2d"),
        }
    }

    /// A size as the layer's user gives it: one number for sequences.
    fn shown(&self, [height, width]: [usize; 2]) -> Pair {
        match self.axes {
            1 => Pair([width, width]),
            _ => Pair([height, width]),
        }
    }

    /// Returns why the layer does not take an input of this shape.
    fn check(&self, x: &Shape) -> Result<(), String> {
        let (inputs, outputs, groups) = (self.inputs, self.outputs, self.options.groups);
        if groups == 0 {
            return Err("there must be at least 1 group".to_string());
        }
        if inputs % groups != 0 || outputs % groups != 0 {
            return Err(format!(
                "{inputs} input and {outputs} output channels do not both fall into {groups} groups"
            ));
        }
        let axes = match self.axes {
            1 => "length",
            _ => "h, w",
        };
        if x.rank() != self.axes + 2 {
            return Err(format!(
                "the layer takes [n, {inputs}, {axes}], not {} axes",
                x.rank()
            ));
        }
        let channels = x.get(1).copied().unwrap_or(0);
        if channels != inputs {
            return Err(format!(
                "the layer takes [n, {inputs}, {axes}], but there are {channels} channels"
            ));
        }
        Ok(())
    }

    /// Returns the output's height and width, which the op of a transposed convolution needs.
    fn output_size(&self, x: &Tensor) -> Result<Option<[usize; 2]>, String> {
        self.check(&x.shape())?;
        match self.direction {
            Direction::Forward => Ok(None),
            Direction::Transposed { output_padding } => {
                let size = [x.dim(-2), x.dim(-1)];
                self.transposed_size(size, output_padding).map(Some)
            }
        }
    }

    /// Returns `(size - 1) stride - 2 padding + dilation (kernel - 1) + output_padding + 1` for
    /// both axes.
    fn transposed_size(&self, from: [usize; 2], added: [usize; 2]) -> Result<[usize; 2], String> {
        let mut to = [0; 2];
        for axis in 0..2 {
            let (stride, dilation) = (self.options.stride[axis], self.options.dilation[axis]);
            let (kernel, added) = (self.kernel[axis], added[axis]);
            if kernel == 0 || stride == 0 || dilation == 0 {
                return Err("kernel, stride and dilation must be at least 1".to_string());
            }
            if added >= stride && added > 0 {
                return Err(format!(
                    "the output padding is {added}, but must be smaller than the stride, {stride}"
                ));
            }
            let full = from[axis].checked_sub(1).map(|gaps| {
                let reach = dilation.saturating_mul(kernel - 1);
                gaps.saturating_mul(stride)
                    .saturating_add(reach)
                    .saturating_add(added + 1)
            });
            let cut = self.options.padding[axis].saturating_mul(2);
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

    /// Adds the bias to each channel of images.
    fn with_bias(&self, y: Tensor) -> Tensor {
        match &self.bias {
            Some(bias) if y.id().is_some() => &y + bias.tensor(&y).reshape([self.outputs, 1, 1]),
            _ => y,
        }
    }

    /// Computes the layer for images, and for sequences as images of height 1.
    fn convolved(&self, x: &Tensor, size: Option<[usize; 2]>) -> Tensor {
        let weight = self.weight.tensor(x);
        let image = |x: &Tensor| match self.axes {
            1 => x.unsqueeze(2),
            _ => x.clone(),
        };
        let weight = image(&weight);
        let y = match size {
            None => image(x).conv2d(&weight, self.options),
            Some(size) => image(x).conv_transpose2d(&weight, self.options, size),
        };
        match self.axes {
            1 => self.with_bias(y).squeeze(2),
            _ => self.with_bias(y),
        }
    }
}

/// The layer as the table of layers shows it: its sizes, and the options that are not the default.
impl fmt::Display for Convolution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, _) = self.names();
        let (inputs, outputs, kernel) = (self.inputs, self.outputs, self.shown(self.kernel));
        write!(f, "{name}({inputs}, {outputs}, {kernel}")?;
        let (options, plain) = (&self.options, Conv::PLAIN);
        let sizes = [
            ("stride", options.stride, plain.stride),
            ("padding", options.padding, plain.padding),
            ("dilation", options.dilation, plain.dilation),
        ];
        for (option, size, default) in sizes {
            if size != default {
                write!(f, ", {option} {}", self.shown(size))?;
            }
        }
        if options.groups != 1 {
            write!(f, ", groups {}", options.groups)?;
        }
        write!(f, ")")
    }
}

impl Module for Convolution {
    fn forward(&self, x: &Tensor) -> Tensor {
        if x.id().is_none() {
            return x.clone();
        }
        let layer = self.weight.layer(x);
        x.in_scope(layer, Some(self.source), |x| match self.output_size(x) {
            Ok(size) => traced(x, &self.to_string(), |x| self.convolved(x, size)),
            Err(reason) => x.record_error(self.names().1, reason, self.source),
        })
    }

    fn visit(&self, visitor: &mut Visitor) {
        visitor.parameter("weight", &self.weight);
        if let Some(bias) = &self.bias {
            visitor.parameter("bias", bias);
        }
    }
}

/// Implements the options of a layer that wraps a [`Convolution`], and [`Module`]. The
/// documentation of the stride and of the padding depends on the layer.
macro_rules! convolution_layer {
    (
        $layer:ident, $size:ty as $extent:ty;
        $(#[$stride:meta])* stride;
        $(#[$padding:meta])* padding;
    ) => {
        impl $layer {
            $(#[$stride])*
            pub fn stride(self, stride: $size) -> Self {
                $layer(self.0.stride::<$extent>(stride.into()))
            }

            $(#[$padding])*
            pub fn padding(self, padding: $size) -> Self {
                $layer(self.0.padding::<$extent>(padding.into()))
            }

            /// Sets the spacing between the elements of the kernel. Default: 1.
            pub fn dilation(self, dilation: $size) -> Self {
                $layer(self.0.dilation::<$extent>(dilation.into()))
            }

            /// Sets the number of groups, which must divide both numbers of channels. The output
            /// channels of a group read its input channels only. With as many groups as input
            /// channels the convolution is depthwise. Default: 1.
            #[track_caller]
            pub fn groups(self, groups: usize) -> Self {
                $layer(self.0.groups(groups))
            }

            /// Removes the bias.
            pub fn without_bias(self) -> Self {
                $layer(self.0.bias(false))
            }

            /// Sets the initialization of the weight. The bias is then initialized to 0, as in
            /// Keras.
            #[track_caller]
            pub fn init(self, weight: $crate::graph::Init) -> Self {
                $layer(self.0.init(weight))
            }
        }

        impl $crate::nn::Module for $layer {
            fn forward(&self, x: &$crate::Tensor) -> $crate::Tensor {
                self.0.forward(x)
            }

            fn visit(&self, visitor: &mut $crate::nn::Visitor) {
                self.0.visit(visitor);
            }
        }
    };
}

pub(in crate::nn) use convolution_layer;
