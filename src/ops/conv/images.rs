//! Images as the kernels of convolution read them: with as much around them that no read needs a check.

use crate::kernel::{Binding, Kernel, Operand, stored, wgsl};
use crate::ops::matmul::Walk;
use crate::ops::{LowerContext, grid};

use super::Geometry;

/// Images, perhaps padded: where they lie, and the size of each channel.
pub(super) struct Images {
    pub operand: Operand,
    pub size: [usize; 2],
    /// What makes them.
    pub before: Vec<Kernel>,
    /// Their workspace, in bytes.
    pub scratch: Vec<u64>,
}

impl Images {
    fn row(&self) -> isize {
        self.size[1] as isize
    }

    /// Elements from one channel to the next.
    pub fn channel(&self) -> isize {
        (self.size[0] * self.size[1]) as isize
    }

    /// The input with its padding.
    pub fn padded_input(g: &Geometry, operand: Operand, cx: &LowerContext) -> Images {
        let padding = g.conv.padding;
        let size = [0, 1].map(|axis| g.size[axis] + 2 * padding[axis]);
        let planes = g.n * g.c * g.conv.groups;
        Images::padded(operand, (planes, g.size), (padding, [1, 1], size), cx)
    }

    /// The output with as much around it that every tap of a flipped kernel finds something. The first
    /// element is at a negative place where there is more padding than kernel.
    pub fn spread_output(g: &Geometry, operand: Operand, cx: &LowerContext) -> Images {
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
        // In vectors of four, so a row may be longer than it has to be.
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

    /// The walk over `outer`, rows and columns that are `step` apart.
    pub fn walk(&self, outer: (usize, isize), size: [usize; 2], step: [usize; 2]) -> Walk {
        let [down, across] = step.map(|s| s as isize);
        Walk::new([outer, (size[0], down * self.row()), (size[1], across)])
    }
}

/// The bits of `1 / n`, which `lib/divide` divides by.
pub(super) fn inverse(n: usize) -> u32 {
    (1.0 / n.max(1) as f32).to_bits()
}
