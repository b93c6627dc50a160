//! Methods that create tensors: constants, ranges, identity matrices, random numbers and
//! permutations.
//!
//! A tensor belongs to a graph, so these are methods: `self` only selects the graph. Constants and
//! ranges are computed where they are used and take no memory.

use std::rc::Rc;

use crate::ops::constant;
use crate::{DType, Shape, Source, Tensor};

impl Tensor {
    /// Creates an `f32` tensor filled with `value`, as `torch.full`.
    #[track_caller]
    pub fn full(&self, shape: impl Into<Shape>, value: f64) -> Tensor {
        self.filled(shape.into(), value, DType::F32)
    }

    /// Creates an `f32` tensor of zeros, as `torch.zeros`.
    #[track_caller]
    pub fn zeros(&self, shape: impl Into<Shape>) -> Tensor {
        self.filled(shape.into(), 0.0, DType::F32)
    }

    /// Creates an `f32` tensor of ones, as `torch.ones`.
    #[track_caller]
    pub fn ones(&self, shape: impl Into<Shape>) -> Tensor {
        self.filled(shape.into(), 1.0, DType::F32)
    }

    #[track_caller]
    fn filled(&self, shape: Shape, value: f64, dtype: DType) -> Tensor {
        let graph = self.shared_graph();
        match self.id() {
            Some(_) => constant(&graph, value, shape, dtype),
            None => Tensor::broken(Rc::clone(&graph)),
        }
    }

    /// Creates the `u32` vector `0, 1, .., n - 1`, such as indices of rows, classes or positions.
    #[track_caller]
    pub fn numbers(&self, n: usize) -> Tensor {
        let caller = Source::caller();
        self.filled([n].into(), 0.0, DType::U32).counted(caller)
    }

    /// Creates the `f32` vector `start, start + step, ..` up to but not including `end`, as
    /// `torch.arange`. Element `i` is `start + i step`; `i` is exact up to 2^24. See
    /// [`Tensor::numbers`] for integers.
    #[track_caller]
    pub fn arange(&self, start: f64, end: f64, step: f64) -> Tensor {
        let caller = Source::caller();
        let n = ((end - start) / step).ceil();
        if !(n >= 0.0) || n > f64::from(1 << 24) {
            let reason = format!(
                "expected a range of 0 to 2^24 numbers, found the range from {start} to {end} by {step}"
            );
            return self.record_error("arange", reason, caller);
        }
        self.numbers(n as usize).cast(DType::F32) * step + start
    }

    /// Creates the `f32` vector of `n` evenly spaced numbers from `start` to `end`, both included,
    /// as `torch.linspace`. With `n = 1` it is `start`. The second half is computed from `end`, so
    /// the last number is exact.
    #[track_caller]
    pub fn linspace(&self, start: f64, end: f64, n: usize) -> Tensor {
        if n < 2 {
            return self.full([n], start);
        }
        let step = (end - start) / (n - 1) as f64;
        let i = self.numbers(n).cast(DType::F32);
        let half = (n / 2) as f64;
        let first = i.lt(&i.constant_like(half));
        let (up, down) = (&i * step + start, (&i - (n - 1) as f64) * step + end);
        first.select(&up, &down)
    }

    /// Creates the `f32` matrix `[m, n]` with ones on its main diagonal and zeros elsewhere, as
    /// `torch.eye`.
    #[track_caller]
    pub fn eye(&self, m: usize, n: usize) -> Tensor {
        // Both triangles are elementwise, so the matrix is computed where it is used.
        self.ones([m, n]).tril(0).triu(0)
    }

    /// Creates an `f32` tensor whose elements are 1 with probability `p`, else 0, independently of
    /// each other. The numbers are new in each step.
    #[track_caller]
    pub fn random_bernoulli(&self, p: f64, shape: impl Into<Shape>) -> Tensor {
        let caller = Source::caller();
        if !(0.0..=1.0).contains(&p) {
            let reason = format!("expected a probability from 0 to 1, found {p}");
            return self.record_error("random_bernoulli", reason, caller);
        }
        let drawn = self.random_uniform(shape);
        drawn.lt(&drawn.constant_like(p)).cast(DType::F32)
    }

    /// Creates a random permutation of `0, 1, .., n - 1`, `u32`, new in each step, as
    /// `torch.randperm`. It is the order of `n` random numbers of 32 bits. Equal random numbers
    /// keep their order; for a thousand numbers, this happens once in 8,600 times.
    #[track_caller]
    pub fn random_permutation(&self, n: usize) -> Tensor {
        self.random_bits([n]).argsort(0, false)
    }
}
