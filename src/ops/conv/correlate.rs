//! The correlation of images with weights: the product that forward and input gradient share.

use crate::kernel::{
    Binding, Kernel, Operand, Variant, add_parts, emit_epilogue, prelude, stored, wgsl,
};
use crate::ops::matmul::{Matrix, Product, Sizes, View, Walk, store};
use crate::ops::{LowerContext, grid};

use super::Geometry;
use super::images::{Images, inverse};

impl Images {
    /// Returns the kernels for the products of these images with weights `[groups, m, c, kh, kw]`,
    /// in windows that are `stride` apart.
    pub fn correlate(self, g: &Correlation, weights: Weights, cx: &LowerContext) -> Vec<Variant> {
        let Correlation { c, m, groups, .. } = *g;
        let s = Sizes {
            batch: g.n * groups,
            m,
            n: g.out[0] * g.out[1],
            k: c * g.kernel[0] * g.kernel[1],
        };
        let matrix = weights.matrix(g, s);
        let before = [&self.before[..], &weights.before].concat();
        let scratch = [&self.scratch[..], &weights.scratch].concat();
        let channel = self.channel();
        let view = View {
            offset: 0,
            z: Walk::new([(1, 0), (1, 0), (s.batch, c as isize * channel)]),
            i: self.walk((1, 0), g.out, g.stride),
            k: self.walk((c, channel), g.kernel, g.dilation),
        };
        let product = Product {
            cx,
            s,
            a: (matrix, weights.operand),
            b: (Matrix::View(view), self.operand),
            before,
            scratch,
            small_first: false,
        };
        let mut variants = product.variants();
        // With so few rows, a tile is mostly empty.
        if m < 4 && !weights.transposed && !product.is_split() {
            variants.splice(0..0, self.direct(g, &product));
        }
        variants
    }

    /// Computes `product` without a matrix.
    fn direct(&self, g: &Correlation, product: &Product) -> Option<Variant> {
        let width = if g.out[1].is_multiple_of(4) { 4 } else { 1 };
        let epilogue = product.cx.epilogue?;
        if !product
            .cx
            .allows(g.c * (g.kernel[0] * (g.kernel[1] + 1) + 1))
        {
            return None;
        }
        if width == 1 && epilogue.stores_half() {
            return None;
        }
        let (planes, fours) = (g.n * g.groups * g.m, g.out[1].div_ceil(4));
        let lines = planes * g.out[0];
        let words = [
            [lines, g.out[1], g.m, g.c],
            [self.size[0], self.size[1], g.kernel[0], g.kernel[1]],
            [g.stride[0], g.stride[1], g.dilation[0], g.dilation[1]],
            [fours, g.out[0], g.groups, lines * fours],
        ];
        let mut params: Vec<u32> = words.iter().flatten().map(|&n| n as u32).collect();
        params.extend([fours, g.out[0], g.m, g.groups].map(inverse));
        let mut bindings = vec![
            Binding::Read(self.operand),
            Binding::Read(product.a.1),
            Binding::Uniform(params),
        ];
        let epilogue = emit_epilogue(epilogue, width, bindings.len() as u32);
        bindings.extend(epilogue.bindings);
        let mut parts = vec![
            prelude(width),
            wgsl!("lib/index"),
            wgsl!("lib/divide"),
            store(width),
        ];
        add_parts(
            &mut parts,
            stored("x", 0, product.cx.dtype(self.operand), false),
        );
        add_parts(
            &mut parts,
            stored("w", 1, product.cx.dtype(product.a.1), false),
        );
        parts.push(wgsl!("conv_direct"));
        add_parts(&mut parts, epilogue.parts);
        let kernel = Kernel {
            label: "conv_direct",
            parts,
            overrides: vec![("WG", grid::LINEAR_WORKGROUP)],
            bindings,
            workgroups: grid::linear(product.cx.limits, lines * fours),
        };
        let mut kernels = product.before.clone();
        kernels.push(kernel);
        Some(Variant {
            kernels,
            scratch: product.scratch.clone(),
        })
    }
}

/// The sizes of [`Images::correlate`]. Pairs are height and width.
pub(super) struct Correlation {
    pub n: usize,
    pub groups: usize,
    /// The channels per group of the images and of the result.
    pub c: usize,
    pub m: usize,
    pub kernel: [usize; 2],
    pub stride: [usize; 2],
    pub dilation: [usize; 2],
    pub out: [usize; 2],
}

/// The weights of a correlation: their operand, and the kernels that prepare them.
pub(super) struct Weights {
    operand: Operand,
    /// Whether the channels of the images are the outermost axis.
    transposed: bool,
    before: Vec<Kernel>,
    scratch: Vec<u64>,
}

impl Weights {
    pub fn stored(operand: Operand, transposed: bool) -> Weights {
        Weights {
            operand,
            transposed,
            before: Vec::new(),
            scratch: Vec::new(),
        }
    }

    /// Returns the weights with the channels exchanged and each kernel rotated by 180 degrees, in
    /// the workspace `scratch`.
    pub fn flipped(g: &Geometry, operand: Operand, scratch: usize, cx: &LowerContext) -> Weights {
        let (taps, count) = (g.taps(), g.w().len());
        let mut params = [g.m, g.c, taps, count].map(|n| n as u32).to_vec();
        params.extend([g.m, g.c, taps].map(inverse));
        params.push(0);
        let kernel = Kernel {
            label: "conv_flip",
            parts: [
                vec![wgsl!("lib/index"), wgsl!("lib/divide")],
                stored("x", 0, cx.dtype(operand), false),
                vec![wgsl!("conv_flip")],
            ]
            .concat(),
            overrides: vec![("WG", grid::LINEAR_WORKGROUP)],
            bindings: vec![
                Binding::Read(operand),
                Binding::Write(Operand::Scratch(scratch)),
                Binding::Uniform(params),
            ],
            workgroups: grid::linear(cx.limits, count),
        };
        Weights {
            operand: Operand::Scratch(scratch),
            transposed: false,
            before: vec![kernel],
            scratch: vec![(count * 4) as u64],
        }
    }

    fn matrix(&self, g: &Correlation, s: Sizes) -> Matrix {
        match g.groups {
            1 => Matrix::Stored {
                transposed: self.transposed,
                stride: 0,
            },
            groups => Matrix::View(View {
                offset: 0,
                z: Walk::new([(1, 0), (g.n, 0), (groups, (s.m * s.k) as isize)]),
                i: Walk::new([(1, 0), (1, 0), (s.m, s.k as isize)]),
                k: Walk::new([(1, 0), (1, 0), (s.k, 1)]),
            }),
        }
    }
}
