//! The reshape layer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Shape, Source, Tensor};

use super::{Module, Settings, Unfit, traced};
use crate::schema::{Path, range};

/// Reshapes each sample: `[batch, ..] -> [batch, shape]`, as Keras's `Reshape`.
///
/// # Example
/// ```
/// use wgrad::{Device, nn::{Module, Reshape}};
///
/// let layer = Reshape::new([1, 2, 3]);
/// let y = wgrad::eval(&Device::cpu(), |g| layer.forward(&g.tensor([4, 6], vec![0.0; 24])))?;
/// assert_eq!(y.shape, [4, 1, 2, 3].into());
/// # Ok::<(), wgrad::Error>(())
/// ```
pub struct Reshape {
    shape: Shape,
    source: Source,
}

impl Reshape {
    /// Creates a layer with the given output shape of a sample, without the batch axis. It must
    /// have as many elements as a sample of the input.
    #[track_caller]
    pub fn new(shape: impl Into<Shape>) -> Self {
        Reshape {
            shape: shape.into(),
            source: Source::caller(),
        }
    }
}

impl Module for Reshape {
    fn forward(&self, x: &Tensor) -> Tensor {
        let scope = Some(x.graph().scope_name());
        x.in_scope(scope, Some(self.source), |x| {
            let given = x.shape();
            let mut shape: Vec<usize> = given.iter().take(1).copied().collect();
            let (have, want): (usize, usize) = (given.iter().skip(1).product(), self.shape.len());
            if x.id().is_some() && (shape.is_empty() || have != want) {
                let reason = format!(
                    "expected samples of {want} elements, the size of the shape {}, found {have} (input {given})",
                    self.shape
                );
                return x.record_error("reshape", reason, self.source);
            }
            shape.extend(self.shape.iter());
            traced(x, &format!("Reshape({})", self.shape), |x| x.reshape(shape))
        })
    }
}

/// Reshapes each sample; see [`Reshape`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReshapeSpec {
    /// The shape of a sample, without the batch axis.
    #[schemars(with = "range::Counts", extend("examples" = [[1, 28, 28]]))]
    pub shape: Vec<usize>,
}

impl Settings for ReshapeSpec {
    fn build(&self, _: &[usize], _: &Path) -> std::result::Result<Box<dyn Module>, Unfit> {
        Ok(Box::new(Reshape::new(self.shape.as_slice())))
    }
}
