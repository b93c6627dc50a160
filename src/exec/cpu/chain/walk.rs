//! Walks: fetch a leaf whose elements are not in the chain's order.

use crate::kernel::View;
use crate::{Error, Result};

/// The largest number of axes of a walk, after contiguous axes are merged.
const MAX_AXES: usize = 32;

/// A walk over a leaf: a [`View`] with contiguous axes merged.
#[derive(Clone, Debug)]
pub(super) struct Walk {
    /// The sizes and strides of all axes but the last.
    outer: Vec<(usize, isize)>,
    /// The size and stride of the last axis.
    inner: (usize, isize),
    offset: usize,
}

impl Walk {
    /// Creates a walk along `view`, over a leaf of `len` elements.
    pub fn new(view: &View, len: usize) -> Result<Self> {
        let view = view.collapsed();
        let mut axes: Vec<_> = view
            .dims
            .iter()
            .copied()
            .zip(view.strides.iter().copied())
            .collect();
        // The distance that it reaches forwards and backwards from its first element.
        let reach = |sign: isize| -> usize {
            let steps = axes.iter().filter(|(_, s)| s.signum() == sign);
            steps
                .map(|(d, s)| d.saturating_sub(1).saturating_mul(s.unsigned_abs()))
                .fold(0, usize::saturating_add)
        };
        let (ahead, back) = (reach(1), reach(-1));
        let inner = axes.pop().unwrap_or((1, 0));
        let inside = view.offset >= back && view.offset.saturating_add(ahead) < len.max(1);
        if axes.len() >= MAX_AXES || !inside {
            let detail = format!("the walk {view:?} over {len} elements");
            return Err(Error::internal("the CPU executor", detail));
        }
        Ok(Walk {
            outer: axes,
            inner,
            offset: view.offset,
        })
    }

    /// Copies the elements `first..first + out.len()` of the walk over `x`.
    ///
    /// Only the first position needs divisions; then the coordinates are incremented like an
    /// odometer.
    pub fn gather(&self, x: &[u32], first: usize, out: &mut [u32]) {
        let (n, step) = self.inner;
        let mut at = [0usize; MAX_AXES];
        let mut base = self.offset as isize;
        let mut row = first / n.max(1);
        for (axis, &(dim, stride)) in self.outer.iter().enumerate().rev() {
            at[axis] = row % dim.max(1);
            base += at[axis] as isize * stride;
            row /= dim.max(1);
        }
        let mut from = first % n.max(1);
        let mut rest = out;
        while !rest.is_empty() {
            let count = rest.len().min(n - from);
            let (run, tail) = rest.split_at_mut(count);
            rest = tail;
            let start = (base + from as isize * step) as usize;
            match step {
                0 => run.fill(x[start]),
                1 => run.copy_from_slice(&x[start..start + count]),
                ..0 => {
                    let back = x[..=start].iter().rev().step_by(step.unsigned_abs());
                    for (y, x) in run.iter_mut().zip(back) {
                        *y = *x;
                    }
                }
                _ => {
                    let ahead = x[start..].iter().step_by(step.unsigned_abs());
                    for (y, x) in run.iter_mut().zip(ahead) {
                        *y = *x;
                    }
                }
            }
            from = 0;
            for (axis, &(dim, stride)) in self.outer.iter().enumerate().rev() {
                at[axis] += 1;
                base += stride;
                if at[axis] < dim {
                    break;
                }
                at[axis] = 0;
                base -= dim as isize * stride;
            }
        }
    }
}
