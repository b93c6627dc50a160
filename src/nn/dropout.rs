//! The dropout layer.

use crate::{Source, Tensor};

use super::{Module, traced};

/// In training, zeroes elements with probability `p` and divides the others by `1 - p`; in
/// evaluation, nothing (Srivastava et al., JMLR 2014).
pub struct Dropout {
    p: f64,
    source: Source,
}

impl Dropout {
    /// `p` must be at least 0 and below 1; compiling the model refuses others.
    #[track_caller]
    pub fn new(p: f64) -> Self {
        Dropout {
            p,
            source: Source::caller(),
        }
    }
}

impl Module for Dropout {
    fn forward(&self, x: &Tensor) -> Tensor {
        let scope = Some(x.graph().scope_name());
        x.in_scope(scope, Some(self.source), |x| {
            traced(x, &format!("Dropout({})", self.p), |x| x.dropout(self.p))
        })
    }
}
