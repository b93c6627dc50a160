//! Gradient clipping.

use crate::{Error, Result, Tensor};

/// How gradients are clipped before the update. With both limits, `value` is applied first.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Clip {
    /// The largest global norm. All gradients are multiplied by the same factor.
    pub norm: Option<f64>,
    /// The largest magnitude of an element.
    pub value: Option<f64>,
}

impl Clip {
    /// Checks that the limits are above 0.
    pub(crate) fn check(&self) -> Result<()> {
        for (what, bound) in [
            ("clip_grad_norm", self.norm),
            ("clip_grad_value", self.value),
        ] {
            if let Some(max) = bound.filter(|max| !(*max > 0.0 && max.is_finite())) {
                return Err(Error::argument(what, max, "a number above 0"));
            }
        }
        Ok(())
    }

    /// Returns the clipped gradients.
    pub fn apply(&self, mut gradients: Vec<Tensor>) -> Vec<Tensor> {
        if let Some(max) = self.value {
            gradients.iter_mut().for_each(|g| *g = g.clamp(-max, max));
        }
        if let Some(factor) = self.norm.and_then(|max| factor(&gradients, max)) {
            gradients.iter_mut().for_each(|g| *g = &*g * &factor);
        }
        gradients
    }
}

/// Returns the factor of all gradients that limits their global norm to `max`: `min(max / (norm +
/// 1e-6), 1)`, as in PyTorch's `clip_grad_norm_` (Pascanu, Mikolov and Bengio, 2013). `None` if
/// there are no gradients.
fn factor(gradients: &[Tensor], max: f64) -> Option<Tensor> {
    Some((max / (global_norm(gradients)? + 1e-6)).clamp(0.0, 1.0))
}

/// Returns the norm of all gradients together, even if their squares overflow. `None` if there are
/// no gradients.
pub(crate) fn global_norm(gradients: &[Tensor]) -> Option<Tensor> {
    let total = |scale: Option<f64>| {
        let scaled = gradients.iter().map(|g| match scale {
            Some(scale) => (g * scale).square().sum(&[]),
            None => g.square().sum(&[]),
        });
        scaled.reduce(|a, b| a + b)
    };
    // If the squares overflow, those of scaled gradients are used. The scale is a power of 2, so
    // the scaling is exact. (If they underflow, the norm is far below the 1e-6 that clipping adds.)
    let (usual, large) = (total(None)?, total(Some(DOWN))?);
    let overflow = usual.gt_scalar(LARGEST);
    Some(overflow.select(&(large.sqrt() * (1.0 / DOWN)), &usual.sqrt()))
}

/// The scale of gradients whose squares would overflow: 2^-80.
const DOWN: f64 = 1.0 / (1u128 << 80) as f64;

/// A sum of squares above this is not trusted.
const LARGEST: f64 = 1e38;
