//! Initialization of all weights of a module by one rule.

use crate::Tensor;
use crate::graph::Init;

use super::parameter::Rule;
use super::{Module, Visitor};

/// A module whose weights are initialized by a rule: a function from a weight's shape to its
/// initialization. It replaces `module.apply(..)` with a function of `torch.nn.init` in PyTorch.
///
/// Weights are the trained parameters of two or more axes. Vectors whose names start with `bias`
/// (such as `bias_ih_l0`) start at 0. All other parameters, such as the scale of a normalization,
/// keep their own initialization. Where such modules are nested, the inner rule applies. The names
/// of the parameters do not change.
///
/// # Example
/// ```
/// use wgrad::nn::{self, init};
/// use wgrad::prelude::*;
///
/// let model = nn::Sequential::new()
///     .add(nn::Linear::new(4, 8))
///     .add(nn::Tanh)
///     .add(nn::Linear::new(8, 2));
/// let model = nn::Initialized::new(model, |shape| {
///     let (inputs, outputs) = init::fans(shape);
///     init::xavier_uniform(inputs, outputs, init::Gain::Tanh.value())
/// });
/// let mut trainer = Trainer::new(model).compile_for(&Device::cpu(), [4])?;
/// assert_eq!(trainer.weights("2.bias")?, [0.0, 0.0]);
/// # Ok::<(), wgrad::Error>(())
/// ```
pub struct Initialized<M> {
    module: M,
    rule: Box<Rule>,
}

impl<M: Module> Initialized<M> {
    /// Wraps a module with this rule, a function of a weight's shape.
    pub fn new(module: M, rule: impl Fn(&[usize]) -> Init + Send + 'static) -> Self {
        let rule = Box::new(rule);
        Initialized { module, rule }
    }
}

impl<M: Module> Module for Initialized<M> {
    #[track_caller]
    fn forward(&self, x: &Tensor) -> Tensor {
        self.module.forward(x)
    }

    fn visit(&self, visitor: &mut Visitor) {
        visitor.begun(&self.module, self.rule.as_ref());
    }
}
