//! Padded images for the kernels of convolution, which therefore check no bounds.

use crate::kernel::{Binding, Kernel, Operand, stored, wgsl};
use crate::ops::matmul::Walk;
use crate::ops::{LowerContext, grid};

use super::Geometry;

/// Images, with or without padding: their operand and their strides.
pub(super) struct Images {
    pub operand: Operand,
    pub size: [usize; 2],
    /// The kernels that compute them.
    pub before: Vec<Kernel>,
    /// The size of their workspace in bytes.
    pub scratch: Vec<u64>,
}

impl Images {
    fn row(&self) -> isize {
        self.size[1] as isize
    }

    /// Returns the number of elements from one channel to the next.
    pub fn channel(&self) -> isize {
        (self.size[0] * self.size[1]) as isize
    }

    /// Returns the input with its padding.
    pub fn padded_input(g: &Geometry, operand: Operand, cx: &LowerContext) -> Images {
        let padding = g.conv.padding;
        let size = [0, 1].map(|axis| g.size[axis] + 2 * padding[axis]);
        let planes = g.n * g.c * g.conv.groups;
        Images::padded(operand, (planes, g.size), (padding, [1, 1], size), cx)
    }

    /// Returns the output with enough padding for every tap of a flipped kernel. The first element
    /// has a negative index if the padding exceeds the kernel.
    pub fn spread_output(g: &Geometry, operand: Operand, cx: &LowerContext) -> Images {
        let reach = |axis: usize| (g.kernel[axis] - 1) * g.conv.dilation[axis];
        let before = [0, 1].map(|axis| reach(axis).wrapping_sub(g.conv.padding[axis]));
        let size = [0, 1].map(|axis| g.size[axis] + reach(axis));
        let planes = g.n * g.m * g.conv.groups;
        let to = (before, g.conv.stride, size);
        Images::padded(operand, (planes, g.out), to, cx)
    }

    /// Returns each of `planes` images surrounded by zeros, or the images themselves if they do not
    /// change.
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
        // Rows are stored in vectors of four, so a row may be longer than required.
        let fours = size[1].div_ceil(4);
        let size = [size[0], 4 * fours];
        let count = planes * size[0] * fours;
        let pairs = [from, before, step].concat();
        let mut params: Vec<u32> = pairs.iter().map(|&n| n as u32).collect();
        params.extend(step.map(inverse));
        params.extend([size[0], fours, count].map(|n| n as u32));
        params.extend([size[0], fours].map(inverse));
        params.extend([0; 3]);
        let spread = u32::from(step != [1, 1]);
        let kernel = Kernel {
            label: "conv_pad",
            parts: [
                vec![wgsl!("lib/index"), wgsl!("lib/divide")],
                stored("x", 0, cx.dtype(operand), false),
                vec![wgsl!("conv_pad")],
            ]
            .concat(),
            overrides: vec![("WG", grid::LINEAR_WORKGROUP), ("SPREAD", spread)],
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
            scratch: vec![(count * 16) as u64],
        }
    }

    /// Returns the walk over `outer`, rows and columns that are `step` apart.
    pub fn walk(&self, outer: (usize, isize), size: [usize; 2], step: [usize; 2]) -> Walk {
        let [down, across] = step.map(|s| s as isize);
        Walk::new([outer, (size[0], down * self.row()), (size[1], across)])
    }
}

/// Returns the bits of `1 / n`, the reciprocal for `lib/divide`.
pub(super) fn inverse(n: usize) -> u32 {
    (1.0 / n.max(1) as f32).to_bits()
}
