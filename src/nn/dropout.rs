//! The dropout layer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Source, Tensor};

use super::{Module, Settings, Unfit, traced};
use crate::schema::{Path, range};

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

/// Zeros at random in training; see [`Dropout`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DropoutSpec {
    /// The probability of a zero.
    #[schemars(with = "range::Fraction", extend("examples" = [0.1]))]
    pub p: f64,
}

impl Settings for DropoutSpec {
    fn build(&self, _: &[usize], _: &Path) -> std::result::Result<Box<dyn Module>, Unfit> {
        Ok(Box::new(Dropout::new(self.p)))
    }
}
