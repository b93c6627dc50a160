//! What pooling layers have in common: windows, options and the way they are traced.

mod ceil;

use crate::graph::{MaxPool, Resampling};
use crate::{Source, Tensor};

use super::extent::Extent;
use super::{Module, Pair, traced};

/// A pooling layer for sequences or images, as the public layers wrap it. A sequence is an image of
/// height 1.
pub(super) struct Pooling {
    reduction: Reduction,
    /// The number of axes of a sample besides the channels.
    axes: usize,
    windows: Windows,
    ceil_mode: bool,
    source: Source,
}

/// The windows of an image, for its height and its width.
#[derive(Clone, Copy)]
struct Windows {
    kernel: [usize; 2],
    stride: [usize; 2],
    padding: [usize; 2],
    dilation: [usize; 2],
}

/// What is computed of each window.
#[derive(Clone, Copy)]
pub(super) enum Reduction {
    /// The maximum.
    Max,
    /// The mean.
    Average {
        /// Whether the zeros of the padding count as elements.
        count_padding: bool,
    },
}

impl Pooling {
    /// Creates a layer whose windows do not overlap, without padding.
    #[track_caller]
    pub fn new<S: Extent>(reduction: Reduction, kernel: S) -> Self {
        let kernel = kernel.over(1);
        Pooling {
            reduction,
            axes: S::AXES,
            windows: Windows {
                kernel,
                stride: kernel,
                padding: [0, 0],
                dilation: [1, 1],
            },
            ceil_mode: false,
            source: Source::caller(),
        }
    }

    /// Sets the step from one window to the next.
    pub fn stride<S: Extent>(mut self, stride: S) -> Self {
        self.windows.stride = stride.over(1);
        self
    }

    /// Sets the padding of each side.
    pub fn padding<S: Extent>(mut self, padding: S) -> Self {
        self.windows.padding = padding.over(0);
        self
    }

    /// Sets the spacing between the elements of a window.
    pub fn dilation<S: Extent>(mut self, dilation: S) -> Self {
        self.windows.dilation = dilation.over(1);
        self
    }

    /// Sets whether the number of windows is rounded up.
    pub fn ceil_mode(mut self, ceil_mode: bool) -> Self {
        self.ceil_mode = ceil_mode;
        self
    }

    /// Sets whether the zeros of the padding count in a mean.
    pub fn count_padding(mut self, count_padding: bool) -> Self {
        if let Reduction::Average { .. } = self.reduction {
            self.reduction = Reduction::Average { count_padding };
        }
        self
    }

    /// The layer as the table of layers shows it.
    fn kind(&self) -> String {
        let name = match self.reduction {
            Reduction::Max => "MaxPool",
            Reduction::Average { .. } => "AvgPool",
        };
        let [height, width] = self.windows.kernel;
        let kernel = match self.axes {
            1 => Pair([width, width]),
            _ => Pair([height, width]),
        };
        format!("{name}{}d({kernel})", self.axes)
    }

    /// Pools the last two axes.
    fn pooled(&self, x: &Tensor) -> Tensor {
        let Windows {
            kernel,
            stride,
            padding,
            dilation,
        } = self.windows;
        match self.reduction {
            Reduction::Max => {
                let pool = MaxPool {
                    kernel,
                    stride,
                    padding,
                    dilation,
                };
                match self.ceil_mode {
                    true => self.windows.padded_for_max(x).max_pool2d(pool),
                    false => x.max_pool2d(pool),
                }
            }
            Reduction::Average { count_padding } => {
                let mean = |x: &Tensor, count_padding: bool| {
                    x.resample(Resampling::Average {
                        kernel,
                        stride,
                        padding,
                        count_padding,
                    })
                };
                match self.ceil_mode {
                    true => self.windows.mean(x, count_padding, mean),
                    false => mean(x, count_padding),
                }
            }
        }
    }
}

impl Module for Pooling {
    fn forward(&self, x: &Tensor) -> Tensor {
        traced_layer(x, self.source, &self.kind(), |x| match self.axes {
            1 => self.pooled(&x.unsqueeze(-2)).squeeze(-2),
            _ => self.pooled(x),
        })
    }
}

/// Traces a layer without parameters. Its errors name the line that created the layer.
pub(super) fn traced_layer(
    x: &Tensor,
    source: Source,
    kind: &str,
    f: impl FnOnce(&Tensor) -> Tensor,
) -> Tensor {
    let scope = Some(x.graph().scope_name());
    x.in_scope(scope, Some(source), |x| traced(x, kind, f))
}

/// Implements the options that all layers around a [`Pooling`] have, and [`Module`]. The
/// documentation of the padding and of windows that reach beyond it depends on the layer.
macro_rules! pooling_layer {
    (
        $layer:ident, $size:ty as $extent:ty;
        $(#[$padding:meta])* padding;
        $(#[$ceil_mode:meta])* ceil_mode;
    ) => {
        impl $layer {
            /// Sets the step from one window to the next. Default: the size of the window.
            pub fn stride(self, stride: $size) -> Self {
                $layer(self.0.stride::<$extent>(stride.into()))
            }

            $(#[$padding])*
            pub fn padding(self, padding: $size) -> Self {
                $layer(self.0.padding::<$extent>(padding.into()))
            }

            $(#[$ceil_mode])*
            pub fn ceil_mode(self) -> Self {
                $layer(self.0.ceil_mode(true))
            }
        }

        impl $crate::nn::Module for $layer {
            fn forward(&self, x: &$crate::Tensor) -> $crate::Tensor {
                self.0.forward(x)
            }
        }
    };
}

pub(super) use pooling_layer;
