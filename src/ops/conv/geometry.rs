//! The sizes of a convolution, and the elements that it multiplies.

use crate::graph::{Conv, Meta};
use crate::ops::Tolerance;
use crate::{DType, Shape};

/// The sizes of a convolution. Pairs are height and width.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Geometry {
    pub conv: Conv,
    /// The number of images.
    pub n: usize,
    /// The number of input channels per group.
    pub c: usize,
    /// The number of output channels per group.
    pub m: usize,
    /// The input's height and width.
    pub size: [usize; 2],
    pub kernel: [usize; 2],
    /// The output's height and width.
    pub out: [usize; 2],
}

impl Geometry {
    /// Computes the sizes for `x [n, c, h, w]` and weights `[oc, c / groups, kh, kw]`. Returns a
    /// message if they do not fit.
    pub fn new(conv: &Conv, x: &Shape, w: &Shape) -> Result<Geometry, String> {
        let (&[n, channels, height, width], &[oc, c, kh, kw]) = (x.dims(), w.dims()) else {
            return Err(format!(
                "expected images [n, c, h, w] and weights [oc, c / groups, kh, kw], found {x} and {w}"
            ));
        };
        let groups = conv.groups;
        if groups == 0 {
            return Err("expected at least 1 group, found 0".to_string());
        }
        if c.checked_mul(groups) != Some(channels) {
            return Err(format!(
                "the images have {channels} channels, but weights {w} in {groups} groups require {}",
                c.saturating_mul(groups)
            ));
        }
        if oc % groups != 0 {
            return Err(format!(
                "{oc} output channels are not a multiple of {groups} groups"
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

    /// Returns the number of elements of a kernel of one channel.
    pub fn taps(&self) -> usize {
        self.kernel.iter().product()
    }

    /// Returns the number of elements of an output image of one channel.
    pub fn pixels(&self) -> usize {
        self.out.iter().product()
    }

    /// Returns the number of multiplications, which is the same for all three ops.
    pub fn products(&self) -> f64 {
        self.y().len() as f64 * (self.c * self.taps()) as f64
    }

    /// Calls `f` with the indices in `x`, `w` and `y` of each pair of factors, as in the
    /// definition.
    pub fn each(&self, mut f: impl FnMut(usize, usize, usize)) {
        let Conv {
            stride,
            padding,
            dilation,
            groups,
        } = self.conv;
        let ([h, width], [kh, kw], [oh, ow]) = (self.size, self.kernel, self.out);
        // Returns the index of tap `k` of window `o` on an axis of `n` elements.
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

    /// Returns the tolerance of sums of `terms` products of elements up to `largest`.
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

/// Returns the number of windows on each axis, or a message if none fits.
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
            return Err(format!("a padded axis of {padded} elements is too long"));
        }
        out[axis] = rest / s + 1;
    }
    Ok(out)
}

/// Returns the shapes of two f32 tensors, or a message.
pub(super) fn two(x: &[Meta]) -> Result<(&Shape, &Shape), String> {
    match x {
        [a, b] if [a, b].iter().all(|x| x.dtype.computed() == DType::F32) => {
            Ok((&a.shape, &b.shape))
        }
        [_, _] => Err("both inputs must be f32".to_string()),
        _ => Err(format!("expected 2 inputs, found {}", x.len())),
    }
}
