//! First values by a rule, for all weights of a module.

use crate::Tensor;
use crate::graph::Init;

use super::parameter::Rule;
use super::{Module, Visitor};

/// A module whose weights are initialized by a rule, a function of their shapes, as after `module.apply(..)` with one of
/// `torch.nn.init` in PyTorch.
///
/// Weights are the trained parameters of two axes or more. Vectors called `bias` (and `bias_ih_l0` and its
/// like) begin with 0; all others, such as the scale of a normalization, with what they would have begun with.
/// What is inside another one of these has the inner one's rule. Names stay as they are.
///
/// ```
/// use wgrad::nn::{self, init};
///
/// let model = nn::Sequential::new().add(nn::Linear::new(4, 8)).add(nn::Tanh).add(nn::Linear::new(8, 2));
/// let model = nn::Initialized::new(model, |shape| {
///     let (inputs, outputs) = init::fans(shape);
///     init::xavier_uniform(inputs, outputs, init::Gain::Tanh.value())
/// });
/// # let _ = model;
/// ```
pub struct Initialized<M> {
    module: M,
    rule: Box<Rule>,
}

impl<M: Module> Initialized<M> {
    /// With this rule, a function of a weight's shape.
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
