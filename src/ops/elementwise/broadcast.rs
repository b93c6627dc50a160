//! NumPy broadcasting, as nodes in front of an elementwise op.

use crate::{Source, Tensor};

/// The tensors broadcast to their common shape, or `None` where they do not fit together.
pub fn broadcast_all(tensors: &[&Tensor], caller: Source) -> Option<Vec<Tensor>> {
    let mut shape = tensors.first()?.shape();
    for t in tensors {
        shape = shape.broadcast(&t.shape())?;
    }
    Some(
        tensors
            .iter()
            .map(|t| t.broadcast_at(&shape, caller))
            .collect(),
    )
}
