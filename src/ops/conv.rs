//! Convolution over two axes, and its gradients.
//!
//! `y[n, o, i, j] = sum over c, p, q of x[n, c, i s + p d - pad, j s' + q d' - pad'] w[o, c, p, q]`,
//! f32, where `x` is 0 out of bounds and `c` goes over the channels of the group of `o`. The inputs
//! are `x [n, c, h, w]` and `w [oc, c / groups, kh, kw]`; the result is `y [n, oc, oh, ow]`.
//!
//! There are three ops: [`Conv`], [`ConvInputGrad`](crate::graph::ConvInputGrad) (which is also the
//! transposed convolution) and [`ConvWeightGrad`](crate::graph::ConvWeightGrad). Each is linear in
//! both of its inputs, so their gradients are ops of the same kinds. Each is a product of matrices
//! that are never stored. On a GPU, the loaders of the product's kernels read the matrices from the
//! images (`kernels`). On the CPU, one strip of them is copied at a time (`cpu`).

mod correlate;
mod cpu;
mod forward;
mod geometry;
mod images;
mod input_grad;
mod kernels;
mod weight_grad;

use crate::graph::{Conv, ConvInputGrad, Op};
use crate::{Source, Tensor};

use geometry::Geometry;
pub(super) use geometry::windows;

impl Conv {
    /// A convolution with stride 1, no padding, no dilation and one group.
    pub const PLAIN: Conv = Conv {
        stride: [1, 1],
        padding: [0, 0],
        dilation: [1, 1],
        groups: 1,
    };
}

impl Tensor {
    /// Computes the convolution of images `self [n, c, h, w]` with
    /// `weight [oc, c / groups, kh, kw]`. Returns `[n, oc, oh, ow]`.
    #[track_caller]
    pub fn conv2d(&self, weight: &Tensor, conv: Conv) -> Tensor {
        Tensor::apply(Op::Conv(conv), &[self, weight], Source::caller())
    }

    /// Computes the transpose of [`conv2d`](Tensor::conv2d), from `self [n, oc, oh, ow]` to
    /// `[n, c, h, w]`, where `size` is `[h, w]`.
    #[track_caller]
    pub fn conv_transpose2d(&self, weight: &Tensor, conv: Conv, size: [usize; 2]) -> Tensor {
        let op = Op::ConvInputGrad(ConvInputGrad { conv, size });
        Tensor::apply(op, &[self, weight], Source::caller())
    }
}
