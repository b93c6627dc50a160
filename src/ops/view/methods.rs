//! The methods of views.

use crate::graph::{BroadcastTo, Flip, Op, Permute, Reshape, Slice};
use crate::{Shape, Source, Tensor};

impl Tensor {
    /// Returns the same elements in the same order with another shape.
    ///
    /// # Example
    /// ```
    /// use wgrad::Device;
    ///
    /// let x = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    /// let y = wgrad::eval(&Device::cpu(), |g| g.tensor([2, 3], x).reshape([3, 2]))?;
    /// assert_eq!(y.shape, [3, 2].into());
    /// assert_eq!(y.data, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    /// # Ok::<(), wgrad::Error>(())
    /// ```
    #[track_caller]
    pub fn reshape(&self, to: impl Into<Shape>) -> Tensor {
        self.reshape_at(to.into(), Source::caller())
    }

    pub(crate) fn reshape_at(&self, to: Shape, caller: Source) -> Tensor {
        if self.shape() == to {
            return self.clone();
        }
        Tensor::apply(Op::Reshape(Reshape { to }), &[self], caller)
    }

    /// Merges all axes from `from` on into one: `[batch, ..]` becomes `[batch, n]` with `from = 1`.
    #[track_caller]
    pub fn flatten(&self, from: usize) -> Tensor {
        let shape = self.shape();
        let from = from.min(shape.rank());
        let (keep, join) = shape.split_at(from);
        let mut to = keep.to_vec();
        to.push(join.iter().product());
        self.reshape_at(to.into(), Source::caller())
    }

    /// Inserts an axis of size 1 before `axis`. A negative axis counts from the last one of the
    /// result.
    #[track_caller]
    pub fn unsqueeze(&self, axis: isize) -> Tensor {
        let caller = Source::caller();
        let mut to = self.shape().to_vec();
        to.push(1);
        let Some(axis) = Shape::from(to.clone()).axis(axis) else {
            let reason = format!("the result has {} axes; there is no axis {axis}", to.len());
            return self.record_error("unsqueeze", reason, caller);
        };
        to[axis..].rotate_right(1);
        self.reshape_at(to.into(), caller)
    }

    /// Removes the axis `axis` of size 1. A negative axis counts from the last one.
    #[track_caller]
    pub fn squeeze(&self, axis: isize) -> Tensor {
        let caller = Source::caller();
        let mut to = self.shape().to_vec();
        match self.shape().axis(axis).filter(|&a| to[a] == 1) {
            Some(axis) => {
                to.remove(axis);
                self.reshape_at(to.into(), caller)
            }
            None => self.record_error(
                "squeeze",
                format!("there is no axis {axis} of size 1"),
                caller,
            ),
        }
    }

    /// Permutes the axes: output axis `i` is input axis `axes[i]`.
    ///
    /// # Example
    /// ```
    /// use wgrad::Device;
    ///
    /// let x = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    /// let y = wgrad::eval(&Device::cpu(), |g| g.tensor([2, 3], x).permute(&[1, 0]))?;
    /// assert_eq!(y.shape, [3, 2].into());
    /// assert_eq!(y.data, [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
    /// # Ok::<(), wgrad::Error>(())
    /// ```
    #[track_caller]
    pub fn permute(&self, axes: &[usize]) -> Tensor {
        if axes.iter().copied().eq(0..self.shape().rank()) {
            return self.clone();
        }
        Tensor::apply(
            Op::Permute(Permute {
                axes: axes.to_vec(),
            }),
            &[self],
            Source::caller(),
        )
    }

    /// Swaps two axes. Negative ones count from the last one.
    #[track_caller]
    pub fn transpose(&self, a: isize, b: isize) -> Tensor {
        let shape = self.shape();
        let (Some(a), Some(b)) = (shape.axis(a), shape.axis(b)) else {
            let reason = format!(
                "the tensor has {} axes; there are no axes {a} and {b}",
                shape.rank()
            );
            return self.record_error("transpose", reason, Source::caller());
        };
        let mut axes: Vec<usize> = (0..shape.rank()).collect();
        axes.swap(a, b);
        self.permute(&axes)
    }

    /// Broadcasts to the shape `to` by NumPy's rules: repeats axes of size 1 and adds axes at the
    /// front.
    #[track_caller]
    pub fn broadcast_to(&self, to: impl Into<Shape>) -> Tensor {
        self.broadcast_at(&to.into(), Source::caller())
    }

    pub(crate) fn broadcast_at(&self, to: &Shape, caller: Source) -> Tensor {
        if self.shape() == *to {
            return self.clone();
        }
        Tensor::apply(
            Op::BroadcastTo(BroadcastTo { to: to.clone() }),
            &[self],
            caller,
        )
    }

    /// Returns elements `start .. start + len` along `axis`. A negative axis counts from the last
    /// one.
    ///
    /// # Example
    /// ```
    /// use wgrad::Device;
    ///
    /// let x = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    /// let y = wgrad::eval(&Device::cpu(), |g| g.tensor([2, 3], x).narrow(-1, 1, 2))?;
    /// assert_eq!(y.data, [2.0, 3.0, 5.0, 6.0]);
    /// # Ok::<(), wgrad::Error>(())
    /// ```
    #[track_caller]
    pub fn narrow(&self, axis: isize, start: usize, len: usize) -> Tensor {
        let shape = self.shape();
        let Some(axis) = shape.axis(axis) else {
            return self.no_axis("slice", axis, Source::caller());
        };
        let mut starts = vec![0; shape.rank()];
        starts[axis] = start;
        self.slice(
            &starts,
            shape.with_axis(axis, len).dims(),
            &vec![1; shape.rank()],
        )
    }

    /// Returns a slice along all axes. For each axis, `start` is the first element, `len` the
    /// number of elements and `step` the distance between them.
    #[track_caller]
    pub fn slice(&self, start: &[usize], len: &[usize], step: &[usize]) -> Tensor {
        let caller = Source::caller();
        if start.len() != len.len() || len.len() != step.len() {
            let reason = "start, len and step must name the same axes".to_string();
            return self.record_error("slice", reason, caller);
        }
        let op = Slice {
            start: start.to_vec(),
            len: len.to_vec(),
            step: step.to_vec(),
        };
        Tensor::apply(Op::Slice(op), &[self], caller)
    }

    /// Reverses the elements along each of `axes`, as `torch.flip`. Negative axes count from the
    /// last one. The result is a view and costs nothing.
    #[track_caller]
    pub fn flip(&self, axes: &[isize]) -> Tensor {
        let caller = Source::caller();
        let shape = self.shape();
        let mut flipped = Vec::with_capacity(axes.len());
        for &axis in axes {
            match shape.axis(axis) {
                Some(a) if flipped.contains(&a) => {
                    let reason = format!("axis {axis} is named twice");
                    return self.record_error("flip", reason, caller);
                }
                Some(a) => flipped.push(a),
                None => return self.no_axis("flip", axis, caller),
            }
        }
        flipped.sort_unstable();
        match flipped.is_empty() {
            true => self.clone(),
            false => self.apply_flip(Flip { axes: flipped }, caller),
        }
    }

    pub(super) fn apply_flip(&self, op: Flip, caller: Source) -> Tensor {
        Tensor::apply(Op::Flip(op), &[self], caller)
    }

    /// Records the error of an axis that does not exist.
    pub(crate) fn no_axis(&self, op: &'static str, axis: isize, caller: Source) -> Tensor {
        let rank = self.shape().rank();
        let axes = if rank == 1 { "axis" } else { "axes" };
        let reason = format!("the tensor has {rank} {axes}; there is no axis {axis}");
        self.record_error(op, reason, caller)
    }
}
