//! The flatten layer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Tensor;

use super::{Module, Settings, Unfit, traced};
use crate::schema::Path;

/// `[batch, ..] -> [batch, n]`: all axes but the first joined into one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Flatten;

impl Module for Flatten {
    #[track_caller]
    fn forward(&self, x: &Tensor) -> Tensor {
        traced(x, "Flatten", |x| x.flatten(1))
    }
}

/// All axes of a sample as one; see [`Flatten`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FlattenSpec {}

impl Settings for FlattenSpec {
    fn build(&self, _: &[usize], _: &Path) -> std::result::Result<Box<dyn Module>, Unfit> {
        Ok(Box::new(Flatten))
    }
}
