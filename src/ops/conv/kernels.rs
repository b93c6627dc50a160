//! Convolution on a GPU: products of matrices that the loaders read out of the images (implicit GEMM).
//!
//! | op | batch | rows | columns | added over |
//! |---|---|---|---|---|
//! | forward | image, group | output channel | output pixel | input channel, tap |
//! | input gradient | image, group | input channel | input pixel | output channel, flipped tap |
//! | weight gradient | group | output channel | input channel, tap | image, output pixel |
//!
//! Where there is padding, a first dispatch makes a padded copy of the images, so that the loaders
//! check no bounds.
//!
//! The input gradient of a convolution with a stride has that copy hold zeros between the elements of `dy`
//! (Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", 2016). Why not one product
//! for each phase of the stride instead: that saves the multiplications by these zeros, but their
//! outputs interleave, which the tail cannot store; and a stride is rare, a few layers of a network.

use crate::kernel::{Binding, Kernel, Operand, Variant, wgsl};
use crate::ops::matmul::{Matrix, Product, Sizes, View, Walk};
use crate::ops::{LowerContext, grid};

use super::Geometry;

/// Images, perhaps padded: where they lie, and the size of each channel.
struct Images {
    operand: Operand,
    size: [usize; 2],
    before: Vec<Kernel>,
    scratch: Vec<u64>,
}

impl Images {
    fn row(&self) -> isize {
        self.size[1] as isize
    }

    fn channel(&self) -> isize {
        (self.size[0] * self.size[1]) as isize
    }

    /// The input with its padding.
    fn padded_input(g: &Geometry, operand: Operand, cx: &LowerContext) -> Images {
        let padding = g.conv.padding;
        let size = [0, 1].map(|axis| g.size[axis] + 2 * padding[axis]);
        let planes = g.n * g.c * g.conv.groups;
        Images::padded(operand, (planes, g.size), (padding, [1, 1], size), cx)
    }

    /// The output with as much around it that every tap of a flipped kernel finds something. The first
    /// element is at a negative place where there is more padding than kernel.
    fn spread_output(g: &Geometry, operand: Operand, cx: &LowerContext) -> Images {
        let reach = |axis: usize| (g.kernel[axis] - 1) * g.conv.dilation[axis];
        let before = [0, 1].map(|axis| reach(axis).wrapping_sub(g.conv.padding[axis]));
        let size = [0, 1].map(|axis| g.size[axis] + reach(axis));
        let planes = g.n * g.m * g.conv.groups;
        let to = (before, g.conv.stride, size);
        Images::padded(operand, (planes, g.out), to, cx)
    }

    /// Each of `planes` images among zeros, or the images themselves where nothing changes.
    fn padded(
        operand: Operand,
        (planes, from): (usize, [usize; 2]),
        (before, step, size): ([usize; 2], [usize; 2], [usize; 2]),
        cx: &LowerContext,
    ) -> Images {
        if before == [0, 0] && from == size && (step == [1, 1] || from == [1, 1]) {
            return Images {
                operand,
                size,
                before: Vec::new(),
                scratch: Vec::new(),
            };
        }
        let count = planes * size[0] * size[1];
        let inverse = |n: usize| (1.0 / n.max(1) as f32).to_bits();
        let words = [from, size, before, step].concat();
        let mut params: Vec<u32> = words.iter().map(|&w| w as u32).collect();
        params.extend([size[0], size[1], step[0], step[1]].map(inverse));
        params.extend([count as u32, 0]);
        let kernel = Kernel {
            label: "conv_pad",
            parts: vec![wgsl!("lib/index"), wgsl!("lib/divide"), wgsl!("conv_pad")],
            overrides: vec![("WG", grid::LINEAR_WORKGROUP)],
            bindings: vec![
                Binding::Read(operand),
                Binding::Write(Operand::Scratch(0)),
                Binding::Uniform(params),
            ],
            workgroups: grid::linear(cx.limits, count),
        };
        Images {
            operand: Operand::Scratch(0),
            size,
            before: vec![kernel],
            scratch: vec![(count * 4) as u64],
        }
    }

    /// The product `a` times these images, read by `view`.
    fn product(
        self,
        cx: &LowerContext,
        s: Sizes,
        a: (Matrix, Operand),
        view: View,
    ) -> Vec<Variant> {
        let b = (Matrix::View(view), self.operand);
        Product {
            cx,
            s,
            a,
            b,
            before: self.before,
            scratch: self.scratch,
        }
        .variants()
    }
}

/// The walk over output pixels.
fn pixels(g: &Geometry, x: &Images) -> [(usize, isize); 2] {
    let [down, across] = g.conv.stride.map(|s| s as isize);
    [(g.out[0], down * x.row()), (g.out[1], across)]
}

/// The walk over the taps of a kernel.
fn taps(g: &Geometry, x: &Images) -> [(usize, isize); 2] {
    let [down, across] = g.conv.dilation.map(|d| d as isize);
    [(g.kernel[0], down * x.row()), (g.kernel[1], across)]
}

pub(super) fn forward(g: &Geometry, cx: &LowerContext) -> Vec<Variant> {
    let x = Images::padded_input(g, cx.inputs[0], cx);
    let groups = g.conv.groups;
    let s = Sizes {
        batch: g.n * groups,
        m: g.m,
        n: g.pixels(),
        k: g.c * g.taps(),
    };
    let weights = match groups {
        1 => Matrix::Stored {
            transposed: false,
            stride: 0,
        },
        _ => Matrix::View(View {
            offset: 0,
            z: Walk::new([(1, 0), (g.n, 0), (groups, (s.m * s.k) as isize)]),
            i: Walk::new([(1, 0), (1, 0), (s.m, s.k as isize)]),
            k: Walk::new([(1, 0), (1, 0), (s.k, 1)]),
        }),
    };
    let ([down, across], [p, q]) = (pixels(g, &x), taps(g, &x));
    let channel = x.channel();
    let view = View {
        offset: 0,
        z: Walk::new([(1, 0), (1, 0), (s.batch, g.c as isize * channel)]),
        i: Walk::new([(1, 0), down, across]),
        k: Walk::new([(g.c, channel), p, q]),
    };
    x.product(cx, s, (weights, cx.inputs[1]), view)
}

pub(super) fn input_grad(g: &Geometry, cx: &LowerContext) -> Vec<Variant> {
    let dy = Images::spread_output(g, cx.inputs[0], cx);
    let (groups, all_taps) = (g.conv.groups, g.taps());
    let s = Sizes {
        batch: g.n * groups,
        m: g.c,
        n: g.size[0] * g.size[1],
        k: g.m * all_taps,
    };
    let filter = (g.c * all_taps) as isize;
    let weights = View {
        offset: all_taps - 1,
        z: Walk::new([(1, 0), (g.n, 0), (groups, g.m as isize * filter)]),
        i: Walk::new([(1, 0), (1, 0), (g.c, all_taps as isize)]),
        k: Walk::new([(1, 0), (g.m, filter), (all_taps, -1)]),
    };
    let ([p, q], channel) = (taps(g, &dy), dy.channel());
    let view = View {
        offset: 0,
        z: Walk::new([(1, 0), (1, 0), (s.batch, g.m as isize * channel)]),
        i: Walk::new([(1, 0), (g.size[0], dy.row()), (g.size[1], 1)]),
        k: Walk::new([(g.m, channel), p, q]),
    };
    dy.product(cx, s, (Matrix::View(weights), cx.inputs[1]), view)
}

pub(super) fn weight_grad(g: &Geometry, cx: &LowerContext) -> Vec<Variant> {
    let x = Images::padded_input(g, cx.inputs[1], cx);
    let groups = g.conv.groups;
    let s = Sizes {
        batch: groups,
        m: g.m,
        n: g.c * g.taps(),
        k: g.n * g.pixels(),
    };
    let pixel_count = g.pixels() as isize;
    let image = (groups * g.m) as isize * pixel_count;
    let dy = View {
        offset: 0,
        z: Walk::new([(1, 0), (1, 0), (groups, g.m as isize * pixel_count)]),
        i: Walk::new([(1, 0), (1, 0), (g.m, pixel_count)]),
        k: Walk::new([(1, 0), (g.n, image), (g.pixels(), 1)]),
    };
    let ([down, across], [p, q]) = (pixels(g, &x), taps(g, &x));
    let channel = x.channel();
    let view = View {
        offset: 0,
        z: Walk::new([(1, 0), (1, 0), (groups, g.c as isize * channel)]),
        i: Walk::new([(g.c, channel), p, q]),
        k: Walk::new([(g.n, (groups * g.c) as isize * channel), down, across]),
    };
    x.product(cx, s, (Matrix::View(dy), cx.inputs[0]), view)
}
