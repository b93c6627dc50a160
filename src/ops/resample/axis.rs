//! The resampling of one axis: the taps of each element, and their weights.
//!
//! All positions are computed with integers, so that all devices agree: the position between two
//! elements is a fraction, not a rounded number.

use std::ops::Range;

use crate::graph::Resampling;
use crate::ops::conv::windows;

/// Numbers in the computation of positions stay below this bound.
const MAX_EXACT_NUMBER: usize = 1 << 30;

/// An axis of `n` elements that is resampled to `to`.
#[derive(Clone, Copy, Debug)]
pub(super) enum Axis {
    Average {
        n: usize,
        to: usize,
        kernel: usize,
        stride: usize,
        padding: usize,
        count_padding: bool,
    },
    Adaptive {
        n: usize,
        to: usize,
    },
    Nearest {
        n: usize,
        to: usize,
    },
    /// Element `i` is at position `max(i step + plus - minus, 0) / parts` of the input.
    Linear {
        n: usize,
        to: usize,
        step: usize,
        plus: usize,
        minus: usize,
        parts: usize,
    },
}

impl Axis {
    /// Creates axis 0 or 1 of an image, of `n` elements. Returns a message if it cannot be
    /// resampled.
    pub fn new(kind: &Resampling, n: usize, axis: usize) -> Result<Axis, String> {
        let name = ["height", "width"][axis];
        let checked = |to: usize| {
            if n == 0 || to == 0 {
                return Err(format!(
                    "cannot resample a {name} of {n} to {to}, because one is empty"
                ));
            }
            match n.saturating_mul(to).saturating_mul(4) < MAX_EXACT_NUMBER
                && n.max(to) < MAX_EXACT_NUMBER / 4
            {
                true => Ok(to),
                false => Err(format!(
                    "a {name} of {n} is too long to be resampled to {to}"
                )),
            }
        };
        Ok(match *kind {
            Resampling::Average {
                kernel,
                stride,
                padding,
                count_padding,
            } => {
                let (k, s, p) = (kernel[axis], stride[axis], padding[axis]);
                if p > k / 2 {
                    return Err(format!(
                        "the padding is {p}, but must be at most half of the kernel's size, {k}"
                    ));
                }
                // Checks only this axis; the other one is checked separately.
                let one = |v: usize, other: usize| match axis {
                    0 => [v, other],
                    _ => [other, v],
                };
                let out = windows(one(n, 1), one(k, 1), one(s, 1), one(p, 0), [1, 1])?;
                Axis::Average {
                    n,
                    to: out[axis],
                    kernel: k,
                    stride: s,
                    padding: p,
                    count_padding,
                }
            }
            Resampling::Adaptive { to } => Axis::Adaptive {
                n,
                to: checked(to[axis])?,
            },
            Resampling::Nearest { to } => Axis::Nearest {
                n,
                to: checked(to[axis])?,
            },
            Resampling::Linear { to, align_corners } => {
                let to = checked(to[axis])?;
                let (step, plus, minus, parts) = match align_corners {
                    // The first and the last element keep their positions.
                    true => (n - 1, 0, 0, (to - 1).max(1)),
                    // (i + 1/2) n / to - 1/2, which maps the centers of elements.
                    false => (2 * n, n, to, 2 * to),
                };
                Axis::Linear {
                    n,
                    to,
                    step,
                    plus,
                    minus,
                    parts,
                }
            }
        })
    }

    pub fn n(&self) -> usize {
        match *self {
            Axis::Average { n, .. }
            | Axis::Adaptive { n, .. }
            | Axis::Nearest { n, .. }
            | Axis::Linear { n, .. } => n,
        }
    }

    pub fn to(&self) -> usize {
        match *self {
            Axis::Average { to, .. }
            | Axis::Adaptive { to, .. }
            | Axis::Nearest { to, .. }
            | Axis::Linear { to, .. } => to,
        }
    }

    /// Returns the words of the parameters of `lib/resample`.
    pub fn words(&self) -> Vec<u32> {
        let rest = match *self {
            Axis::Average {
                kernel,
                stride,
                padding,
                count_padding,
                ..
            } => [kernel, stride, padding, usize::from(count_padding)],
            Axis::Linear {
                step,
                plus,
                minus,
                parts,
                ..
            } => [step, plus, minus, parts],
            _ => [0; 4],
        };
        let sizes = [self.n(), self.to(), 0, 0];
        sizes.iter().chain(&rest).map(|&w| w as u32).collect()
    }

    /// Returns the taps: the elements from which element `i` of the result is computed.
    #[inline(always)]
    pub fn taps(&self, i: usize) -> Range<usize> {
        match *self {
            Axis::Average {
                n,
                kernel,
                stride,
                padding,
                ..
            } => {
                let start = i * stride;
                start.saturating_sub(padding)..(start + kernel).saturating_sub(padding).min(n)
            }
            Axis::Adaptive { n, to } => i * n / to..((i + 1) * n).div_ceil(to),
            Axis::Nearest { n, to } => i * n / to..i * n / to + 1,
            Axis::Linear { n, .. } => {
                let (first, _) = self.place(i);
                first..(first + 2).min(n)
            }
        }
    }

    /// Returns the largest number of taps of an element of the result.
    pub fn most_taps(&self) -> usize {
        match *self {
            Axis::Average { kernel, .. } => kernel,
            Axis::Adaptive { n, to } => n / to + 2,
            Axis::Nearest { .. } => 1,
            Axis::Linear { .. } => 2,
        }
    }

    /// Returns the largest number of users of an element.
    pub fn most_users(&self) -> usize {
        match *self {
            Axis::Average { kernel, stride, .. } => kernel / stride + 1,
            Axis::Adaptive { n, to } => to / n + 2,
            Axis::Nearest { n, to } => to / n + 1,
            Axis::Linear { to, step: 0, .. } => to,
            Axis::Linear { step, parts, .. } => 3 * parts / step + 2,
        }
    }

    /// Returns the users: the elements of the result that may have element `j` as a tap. Some of
    /// them may have the weight 0.
    #[inline(always)]
    pub fn users(&self, j: usize) -> Range<usize> {
        match *self {
            Axis::Average {
                to,
                kernel,
                stride,
                padding,
                ..
            } => {
                let at = j + padding;
                let first = (at + 1).saturating_sub(kernel).div_ceil(stride);
                first..(at / stride + 1).min(to)
            }
            Axis::Adaptive { n, to } => j * to / n..((j + 1) * to).div_ceil(n),
            Axis::Nearest { n, to } => (j * to).div_ceil(n)..((j + 1) * to).div_ceil(n),
            Axis::Linear {
                to,
                step,
                plus,
                minus,
                parts,
                ..
            } => {
                if step == 0 {
                    return 0..to;
                }
                // The first user is the first i for which i step + plus - minus reaches the lower
                // bound; the last one precedes the upper bound.
                let from = |j: usize| {
                    (j * parts + minus)
                        .saturating_sub(plus)
                        .div_ceil(step)
                        .min(to)
                };
                let first = if j < 2 { 0 } else { from(j - 1) };
                first..from(j + 1)
            }
        }
    }

    /// Returns the weight of the tap `j` of element `i` of the result.
    #[inline(always)]
    pub fn weight(&self, i: usize, j: usize) -> f32 {
        match *self {
            Axis::Average {
                kernel,
                count_padding: true,
                ..
            } => 1.0 / kernel as f32,
            Axis::Average { .. } | Axis::Adaptive { .. } => 1.0 / self.taps(i).len() as f32,
            Axis::Nearest { .. } => 1.0,
            Axis::Linear { n, parts, .. } => {
                let (first, rest) = self.place(i);
                match j.checked_sub(first) {
                    Some(0) if first + 1 == n => 1.0,
                    Some(0) => (parts - rest) as f32 / parts as f32,
                    Some(1) => rest as f32 / parts as f32,
                    _ => 0.0,
                }
            }
        }
    }

    /// Returns the position of element `i`: the element before it, and the number of parts past
    /// that.
    #[inline(always)]
    fn place(&self, i: usize) -> (usize, usize) {
        match *self {
            Axis::Linear {
                step,
                plus,
                minus,
                parts,
                ..
            } => {
                let at = (i * step + plus).saturating_sub(minus);
                (at / parts, at % parts)
            }
            _ => (i, 0),
        }
    }

    /// Returns the weights from the definition, with a row for each element of the result.
    pub fn matrix(&self) -> Vec<Vec<f64>> {
        let n = self.n();
        let row = |i: usize| -> Vec<f64> {
            let mut row = vec![0.0; n];
            match *self {
                Axis::Average {
                    kernel,
                    stride,
                    padding,
                    count_padding,
                    ..
                } => {
                    let inside: Vec<usize> = (i * stride..i * stride + kernel)
                        .filter_map(|at| at.checked_sub(padding).filter(|at| *at < n))
                        .collect();
                    let count = if count_padding { kernel } else { inside.len() };
                    inside.iter().for_each(|&j| row[j] = 1.0 / count as f64);
                }
                Axis::Adaptive { to, .. } => {
                    let scale = n as f64 / to as f64;
                    // Compensates for rounding: a border that is an integer must not move past it.
                    let first = (i as f64 * scale + 1e-9).floor() as usize;
                    let end = ((i + 1) as f64 * scale - 1e-9).ceil() as usize;
                    row[first..end].fill(1.0 / (end - first) as f64);
                }
                Axis::Nearest { to, .. } => {
                    row[(i as f64 * n as f64 / to as f64 + 1e-9).floor() as usize] = 1.0;
                }
                Axis::Linear { to, minus, .. } => {
                    let at = match minus {
                        0 if to > 1 => i as f64 * (n - 1) as f64 / (to - 1) as f64,
                        0 => 0.0,
                        _ => ((i as f64 + 0.5) * n as f64 / to as f64 - 0.5).max(0.0),
                    };
                    let rest = at - at.floor();
                    let first = at.floor() as usize;
                    row[first.min(n - 1)] += 1.0 - rest;
                    row[(first + 1).min(n - 1)] += rest;
                }
            }
            row
        };
        (0..self.to()).map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axes() -> Vec<Axis> {
        let mut axes = Vec::new();
        for n in 1..12 {
            for to in 1..14 {
                let size = [to, to];
                for kind in [
                    Resampling::Adaptive { to: size },
                    Resampling::Nearest { to: size },
                    Resampling::Linear {
                        to: size,
                        align_corners: false,
                    },
                    Resampling::Linear {
                        to: size,
                        align_corners: true,
                    },
                ] {
                    axes.push(Axis::new(&kind, n, 0).unwrap_or_else(|e| panic!("{e}")));
                }
            }
            for (kernel, stride, padding) in [(1, 1, 0), (2, 2, 1), (3, 1, 1), (3, 5, 0), (5, 2, 2)]
            {
                for count_padding in [false, true] {
                    let kind = Resampling::Average {
                        kernel: [kernel, kernel],
                        stride: [stride, stride],
                        padding: [padding, padding],
                        count_padding,
                    };
                    axes.extend(Axis::new(&kind, n, 1));
                }
            }
        }
        axes
    }

    #[test]
    fn taps_and_users_are_those_of_the_definition() {
        for axis in axes() {
            for (i, row) in axis.matrix().iter().enumerate() {
                for (j, &want) in row.iter().enumerate() {
                    let is_tap = axis.taps(i).contains(&j);
                    let got = if is_tap { axis.weight(i, j) } else { 0.0 };
                    assert!((f64::from(got) - want).abs() < 1e-6, "{axis:?} {i} {j}");
                    let used = axis.users(j).contains(&i);
                    assert!(used || want == 0.0, "{axis:?}: {i} uses {j}");
                    assert!(axis.users(j).end <= axis.to() && axis.taps(i).end <= axis.n());
                    // A user without this tap must have the weight 0 for it.
                    let loose = matches!(axis, Axis::Linear { .. }) && axis.weight(i, j) == 0.0;
                    assert!(
                        !used || is_tap || loose,
                        "{axis:?}: {j} is not a tap of {i}"
                    );
                }
            }
        }
    }
}
