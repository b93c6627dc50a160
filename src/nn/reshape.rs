//! The reshape layer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Shape, Source, Tensor};

use super::{Module, Settings, Unfit, traced};
use crate::schema::{Path, range};

/// `[batch, ..] -> [batch, shape]`: the same numbers of each sample under another shape, as Keras's `Reshape`.
pub struct Reshape {
    shape: Shape,
    source: Source,
}

impl Reshape {
    /// To samples of this shape, without the batch; it must hold as many numbers as the input's samples.
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
                    "the layer gives {} for a sample, {want} numbers, but a sample of {given} has {have}",
                    self.shape
                );
                return x.record_error("reshape", reason, self.source);
            }
            shape.extend(self.shape.iter());
            traced(x, &format!("Reshape({})", self.shape), |x| x.reshape(shape))
        })
    }
}

/// The same numbers under another shape; see [`Reshape`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReshapeSpec {
    /// The shape of a sample.
    #[schemars(with = "range::Counts", extend("examples" = [[1, 28, 28]]))]
    pub shape: Vec<usize>,
}

impl Settings for ReshapeSpec {
    fn build(&self, _: &[usize], _: &Path) -> std::result::Result<Box<dyn Module>, Unfit> {
        Ok(Box::new(Reshape::new(self.shape.as_slice())))
    }
}
