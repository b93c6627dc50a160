//! Random tensors: uniform, normal and dropout, from the graph's key.
//!
//! The key is an input of two words: the seed and the number of the step. So each training step
//! draws different numbers, and repeating a step draws the same ones. Every source of random
//! numbers in a graph has its own stream.

use crate::graph::{Elementwise, Op, Scalar};
use crate::ops::elementwise::random_function;
use crate::{DType, Shape, Source, Tensor};

/// The name of the input with the seed and the number of the step, `u32 [2]`.
pub const KEY: &str = "random.key";

impl Tensor {
    /// Draws uniform random numbers in `[0, 1)` with 24 bits, new in each step.
    #[track_caller]
    pub fn random_uniform(&self, shape: impl Into<Shape>) -> Tensor {
        self.random("random_uniform", shape.into(), Source::caller())
    }

    /// Draws normal random numbers with mean 0 and variance 1, new in each step.
    #[track_caller]
    pub fn random_normal(&self, shape: impl Into<Shape>) -> Tensor {
        self.random("random_normal", shape.into(), Source::caller())
    }

    /// Draws random integers of 32 bits, `u32`, new in each step.
    #[track_caller]
    pub fn random_bits(&self, shape: impl Into<Shape>) -> Tensor {
        self.random("random_bits", shape.into(), Source::caller())
    }

    /// Applies dropout (Srivastava et al., JMLR 2014, in the inverted form). In training, each
    /// element becomes 0 with probability `p`, and the others are divided by `1 - p`. In
    /// evaluation, the tensor is not changed.
    #[track_caller]
    pub fn dropout(&self, p: f64) -> Tensor {
        let caller = Source::caller();
        if !(0.0..1.0).contains(&p) {
            let reason = format!("expected a probability of at least 0 and below 1, found {p}");
            return self.record_error("dropout", reason, caller);
        }
        if p == 0.0 || !self.is_training() {
            return self.clone();
        }
        let keep = self
            .random_uniform(self.shape())
            .ge_scalar(p)
            .cast(DType::F32);
        self * (keep * (1.0 / (1.0 - p)))
    }

    fn random(&self, name: &str, shape: Shape, caller: Source) -> Tensor {
        let graph = self.shared_graph();
        let Some(function) = random_function(name).filter(|_| self.id().is_some()) else {
            return Tensor::broken(graph);
        };
        let known = graph.borrow().ids().find(
            |&id| matches!(&graph.borrow().node(id).op, Op::Input(input) if input.name == KEY),
        );
        let key = match known {
            Some(id) => Tensor::new(std::rc::Rc::clone(&graph), id),
            None => crate::ops::input(&graph, KEY, [2], DType::U32),
        };
        let stream = graph.borrow_mut().next_stream();
        let word = |i| key.narrow(0, i, 1).broadcast_at(&shape, caller);
        let op = Elementwise {
            function,
            constants: vec![Scalar(f64::from(stream))],
        };
        Tensor::apply(Op::Elementwise(op), &[&word(0), &word(1)], caller)
    }
}
