//! Convolution layers.

mod convolution;
mod spec;

pub(in crate::nn) use convolution::{Convolution, Direction, convolution_layer};
pub use spec::{Conv1dSpec, Conv2dSpec};

use super::Pair;

/// A convolution layer for images `[n, inputs, h, w]`.
///
/// The output is `[n, outputs, oh, ow]` with
/// `oh = (h + 2 padding - dilation (kernel - 1) - 1) / stride + 1`, rounded down, and `ow` computed
/// likewise.
///
/// The parameters are `weight [outputs, inputs / groups, kh, kw]` and `bias [outputs]`, initialized
/// as in PyTorch.
///
/// # Errors
///
/// Compiling fails if the kernel is larger than the padded image, if a stride, a dilation or the
/// number of groups is 0, or if the groups do not divide both numbers of channels.
///
/// # Example
///
/// ```
/// use wgrad::{Device, Trainer, loss, nn};
///
/// # fn main() -> wgrad::Result<()> {
/// // Halves the height and the width.
/// let conv = nn::Conv2d::new(1, 8, 3).stride(2).padding(1);
/// let trainer = Trainer::new(conv).loss(loss::Mse).compile_for(&Device::cpu(), [1, 28, 28])?;
/// assert_eq!(trainer.summary().output.shape.dims()[1..], [8, 14, 14]);
/// # Ok(())
/// # }
/// ```
pub struct Conv2d(Convolution);

impl Conv2d {
    /// Creates a layer with a bias. The kernel is `3` or `[3, 5]`.
    #[track_caller]
    pub fn new(inputs: usize, outputs: usize, kernel: impl Into<Pair>) -> Self {
        let direction = Direction::Forward;
        Conv2d(Convolution::new(inputs, outputs, kernel.into(), direction))
    }
}

convolution_layer! {
    Conv2d, impl Into<Pair> as Pair;
    /// Sets the step from one window to the next, in pixels. Default: 1.
    stride;
    /// Sets the number of zeros on each side. Default: 0.
    padding;
}

/// A convolution layer for sequences `[n, inputs, length]`.
///
/// The output is `[n, outputs, ol]` with
/// `ol = (length + 2 padding - dilation (kernel - 1) - 1) / stride + 1`, rounded down. The
/// parameters are `weight [outputs, inputs / groups, kernel]` and `bias [outputs]`, initialized as
/// in PyTorch. Errors are those of a [`Conv2d`].
///
/// # Example
///
/// ```
/// use wgrad::{Device, Trainer, loss, nn};
///
/// # fn main() -> wgrad::Result<()> {
/// // A depthwise convolution of 4 channels, which keeps the length.
/// let conv = nn::Conv1d::new(4, 4, 5).padding(2).groups(4);
/// let trainer = Trainer::new(conv).loss(loss::Mse).compile_for(&Device::cpu(), [4, 100])?;
/// assert_eq!(trainer.summary().output.shape.dims()[1..], [4, 100]);
/// # Ok(())
/// # }
/// ```
pub struct Conv1d(Convolution);

impl Conv1d {
    /// Creates a layer with a bias.
    #[track_caller]
    pub fn new(inputs: usize, outputs: usize, kernel: usize) -> Self {
        let direction = Direction::Forward;
        Conv1d(Convolution::new(inputs, outputs, kernel, direction))
    }
}

convolution_layer! {
    Conv1d, usize as usize;
    /// Sets the step from one window to the next. Default: 1.
    stride;
    /// Sets the number of zeros on each side. Default: 0.
    padding;
}
