//! Max-pooling layers.

use crate::graph::MaxPool;
use crate::{Source, Tensor};

use super::avg_pool::layer;
use super::{Module, Pair};

/// The largest of each window: takes `[n, c, h, w]` (or any `[.., h, w]`), gives `[n, c, oh, ow]` with
/// `oh = (h + 2 padding - dilation (kernel - 1) - 1) / stride + 1`, rounded down, and `ow` alike.
pub struct MaxPool2d {
    pool: MaxPool,
    source: Source,
}

impl MaxPool2d {
    /// Windows of this size (`2` or `[2, 3]`) beside each other.
    #[track_caller]
    pub fn new(kernel: impl Into<Pair>) -> Self {
        let kernel = kernel.into().0;
        MaxPool2d {
            pool: MaxPool {
                kernel,
                stride: kernel,
                padding: [0, 0],
                dilation: [1, 1],
            },
            source: Source::caller(),
        }
    }

    /// Pixels from one window to the next; the window's size where this is not called.
    pub fn stride(mut self, stride: impl Into<Pair>) -> Self {
        self.pool.stride = stride.into().0;
        self
    }

    /// Pixels around the image that are never the largest, at most half a window; none where this is not
    /// called.
    pub fn padding(mut self, padding: impl Into<Pair>) -> Self {
        self.pool.padding = padding.into().0;
        self
    }

    /// Pixels from one of a window to its next; 1 where this is not called.
    pub fn dilation(mut self, dilation: impl Into<Pair>) -> Self {
        self.pool.dilation = dilation.into().0;
        self
    }
}

impl Module for MaxPool2d {
    fn forward(&self, x: &Tensor) -> Tensor {
        let kind = format!("MaxPool2d({})", Pair(self.pool.kernel));
        layer(x, self.source, &kind, |x| x.max_pool2d(self.pool))
    }
}

/// The largest of each window of sequences: takes `[n, c, length]`, gives `[n, c, ol]`; see [`MaxPool2d`].
pub struct MaxPool1d {
    pool: MaxPool,
    source: Source,
}

impl MaxPool1d {
    /// Windows of this length beside each other.
    #[track_caller]
    pub fn new(kernel: usize) -> Self {
        MaxPool1d {
            pool: MaxPool {
                kernel: [1, kernel],
                stride: [1, kernel],
                padding: [0, 0],
                dilation: [1, 1],
            },
            source: Source::caller(),
        }
    }

    /// Elements from one window to the next; the window's length where this is not called.
    pub fn stride(mut self, stride: usize) -> Self {
        self.pool.stride[1] = stride;
        self
    }

    /// See [`MaxPool2d::padding`].
    pub fn padding(mut self, padding: usize) -> Self {
        self.pool.padding[1] = padding;
        self
    }

    /// See [`MaxPool2d::dilation`].
    pub fn dilation(mut self, dilation: usize) -> Self {
        self.pool.dilation[1] = dilation;
        self
    }
}

impl Module for MaxPool1d {
    fn forward(&self, x: &Tensor) -> Tensor {
        let kind = format!("MaxPool1d({})", self.pool.kernel[1]);
        layer(x, self.source, &kind, |x| {
            x.unsqueeze(-2).max_pool2d(self.pool).squeeze(-2)
        })
    }
}
