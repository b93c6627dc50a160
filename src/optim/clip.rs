//! Clipping: gradients that are too large are made smaller.

use crate::{Error, Result, Tensor};

/// How gradients are clipped before the update. With both bounds, the value's goes first.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Clip {
    /// The largest global norm; all gradients are scaled alike.
    pub norm: Option<f64>,
    /// The largest magnitude of an element.
    pub value: Option<f64>,
}

impl Clip {
    /// Whether the bounds are above 0.
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

    /// The clipped gradients.
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

/// The factor that all gradients are multiplied with so that their global norm is at most `max`:
/// `min(max / (norm + 1e-6), 1)`, as PyTorch's `clip_grad_norm_` (Pascanu, Mikolov, Bengio, 2013).
/// `None` for no gradients.
fn factor(gradients: &[Tensor], max: f64) -> Option<Tensor> {
    Some((max / (global_norm(gradients)? + 1e-6)).clamp(0.0, 1.0))
}

/// The norm of all gradients together, also where their squares overflow. `None` for no gradients.
pub(crate) fn global_norm(gradients: &[Tensor]) -> Option<Tensor> {
    let total = |scale: Option<f64>| {
        let scaled = gradients.iter().map(|g| match scale {
            Some(scale) => (g * scale).square().sum(&[]),
            None => g.square().sum(&[]),
        });
        scaled.reduce(|a, b| a + b)
    };
    // Where the squares overflow, those of much smaller gradients are taken: a power of 2, so that nothing is rounded.
    // (Where they vanish, the norm is far below what clipping adds to it.)
    let (usual, large) = (total(None)?, total(Some(DOWN))?);
    let overflow = usual.gt_scalar(LARGEST);
    Some(overflow.select(&(large.sqrt() * (1.0 / DOWN)), &usual.sqrt()))
}

/// What gradients are multiplied by so that not even squares of the largest numbers overflow: 2^-80.
const DOWN: f64 = 1.0 / (1u128 << 80) as f64;

/// A sum of squares above this is not trusted.
const LARGEST: f64 = 1e38;
