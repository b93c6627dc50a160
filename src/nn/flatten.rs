//! The flatten layer.

use crate::Tensor;

use super::{Module, traced};

/// `[batch, ..] -> [batch, n]`: all axes but the first joined into one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Flatten;

impl Module for Flatten {
    #[track_caller]
    fn forward(&self, x: &Tensor) -> Tensor {
        traced(x, "Flatten", |x| x.flatten(1))
    }
}
