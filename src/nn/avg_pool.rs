//! Average-pooling layers.

use crate::graph::Resampling;
use crate::{Source, Tensor};

use super::{Module, Pair, traced};

/// The mean of each window: takes `[n, c, h, w]` (or any `[.., h, w]`), gives `[n, c, oh, ow]` with
/// `oh = (h + 2 padding - kernel) / stride + 1`, rounded down, and `ow` alike.
pub struct AvgPool2d {
    kernel: [usize; 2],
    stride: [usize; 2],
    padding: [usize; 2],
    count_padding: bool,
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

    fn kind(&self) -> Resampling {
        Resampling::Average {
            kernel: self.kernel,
            stride: self.stride,
            padding: self.padding,
            count_padding: self.count_padding,
        }
    }
}

impl Module for AvgPool2d {
    fn forward(&self, x: &Tensor) -> Tensor {
        let name = format!("AvgPool2d({})", Pair(self.kernel));
        layer(x, self.source, &name, |x| x.resample(self.kind()))
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

    /// See [`AvgPool2d::without_counting_padding`].
    pub fn without_counting_padding(self) -> Self {
        AvgPool1d(self.0.without_counting_padding())
    }
}

impl Module for AvgPool1d {
    fn forward(&self, x: &Tensor) -> Tensor {
        let name = format!("AvgPool1d({})", self.0.kernel[1]);
        layer(x, self.0.source, &name, |x| {
            x.unsqueeze(-2).resample(self.0.kind()).squeeze(-2)
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

/// Traces a layer without parameters, whose mistakes are those of the line that made it.
pub(super) fn layer(
    x: &Tensor,
    source: Source,
    kind: &str,
    f: impl FnOnce(&Tensor) -> Tensor,
) -> Tensor {
    let scope = Some(x.graph().scope_name());
    x.in_scope(scope, Some(source), |x| traced(x, kind, f))
}
