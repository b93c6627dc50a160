//! The sizes of a convolution, and which elements meet in it.

use crate::graph::{Conv, Meta};
use crate::ops::Tolerance;
use crate::{DType, Shape};

/// All sizes of a convolution. Pairs are of the height and the width.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Geometry {
    pub conv: Conv,
    /// Images.
    pub n: usize,
    /// Input channels of a part.
    pub c: usize,
    /// Output channels of a part.
    pub m: usize,
    /// The input's height and width.
    pub size: [usize; 2],
    pub kernel: [usize; 2],
    /// The output's height and width.
    pub out: [usize; 2],
}

impl Geometry {
    /// The sizes for `x [n, c, h, w]` and weights `[oc, c / groups, kh, kw]`, or why there are none.
    pub fn new(conv: &Conv, x: &Shape, w: &Shape) -> Result<Geometry, String> {
        let (&[n, channels, height, width], &[oc, c, kh, kw]) = (x.dims(), w.dims()) else {
            return Err(format!(
                "takes images [n, c, h, w] and weights [oc, c / groups, kh, kw], not {x} and {w}"
            ));
        };
        let groups = conv.groups;
        if groups == 0 {
            return Err("there must be at least 1 group".to_string());
        }
        if c.checked_mul(groups) != Some(channels) {
            return Err(format!(
                "the images have {channels} channels, but weights {w} in {groups} groups take {}",
                c.saturating_mul(groups)
            ));
        }
        if oc % groups != 0 {
            return Err(format!(
                "{oc} output channels do not fall into {groups} groups"
            ));
        }
        let (size, kernel) = ([height, width], [kh, kw]);
        Ok(Geometry {
            conv: *conv,
            n,
            c,
            m: oc / groups,
            size,
            kernel,
            out: windows(size, kernel, conv.stride, conv.padding, conv.dilation)?,
        })
    }

    pub fn x(&self) -> Shape {
        let [h, w] = self.size;
        Shape::from([self.n, self.c * self.conv.groups, h, w])
    }

    pub fn y(&self) -> Shape {
        let [h, w] = self.out;
        Shape::from([self.n, self.m * self.conv.groups, h, w])
    }

    pub fn w(&self) -> Shape {
        let [h, w] = self.kernel;
        Shape::from([self.m * self.conv.groups, self.c, h, w])
    }

    /// Elements of a kernel of one channel.
    pub fn taps(&self) -> usize {
        self.kernel.iter().product()
    }

    /// Elements of an output image of one channel.
    pub fn pixels(&self) -> usize {
        self.out.iter().product()
    }

    /// Multiplications of all three ops alike.
    pub fn products(&self) -> f64 {
        self.y().len() as f64 * (self.c * self.taps()) as f64
    }

    /// Calls `f` with the places in `x`, `w` and `y` of each pair that is multiplied: the definition.
    pub fn each(&self, mut f: impl FnMut(usize, usize, usize)) {
        let Conv {
            stride,
            padding,
            dilation,
            groups,
        } = self.conv;
        let ([h, width], [kh, kw], [oh, ow]) = (self.size, self.kernel, self.out);
        // Where the tap `k` of the window `o` lies on an axis of `n` elements.
        let at = |o: usize, k: usize, axis: usize, n: usize| {
            let i = (o * stride[axis] + k * dilation[axis]).checked_sub(padding[axis])?;
            (i < n).then_some(i)
        };
        for n in 0..self.n {
            for o in 0..self.m * groups {
                for c in 0..self.c {
                    let channel = o / self.m * self.c + c;
                    for (i, j) in pairs(oh, ow) {
                        for (p, q) in pairs(kh, kw) {
                            let (Some(row), Some(column)) = (at(i, p, 0, h), at(j, q, 1, width))
                            else {
                                continue;
                            };
                            let x = ((n * self.c * groups + channel) * h + row) * width + column;
                            let w = ((o * self.c + c) * kh + p) * kw + q;
                            let y = ((n * self.m * groups + o) * oh + i) * ow + j;
                            f(x, w, y);
                        }
                    }
                }
            }
        }
    }

    /// How far off sums of `terms` products of elements up to `largest` may be.
    pub fn tolerance(terms: usize, largest: f64) -> Tolerance {
        Tolerance {
            abs: 6e-8 * (terms as f64 + 2.0) * largest,
            rel: 1e-6,
        }
    }
}

fn pairs(a: usize, b: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..a).flat_map(move |i| (0..b).map(move |j| (i, j)))
}

/// How many windows fit on each axis, or why none does.
pub(in crate::ops) fn windows(
    size: [usize; 2],
    kernel: [usize; 2],
    stride: [usize; 2],
    padding: [usize; 2],
    dilation: [usize; 2],
) -> Result<[usize; 2], String> {
    let mut out = [0; 2];
    for axis in 0..2 {
        let (k, s, d) = (kernel[axis], stride[axis], dilation[axis]);
        for (what, value) in [("stride", s), ("dilation", d), ("kernel's size", k)] {
            if value == 0 {
                return Err(format!("the {what} must be at least 1"));
            }
        }
        let reach = (k - 1).saturating_mul(d).saturating_add(1);
        let padded = size[axis].saturating_add(padding[axis].saturating_mul(2));
        let Some(rest) = padded.checked_sub(reach) else {
            let name = ["height", "width"][axis];
            return Err(format!(
                "the kernel's {name} is {reach}{}, but the images' is only {padded}{}",
                if d > 1 { " with its dilation" } else { "" },
                if padding[axis] > 0 {
                    " with padding"
                } else {
                    ""
                },
            ));
        };
        if padded > i32::MAX as usize / 4 {
            return Err(format!("an axis of {padded} elements is too long"));
        }
        out[axis] = rest / s + 1;
    }
    Ok(out)
}

/// Two f32 tensors, or a message.
pub(super) fn two(x: &[Meta]) -> Result<(&Shape, &Shape), String> {
    match x {
        [a, b] if [a, b].iter().all(|x| x.dtype.computed() == DType::F32) => {
            Ok((&a.shape, &b.shape))
        }
        [_, _] => Err("both inputs must be f32".to_string()),
        _ => Err(format!("takes 2 inputs, was given {}", x.len())),
    }
}
