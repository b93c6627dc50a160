//! Reductions as methods: over any axes, which are removed from the shape.

use crate::graph::{Op, Reduce, ReduceKind};
use crate::{Shape, Source, Tensor};

impl Tensor {
    /// Computes the sum over `axes`, which are removed from the shape. Negative axes count from the
    /// last one. An empty list means all axes.
    ///
    /// # Example
    /// ```
    /// use wgrad::Device;
    ///
    /// let (columns, all) = wgrad::eval(&Device::cpu(), |g| {
    ///     let x = g.tensor([2, 2], [1.0, 2.0, 3.0, 4.0]);
    ///     (x.sum(&[0]), x.sum(&[]))
    /// })?;
    /// assert_eq!((columns.data, all.data), (vec![4.0, 6.0], vec![10.0]));
    /// # Ok::<(), wgrad::Error>(())
    /// ```
    #[track_caller]
    pub fn sum(&self, axes: &[isize]) -> Tensor {
        self.reduce(ReduceKind::Sum, axes, Source::caller())
    }

    /// Computes the mean over `axes`; see [`Tensor::sum`]. The mean of no elements is NaN, as in
    /// PyTorch.
    #[track_caller]
    pub fn mean(&self, axes: &[isize]) -> Tensor {
        let caller = Source::caller();
        let total = self.reduce(ReduceKind::Sum, axes, caller);
        let (n, results) = (self.shape().len(), total.shape().len());
        if n == 0 && results > 0 && total.id().is_some() {
            // 0 divided by 0, because there is no NaN constant.
            let zero = total.clone();
            return &total / &zero;
        }
        let n = n as f64 / results.max(1) as f64;
        total * (1.0 / n.max(1.0))
    }

    /// Computes the maximum over `axes`; see [`Tensor::sum`]. Equal elements share the gradient, as
    /// in PyTorch's `amax`.
    #[track_caller]
    pub fn max(&self, axes: &[isize]) -> Tensor {
        self.extreme(ReduceKind::Max, axes, Source::caller())
    }

    /// Computes the minimum over `axes`; see [`Tensor::sum`]. Equal elements share the gradient, as
    /// in PyTorch's `amin`.
    #[track_caller]
    pub fn min(&self, axes: &[isize]) -> Tensor {
        self.extreme(ReduceKind::Min, axes, Source::caller())
    }

    /// Computes the product over `axes`; see [`Tensor::sum`]. If one element is 0, its gradient is
    /// the product of the others, and theirs is 0.
    #[track_caller]
    pub fn prod(&self, axes: &[isize]) -> Tensor {
        self.reduce(ReduceKind::Product, axes, Source::caller())
    }

    /// Sums over the axes that broadcasting to this tensor's shape added or repeated.
    #[track_caller]
    pub(crate) fn sum_to(&self, shape: &Shape) -> Tensor {
        let caller = Source::caller();
        let from = self.shape();
        let new = from.rank().saturating_sub(shape.rank());
        let repeated = |i: usize| i < new || (shape[i - new] == 1 && from[i] != 1);
        let axes: Vec<isize> = (0..from.rank())
            .filter(|&i| repeated(i))
            .map(|i| i as isize)
            .collect();
        if axes.is_empty() {
            return self.reshape_at(shape.clone(), caller);
        }
        let total = self.reduce(ReduceKind::Sum, &axes, caller);
        if total.id().is_none() {
            total
        } else {
            total.reshape_at(shape.clone(), caller)
        }
    }

    pub(super) fn reduce(&self, kind: ReduceKind, axes: &[isize], caller: Source) -> Tensor {
        let shape = self.shape();
        let mut reduced = vec![axes.is_empty(); shape.rank()];
        for &axis in axes {
            let Some(a) = shape.axis(axis) else {
                let reason = format!(
                    "the tensor has {} axes; there is no axis {axis}",
                    shape.rank()
                );
                return self.record_error(kind.name(), reason, caller);
            };
            reduced[a] = true;
        }
        // Runs of adjacent axes, the last first, so that earlier axes keep their positions.
        let mut x = self.clone();
        let mut to = shape.rank();
        while to > 0 {
            let mut from = to;
            while from > 0 && reduced[from - 1] {
                from -= 1;
            }
            if from < to {
                x = Tensor::apply(Op::Reduce(Reduce { kind, from, to }), &[&x], caller);
                to = from;
            } else {
                to -= 1;
            }
        }
        x
    }
}
