//! Convolution on a GPU: products of matrices that the loaders read from the images (implicit
//! GEMM).
//!
//! | op | batch | rows | columns | sum over |
//! |---|---|---|---|---|
//! | forward | image, group | output channel | output pixel | input channel, tap |
//! | input gradient | image, group | input channel | input pixel | output channel, flipped tap |
//! | weight gradient | group | output channel | input channel, tap | image, output pixel |
//!
//! If there is padding, a first dispatch makes a padded copy of the images, so that the loaders
//! check no bounds. The input gradient has another dispatch that rotates its weights by 180
//! degrees, so that it is the same product as forward. If a group has so few channels that a tile
//! would be mostly empty, as in a depthwise convolution, `conv_direct` computes it without a
//! matrix.
//!
//! For the input gradient of a convolution with a stride, that copy has zeros between the elements
//! of `dy` (Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", 2016). One
//! product for each phase of the stride would avoid the multiplications by these zeros. But their
//! outputs interleave, which the epilogue cannot store, and only a few layers of a network have a
//! stride.

use crate::kernel::Variant;
use crate::ops::LowerContext;
use crate::ops::matmul::{Matrix, Product, Sizes, View, Walk};

use super::Geometry;
use super::correlate::{Correlation, Weights};
use super::images::Images;

pub(super) fn forward(g: &Geometry, cx: &LowerContext) -> Vec<Variant> {
    let x = Images::padded_input(g, cx.inputs[0], cx);
    let correlation = Correlation {
        n: g.n,
        groups: g.conv.groups,
        c: g.c,
        m: g.m,
        kernel: g.kernel,
        stride: g.conv.stride,
        dilation: g.conv.dilation,
        out: g.out,
    };
    x.correlate(&correlation, Weights::stored(cx.inputs[1], false), cx)
}

pub(super) fn input_grad(g: &Geometry, cx: &LowerContext) -> Vec<Variant> {
    let dy = Images::spread_output(g, cx.inputs[0], cx);
    let weights = match (g.taps(), g.conv.groups) {
        // Nothing to rotate; the weights are stored as the transpose.
        (1, 1) => Weights::stored(cx.inputs[1], true),
        _ => Weights::flipped(g, cx.inputs[1], dy.scratch.len(), cx),
    };
    let correlation = Correlation {
        n: g.n,
        groups: g.conv.groups,
        c: g.m,
        m: g.c,
        kernel: g.kernel,
        stride: [1, 1],
        dilation: g.conv.dilation,
        out: g.size,
    };
    dy.correlate(&correlation, weights, cx)
}

pub(super) fn weight_grad(g: &Geometry, cx: &LowerContext) -> Vec<Variant> {
    let x = Images::padded_input(g, cx.inputs[1], cx);
    let groups = g.conv.groups;
    let pixels = g.pixels() as isize;
    let dy = View {
        offset: 0,
        z: Walk::new([(1, 0), (1, 0), (groups, g.m as isize * pixels)]),
        i: Walk::new([(1, 0), (1, 0), (g.m, pixels)]),
        k: Walk::new([
            (1, 0),
            (g.n, (groups * g.m) as isize * pixels),
            (g.pixels(), 1),
        ]),
    };
    let channel = x.channel();
    let image = (groups * g.c) as isize * channel;
    let view = View {
        offset: 0,
        z: Walk::new([(1, 0), (1, 0), (groups, g.c as isize * channel)]),
        i: x.walk((g.c, channel), g.kernel, g.conv.dilation),
        k: x.walk((g.n, image), g.out, g.conv.stride),
    };
    let product = Product {
        cx,
        s: Sizes {
            batch: groups,
            m: g.m,
            n: g.c * g.taps(),
            k: g.n * g.pixels(),
        },
        a: (Matrix::View(dy), cx.inputs[0]),
        b: (Matrix::View(view), x.operand),
        before: x.before,
        scratch: x.scratch,
        small_first: g.m < 4,
    };
    product.variants()
}
