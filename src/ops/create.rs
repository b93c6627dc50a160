//! Tensors made from nothing: equal numbers, counts, even distances, identity matrices, random numbers and
//! permutations.
//!
//! A tensor belongs to a graph, so these are methods: `self` says which graph, and no more. Equal numbers, and
//! what is counted, are computed where they are used, and take no memory.

use std::rc::Rc;

use crate::ops::constant;
use crate::{DType, Shape, Source, Tensor};

impl Tensor {
    /// The number `value` everywhere, `f32`, as `torch.full`.
    #[track_caller]
    pub fn full(&self, shape: impl Into<Shape>, value: f64) -> Tensor {
        self.filled(shape.into(), value, DType::F32)
    }

    /// Zeros, `f32`, as `torch.zeros`.
    #[track_caller]
    pub fn zeros(&self, shape: impl Into<Shape>) -> Tensor {
        self.filled(shape.into(), 0.0, DType::F32)
    }

    /// Ones, `f32`, as `torch.ones`.
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

    /// `0, 1, .., n - 1`, `u32`: the numbers of rows, classes or positions.
    #[track_caller]
    pub fn numbers(&self, n: usize) -> Tensor {
        let caller = Source::caller();
        self.filled([n].into(), 0.0, DType::U32).counted(caller)
    }

    /// `start, start + step, ..` up to but not including `end`, `f32`, as `torch.arange`. Element `i` is
    /// `start + i step`: `i` is exact up to 2^24. See [`Tensor::numbers`] for whole numbers.
    #[track_caller]
    pub fn arange(&self, start: f64, end: f64, step: f64) -> Tensor {
        let caller = Source::caller();
        let n = ((end - start) / step).ceil();
        if !(n >= 0.0) || n > f64::from(1 << 24) {
            let reason = format!("from {start} to {end} by {step} are not 0 to 2^24 numbers");
            return self.record_error("arange", reason, caller);
        }
        self.numbers(n as usize).cast(DType::F32) * step + start
    }

    /// `n` numbers at even distances from `start` to `end`, both included, `f32`, as `torch.linspace`; one
    /// number is `start`. The second half is counted from the end, so that the last number is exact.
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

    /// The matrix `[m, n]` with ones on its main diagonal and zeros elsewhere, `f32`, as `torch.eye`.
    #[track_caller]
    pub fn eye(&self, m: usize, n: usize) -> Tensor {
        // Between both triangles: so it is computed where it is used.
        self.ones([m, n]).tril(0).triu(0)
    }

    /// 1 with probability `p`, else 0, each on its own; `f32`, new ones at each step.
    #[track_caller]
    pub fn random_bernoulli(&self, p: f64, shape: impl Into<Shape>) -> Tensor {
        let caller = Source::caller();
        if !(0.0..=1.0).contains(&p) {
            let reason = format!("the probability {p} must be from 0 to 1");
            return self.record_error("random_bernoulli", reason, caller);
        }
        let drawn = self.random_uniform(shape);
        drawn.lt(&drawn.constant_like(p)).cast(DType::F32)
    }

    /// `0, 1, .., n - 1` in random order, `u32`, a new one at each step, as `torch.randperm`: the order of `n` random
    /// numbers of 32 bits. Where two of these are equal, which for a thousand happens once in 8,600 times, the two
    /// keep their order.
    #[track_caller]
    pub fn random_permutation(&self, n: usize) -> Tensor {
        self.random_bits([n]).argsort(0, false)
    }
}
