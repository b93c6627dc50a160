//! The flatten layer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Tensor;

use super::{Module, Settings, Unfit, traced};
use crate::schema::Path;

/// Flattens all axes but the first: `[batch, ..] -> [batch, n]`.
///
/// # Example
/// ```
/// use wgrad::{Device, nn::{Flatten, Module}};
///
/// let x = vec![0.0; 18];
/// let y = wgrad::eval(&Device::cpu(), |g| Flatten.forward(&g.tensor([2, 1, 3, 3], x)))?;
/// assert_eq!(y.shape, [2, 9].into());
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Flatten;

impl Module for Flatten {
    #[track_caller]
    fn forward(&self, x: &Tensor) -> Tensor {
        traced(x, "Flatten", |x| x.flatten(1))
    }
}

/// Flattens all axes of a sample into one; see [`Flatten`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FlattenSpec {}

impl Settings for FlattenSpec {
    fn build(&self, _: &[usize], _: &Path) -> std::result::Result<Box<dyn Module>, Unfit> {
        Ok(Box::new(Flatten))
    }
}
