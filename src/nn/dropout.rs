//! The dropout layer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Source, Tensor};

use super::{Module, Settings, Unfit, traced};
use crate::schema::{Path, range};

/// Dropout (Srivastava et al., JMLR 2014).
///
/// In training, sets each element to 0 with probability `p` and divides the others by `1 - p`. In
/// evaluation, returns its input.
///
/// # Example
/// ```
/// use wgrad::{Device, nn::{Dropout, Module}};
///
/// let layer = Dropout::new(0.5);
/// let y = wgrad::eval(&Device::cpu(), |g| layer.forward(&g.tensor([1, 3], [1.0, 2.0, 3.0])))?;
/// assert_eq!(y.data, [1.0, 2.0, 3.0]); // `eval` evaluates
/// # Ok::<(), wgrad::Error>(())
/// ```
pub struct Dropout {
    p: f64,
    source: Source,
}

impl Dropout {
    /// Creates a layer with dropout probability `p`, at least 0 and below 1. Compiling the model
    /// fails for other values.
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

/// Sets elements to 0 at random in training; see [`Dropout`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DropoutSpec {
    /// The probability that an element is set to 0.
    #[schemars(with = "range::Fraction", extend("examples" = [0.1]))]
    pub p: f64,
}

impl Settings for DropoutSpec {
    fn build(&self, _: &[usize], _: &Path) -> std::result::Result<Box<dyn Module>, Unfit> {
        Ok(Box::new(Dropout::new(self.p)))
    }
}
