//! Pooling whose number of windows is rounded up: PyTorch's `ceil_mode=True`.
//!
//! The image is padded at its end so that one more window fits. A mean is then multiplied by the
//! size of the window over the number of its elements that count.

use super::Windows;
use crate::Tensor;
use crate::ops::PadMode;

impl Windows {
    /// Returns the last two sizes of a tensor that has two or more axes.
    fn image(x: &Tensor) -> Option<[usize; 2]> {
        match x.shape().dims() {
            [.., h, w] if x.id().is_some() => Some([*h, *w]),
            _ => None,
        }
    }

    /// Returns the number of elements to append to each axis. It is 0 if the windows fit, or if the
    /// next window would begin in the padding at the end, which PyTorch omits.
    fn appended(&self, image: [usize; 2]) -> [usize; 2] {
        [0, 1].map(|i| {
            let (size, stride, padding) = (image[i], self.stride[i], self.padding[i]);
            let reach = self.kernel[i]
                .saturating_sub(1)
                .saturating_mul(self.dilation[i]);
            let last = size.saturating_add(padding.saturating_mul(2));
            let Some(room) = last
                .checked_sub(reach.saturating_add(1))
                .filter(|_| stride > 0)
            else {
                return 0;
            };
            let start = (room / stride + 1).saturating_mul(stride);
            match room % stride {
                0 => 0,
                _ if start >= size.saturating_add(padding) => 0,
                rest => stride - rest,
            }
        })
    }

    /// Returns the image with appended elements that never exceed the maximum of their window.
    pub fn padded_for_max(&self, x: &Tensor) -> Tensor {
        let appended = Self::image(x).map_or([0, 0], |image| self.appended(image));
        if appended == [0, 0] {
            return x.clone();
        }
        let widths = appended.map(|n| (0, n));
        match self.dilation {
            // The last window contains the border anyway.
            [1, 1] => x.pad(&widths, PadMode::Replicate),
            _ => x.pad(&widths, PadMode::Constant(f64::NEG_INFINITY)),
        }
    }

    /// Returns the means of the windows. `mean` computes those of whole windows, in which the zeros
    /// of the padding count or not.
    pub fn mean(
        &self,
        x: &Tensor,
        count_padding: bool,
        mean: impl Fn(&Tensor, bool) -> Tensor,
    ) -> Tensor {
        let Some(image) = Self::image(x) else {
            return mean(x, count_padding);
        };
        let appended = self.appended(image);
        if appended == [0, 0] {
            return mean(x, count_padding);
        }
        let widths = appended.map(|n| (0, n));
        let y = mean(&x.pad(&widths, PadMode::Constant(0.0)), true);
        let Some(sizes) = Self::image(&y) else {
            return y;
        };
        // The size of a window over the number of its elements that count, along each axis.
        let [rows, columns] = [0, 1].map(|i| {
            let (kernel, padding) = (self.kernel[i] as f64, self.padding[i] as f64);
            let size = image[i] as f64;
            let start = y.arange(0.0, sizes[i] as f64, 1.0) * self.stride[i] as f64 - padding;
            let end = &start + kernel;
            let counted = match count_padding {
                true => end.clamp_max(size + padding) - start,
                false => end.clamp_max(size) - start.clamp_min(0.0),
            };
            kernel / counted
        });
        y * rows.unsqueeze(-1) * columns
    }
}
