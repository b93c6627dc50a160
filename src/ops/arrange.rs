//! Methods that rearrange elements, composed of views and concatenation: roll, repeat, tile, chunk,
//! expand, and padding with constants, reflections or copies of the border.
//!
//! None has kernels of its own. The views (expand, chunk) cost nothing; concatenation copies each
//! of its parts once.

use crate::{Shape, Source, Tensor};

/// The values around a padded tensor; see [`Tensor::pad`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PadMode {
    /// A constant.
    Constant(f64),
    /// The elements next to the border, mirrored at it: `c b | a b c | b a`. The padding must be
    /// smaller than the axis.
    Reflect,
    /// The border element, repeated: `a a | a b c | c c`.
    Replicate,
}

impl Tensor {
    /// Shifts the elements along each of `axes` by each of `shifts`, as `torch.roll`. Elements that
    /// leave at the end enter at the start. Negative shifts shift backwards; negative axes count
    /// from the last one.
    #[track_caller]
    pub fn roll(&self, shifts: &[isize], axes: &[isize]) -> Tensor {
        let caller = Source::caller();
        if shifts.len() != axes.len() {
            let reason = format!("{} shifts for {} axes", shifts.len(), axes.len());
            return self.record_error("roll", reason, caller);
        }
        let mut x = self.clone();
        for (&shift, &axis) in shifts.iter().zip(axes) {
            if self.shape().axis(axis).is_none() {
                return self.no_axis("roll", axis, caller);
            }
            let n = x.dim(axis);
            let by = shift.checked_rem_euclid(n as isize).unwrap_or(0) as usize;
            if by > 0 {
                let (start, end) = (x.narrow(axis, 0, n - by), x.narrow(axis, n - by, by));
                x = Tensor::concat(&[&end, &start], axis);
            }
        }
        x
    }

    /// Repeats the whole tensor `counts[i]` times along axis `i`, as `torch.Tensor.repeat`. Counts
    /// in excess of the axes add new axes at the front.
    #[track_caller]
    pub fn repeat(&self, counts: &[usize]) -> Tensor {
        let caller = Source::caller();
        let shape = self.shape();
        let Some(new) = counts.len().checked_sub(shape.rank()) else {
            let reason = format!("{counts:?} names {} of {} axes", counts.len(), shape.rank());
            return self.record_error("repeat", reason, caller);
        };
        let dims = [&vec![1; new][..], &shape[..]].concat();
        // Each repeated axis gets an axis of size 1 before it, which is broadcast.
        let (mut apart, mut broadcast, mut to) = (Vec::new(), Vec::new(), Vec::new());
        for (&n, &count) in dims.iter().zip(counts) {
            if count != 1 {
                apart.push(1);
                broadcast.push(count);
            }
            apart.push(n);
            broadcast.push(n);
            to.push(n.saturating_mul(count));
        }
        let x = self.reshape_at(apart.into(), caller);
        let x = x.broadcast_at(&broadcast.into(), caller);
        match x.id() {
            Some(_) => x.reshape_at(to.into(), caller),
            None => x,
        }
    }

    /// Repeats the tensor as [`Tensor::repeat`], but fewer counts than axes apply to the last axes,
    /// as `torch.tile`.
    #[track_caller]
    pub fn tile(&self, counts: &[usize]) -> Tensor {
        let missing = self.shape().rank().saturating_sub(counts.len());
        self.repeat(&[&vec![1; missing][..], counts].concat())
    }

    /// Splits the tensor into at most `count` parts of equal size along `axis`, as `torch.chunk`.
    /// The last part may be smaller. A negative axis counts from the last one. The parts are views
    /// and cost nothing.
    #[track_caller]
    pub fn chunk(&self, count: usize, axis: isize) -> Vec<Tensor> {
        let caller = Source::caller();
        if count == 0 {
            return vec![self.record_error(
                "chunk",
                "the number of parts is 0, but must be at least 1".to_string(),
                caller,
            )];
        }
        if self.shape().axis(axis).is_none() {
            return vec![self.no_axis("chunk", axis, caller)];
        }
        let n = self.dim(axis);
        let size = n.div_ceil(count).max(1);
        let starts = (0..n.max(1)).step_by(size);
        let parts = starts.map(|start| self.narrow(axis, start, size.min(n - start)));
        parts.collect()
    }

    /// Broadcasts axes of size 1 to `sizes`, which may have further axes at the front, as
    /// `torch.Tensor.expand`. A size of -1 keeps an axis. The result is a view and costs nothing.
    #[track_caller]
    pub fn expand(&self, sizes: &[isize]) -> Tensor {
        let caller = Source::caller();
        let shape = self.shape();
        let new = sizes.len().checked_sub(shape.rank());
        let size = |(i, &size): (usize, &isize)| match size {
            -1 => i.checked_sub(new?).and_then(|i| shape.get(i).copied()),
            _ => usize::try_from(size).ok(),
        };
        match sizes
            .iter()
            .enumerate()
            .map(size)
            .collect::<Option<Vec<_>>>()
        {
            Some(to) if new.is_some() => self.broadcast_at(&to.into(), caller),
            _ => {
                let reason = format!("{shape} does not expand to {sizes:?}");
                self.record_error("expand", reason, caller)
            }
        }
    }

    /// Pads the last `widths.len()` axes with these numbers of elements before and after. For
    /// example, `[(1, 2), (0, 3)]` adds one row above, two below and three columns on the right.
    ///
    /// `torch.nn.functional.pad` takes the same numbers from the last axis to the first. As in
    /// PyTorch, each axis pads the result of the axes before. A reflection takes fewer elements
    /// than the axis has.
    #[track_caller]
    pub fn pad(&self, widths: &[(usize, usize)], mode: PadMode) -> Tensor {
        let caller = Source::caller();
        let shape = self.shape();
        let Some(first) = shape.rank().checked_sub(widths.len()) else {
            let reason = format!("{} pairs of widths for {} axes", widths.len(), shape.rank());
            return self.record_error("pad", reason, caller);
        };
        let padded = |(&n, &(before, after)): (&usize, &(usize, usize))| {
            before.checked_add(after)?.checked_add(n)
        };
        let sizes = shape[first..].iter().zip(widths).map(padded);
        let Some(sizes) = sizes.collect::<Option<Vec<usize>>>() else {
            let reason = format!("the widths {widths:?} are too large");
            return self.record_error("pad", reason, caller);
        };
        if let PadMode::Constant(value) = mode {
            let mut before = vec![0; shape.rank()];
            for (to, (from, _)) in before[first..].iter_mut().zip(widths) {
                *to = *from;
            }
            let to = Shape::from([&shape[..first], &sizes].concat());
            return self.pad_with((&before, &vec![1; shape.rank()]), &to, value, caller);
        }
        let mut x = self.clone();
        for (i, &(before, after)) in widths.iter().enumerate() {
            x = x.extended((first + i) as isize, (before, after), mode, caller);
        }
        x
    }

    /// Pads one axis with reflections or copies of the border.
    fn extended(
        &self,
        axis: isize,
        (before, after): (usize, usize),
        mode: PadMode,
        caller: Source,
    ) -> Tensor {
        if self.id().is_none() || (before, after) == (0, 0) {
            return self.clone();
        }
        let n = self.dim(axis);
        let reflects = mode == PadMode::Reflect;
        if reflects && before.max(after) >= n {
            let reason = format!(
                "axis {axis} has {n} elements, so a reflection must be smaller than {n}; found {before} and {after}"
            );
            return self.record_error("pad", reason, caller);
        }
        if n == 0 {
            let reason = format!("axis {axis} is empty, so it has no border to repeat");
            return self.record_error("pad", reason, caller);
        }
        let side = |reflected: usize, border: usize, count: usize| match reflects {
            true => self.narrow(axis, reflected, count).flip(&[axis]),
            false => {
                let shape = self.shape().with_axis(axis as usize, count);
                self.narrow(axis, border, 1).broadcast_at(&shape, caller)
            }
        };
        let mut parts = Vec::with_capacity(3);
        if before > 0 {
            parts.push(side(1, 0, before));
        }
        parts.push(self.clone());
        if after > 0 {
            parts.push(side((n - 1).saturating_sub(after), n - 1, after));
        }
        Tensor::concat(&parts.iter().collect::<Vec<_>>(), axis)
    }
}
