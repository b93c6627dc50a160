//! Ops over images `[.., h, w]`: convolution, pooling, resampling.

#[cfg(doc)]
use super::Op;

/// See [`Op::Conv`]. The inputs are `x [n, c, h, w]` and weights `[oc, c / groups, kh, kw]`; the
/// result is `[n, oc, oh, ow]`. Pairs are height and width.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Conv {
    /// The distance between windows, at least 1.
    pub stride: [usize; 2],
    /// The number of zeros before the first element and after the last one.
    pub padding: [usize; 2],
    /// The distance between the taps of a window, at least 1.
    pub dilation: [usize; 2],
    /// The number of groups of channels. Each output channel uses only the input channels of its
    /// group.
    pub groups: usize,
}

/// See [`Op::ConvInputGrad`]. The inputs are `dy [n, oc, oh, ow]` and the weights; the result is
/// `dx [n, c, h, w]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConvInputGrad {
    /// The convolution.
    pub conv: Conv,
    /// The height and width of its input. They are required because several sizes give the same
    /// output.
    pub size: [usize; 2],
}

/// See [`Op::ConvWeightGrad`]. The inputs are `dy [n, oc, oh, ow]` and `x [n, c, h, w]`; the result
/// is `dw [oc, c / groups, kh, kw]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConvWeightGrad {
    /// The convolution.
    pub conv: Conv,
    /// The height and width of its kernel. They are required because several sizes give the same
    /// output.
    pub kernel: [usize; 2],
}

/// See [`Op::MaxPool`]. The input is `[.., h, w]`; the result is `[.., oh, ow]`. Pairs are height
/// and width.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MaxPool {
    /// The size of a window.
    pub kernel: [usize; 2],
    /// The distance between windows, at least 1.
    pub stride: [usize; 2],
    /// The padding before the first element and after the last one, which is never the maximum.
    pub padding: [usize; 2],
    /// The spacing between the elements of a window, at least 1.
    pub dilation: [usize; 2],
}

/// See [`Op::MaxPoolGrad`]. The inputs are `x [.., h, w]` and `dy [.., oh, ow]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MaxPoolGrad {
    /// The pooling.
    pub pool: MaxPool,
}

/// The kind of a resampling. Pairs are height and width.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Resampling {
    /// The mean of each window.
    Average {
        /// The size of a window.
        kernel: [usize; 2],
        /// The distance between windows, at least 1.
        stride: [usize; 2],
        /// The number of zeros before the first element and after the last one.
        padding: [usize; 2],
        /// Whether these zeros count as elements in the mean.
        count_padding: bool,
    },
    /// The mean of a given number of windows of nearly equal sizes, which overlap if necessary.
    Adaptive {
        /// The number of windows.
        to: [usize; 2],
    },
    /// Nearest-neighbor interpolation.
    Nearest {
        /// The output size.
        to: [usize; 2],
    },
    /// Bilinear interpolation.
    Linear {
        /// The output size.
        to: [usize; 2],
        /// Whether the centers of the first and last elements keep their positions, instead of the
        /// borders of the images.
        align_corners: bool,
    },
}

/// See [`Op::Resample`]. The input is `[.., h, w]`; the result is `[.., oh, ow]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Resample {
    /// The kind of the resampling.
    pub kind: Resampling,
}

/// See [`Op::ResampleGrad`]. The input is `dy [.., oh, ow]`; the result is `dx [.., h, w]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ResampleGrad {
    /// The kind of the resampling.
    pub kind: Resampling,
    /// The height and width of the resampled images.
    pub size: [usize; 2],
}
