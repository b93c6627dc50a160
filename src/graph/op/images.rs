//! Ops over images `[.., h, w]`: convolution, pooling, resampling.

#[cfg(doc)]
use super::Op;

/// See [`Op::Conv`]: inputs `x [n, c, h, w]` and weights `[oc, c / groups, kh, kw]`; gives
/// `[n, oc, oh, ow]`. Pairs are of the height and the width.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Conv {
    /// Elements from one window to the next, at least 1.
    pub stride: [usize; 2],
    /// Zeros before the first element and after the last.
    pub padding: [usize; 2],
    /// Elements from one tap of a window to the next, at least 1.
    pub dilation: [usize; 2],
    /// Parts that the channels fall into: each output channel sees the input channels of its part.
    pub groups: usize,
}

/// See [`Op::ConvInputGrad`]: inputs `dy [n, oc, oh, ow]` and weights; gives `dx [n, c, h, w]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConvInputGrad {
    /// The convolution.
    pub conv: Conv,
    /// Its input's height and width, which several have the same output for.
    pub size: [usize; 2],
}

/// See [`Op::ConvWeightGrad`]: inputs `dy [n, oc, oh, ow]` and `x [n, c, h, w]`; gives
/// `dw [oc, c / groups, kh, kw]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConvWeightGrad {
    /// The convolution.
    pub conv: Conv,
    /// Its kernel's height and width, which several have the same output for.
    pub kernel: [usize; 2],
}

/// See [`Op::MaxPool`]: input `[.., h, w]`; gives `[.., oh, ow]`. Pairs are of the height and the width.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MaxPool {
    /// The size of a window.
    pub kernel: [usize; 2],
    /// Elements from one window to the next, at least 1.
    pub stride: [usize; 2],
    /// Elements before the first and after the last that are never the largest.
    pub padding: [usize; 2],
    /// Elements from one of a window to its next, at least 1.
    pub dilation: [usize; 2],
}

/// See [`Op::MaxPoolGrad`]: inputs `x [.., h, w]` and `dy [.., oh, ow]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MaxPoolGrad {
    /// The pooling.
    pub pool: MaxPool,
}

/// How an axis of an image is resampled. Pairs are of the height and the width.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Resampling {
    /// The mean of each window.
    Average {
        /// The size of a window.
        kernel: [usize; 2],
        /// Elements from one window to the next, at least 1.
        stride: [usize; 2],
        /// Zeros before the first element and after the last.
        padding: [usize; 2],
        /// Whether these zeros count as elements.
        count_padding: bool,
    },
    /// The mean of windows of even sizes, as many as wanted, which overlap where they must.
    Adaptive {
        /// How many.
        to: [usize; 2],
    },
    /// The element that covers each place.
    Nearest {
        /// The size wanted.
        to: [usize; 2],
    },
    /// Linear between the neighbours of each place.
    Linear {
        /// The size wanted.
        to: [usize; 2],
        /// Whether the places of the first and the last elements stay, instead of the images' borders.
        align_corners: bool,
    },
}

/// See [`Op::Resample`]: input `[.., h, w]`; gives `[.., oh, ow]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Resample {
    /// How.
    pub kind: Resampling,
}

/// See [`Op::ResampleGrad`]: input `dy [.., oh, ow]`; gives `dx [.., h, w]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ResampleGrad {
    /// How.
    pub kind: Resampling,
    /// The height and width of what was resampled.
    pub size: [usize; 2],
}
