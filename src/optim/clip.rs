//! Clipping by the global norm.

use crate::Tensor;

/// The factor that all gradients are multiplied with so that their global norm is at most `max`:
/// `min(max / (norm + 1e-6), 1)`, as PyTorch's `clip_grad_norm_` (Pascanu, Mikolov, Bengio, 2013).
/// `None` for no gradients.
pub(crate) fn clip_factor(gradients: &[Tensor], max: f64) -> Option<Tensor> {
    let squares = gradients.iter().map(|g| g.square().sum(&[]));
    let total = squares.reduce(|a, b| a + b)?;
    let norm = total.sqrt();
    Some((max / (norm + 1e-6)).clamp(0.0, 1.0))
}
