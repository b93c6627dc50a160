//! NumPy broadcasting, by nodes before an elementwise op.

use crate::{Source, Tensor};

/// Broadcasts the tensors to their common shape. Returns `None` if there is none.
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
