//! Pooling whose number of windows is rounded up: PyTorch's `ceil_mode=True`.
//!
//! The image gets elements after its last ones, so that one window more fits; a mean is then put right by how much
//! of each window counts.

use crate::Tensor;
use crate::ops::PadMode;

/// The windows of an image, for its height and its width.
pub(super) struct Windows {
    pub kernel: [usize; 2],
    pub stride: [usize; 2],
    pub padding: [usize; 2],
    pub dilation: [usize; 2],
}

impl Windows {
    /// The last two sizes, of a tensor that has them.
    fn image(x: &Tensor) -> Option<[usize; 2]> {
        match x.shape().dims() {
            [.., h, w] if x.id().is_some() => Some([*h, *w]),
            _ => None,
        }
    }

    /// Elements to append to each axis. None where the windows fit, and none for a window that would begin in the
    /// padding after the image: PyTorch leaves it out.
    fn beyond(&self, image: [usize; 2]) -> [usize; 2] {
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

    /// The image with what is to be appended, which is never the largest.
    pub fn for_max(&self, x: &Tensor) -> Tensor {
        let beyond = Self::image(x).map_or([0, 0], |image| self.beyond(image));
        if beyond == [0, 0] {
            return x.clone();
        }
        let widths = beyond.map(|n| (0, n));
        match self.dilation {
            // The border is in the last window anyway.
            [1, 1] => x.pad(&widths, PadMode::Replicate),
            _ => x.pad(&widths, PadMode::Constant(f64::from(f32::MIN))),
        }
    }

    /// The means over windows, `mean` being that over whole ones, where the padding's zeros count or not.
    pub fn mean(&self, x: &Tensor, counts: bool, mean: impl Fn(&Tensor, bool) -> Tensor) -> Tensor {
        let Some(image) = Self::image(x) else {
            return mean(x, counts);
        };
        let beyond = self.beyond(image);
        if beyond == [0, 0] {
            return mean(x, counts);
        }
        let y = mean(
            &x.pad(&beyond.map(|n| (0, n)), PadMode::Constant(0.0)),
            true,
        );
        let Some(sizes) = Self::image(&y) else {
            return y;
        };
        // Of each window the share that counts, along each axis.
        let [rows, columns] = [0, 1].map(|i| {
            let (kernel, padding) = (self.kernel[i] as f64, self.padding[i] as f64);
            let size = image[i] as f64;
            let start = y.arange(0.0, sizes[i] as f64, 1.0) * self.stride[i] as f64 - padding;
            let end = &start + kernel;
            let counted = match counts {
                true => end.clamp_max(size + padding) - start,
                false => end.clamp_max(size) - start.clamp_min(0.0),
            };
            kernel / counted
        });
        y * rows.unsqueeze(-1) * columns
    }
}
