//! The settings of parallel branches.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema::{Path, range};

use super::{LayerSpec, Module, Parallel, Settings, Unfit};

/// How the outputs of branches are joined.
///
/// # Example
///
/// ```
/// use wgrad::nn::{Join, ParallelSpec};
///
/// let spec: ParallelSpec = serde_json::from_str(r#"{ "branches": ["relu", "tanh"], "join": "sum" }"#)?;
/// assert_eq!(spec.join, Join::Sum);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Join {
    /// One after the other along an axis.
    #[default]
    Concat,
    /// Their sum.
    Sum,
}

/// Branches that are applied to the same input, and whose outputs are joined; see [`Parallel`].
///
/// # Example
///
/// ```
/// use wgrad::nn::LayerSpec;
///
/// // A block of an Inception network: 8 + 16 channels.
/// let spec: LayerSpec = serde_json::from_str(
///     r#"{ "type": "parallel", "branches": [
///         { "type": "conv2d", "out": 8, "kernel": 1 },
///         { "type": "conv2d", "out": 16, "kernel": 3, "padding": 1 }
///     ] }"#,
/// )?;
/// let (_layer, output) = spec.build(&[3, 10, 10])?;
/// assert_eq!(output, [24, 10, 10]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ParallelSpec {
    /// The branches: a layer each, or a `sequential` of several.
    #[schemars(length(min = 1), extend("x-expected" = "a list of at least one layer", "examples" = [["relu", "tanh"]]))]
    pub branches: Vec<LayerSpec>,
    /// How the outputs are joined.
    #[serde(default)]
    pub join: Join,
    /// The axis of a sample along which `concat` joins: 0 is the first one, such as channels.
    #[serde(default)]
    #[schemars(with = "range::Count<0>")]
    pub axis: usize,
}

impl Settings for ParallelSpec {
    fn build(&self, sample: &[usize], at: &Path) -> Result<Box<dyn Module>, Unfit> {
        let at = at.key("branches");
        let mut parallel = match self.join {
            Join::Sum => Parallel::sum(),
            // The first axis of a batch counts its samples.
            Join::Concat => {
                Parallel::concat(isize::try_from(self.axis.saturating_add(1)).unwrap_or(isize::MAX))
            }
        };
        let mut outputs: Vec<Vec<usize>> = Vec::with_capacity(self.branches.len());
        for (i, branch) in self.branches.iter().enumerate() {
            let (layer, output) = branch.build_at(sample, &at.item(i))?;
            parallel = parallel.add(layer);
            outputs.push(output);
        }
        if let Some(reason) = self.unfit(&outputs) {
            return Err(reason.into());
        }
        Ok(Box::new(parallel))
    }

    fn inside(&self, key: &str) -> &[LayerSpec] {
        match key {
            "branches" => &self.branches,
            _ => &[],
        }
    }
}

impl ParallelSpec {
    /// Returns why outputs of these shapes cannot be joined.
    fn unfit(&self, outputs: &[Vec<usize>]) -> Option<String> {
        let first = outputs.first()?;
        let axis = match self.join {
            Join::Sum => None,
            Join::Concat if self.axis >= first.len() => {
                return Some(format!(
                    "branch 0 gives {first:?}, which has no axis {} to join along",
                    self.axis
                ));
            }
            Join::Concat => Some(self.axis),
        };
        let size = |shape: &[usize]| {
            let sizes = shape.iter().enumerate();
            let sizes = sizes.filter(|(i, _)| Some(*i) != axis);
            (shape.len(), sizes.map(|(_, n)| *n).collect::<Vec<_>>())
        };
        let (i, other) = outputs
            .iter()
            .enumerate()
            .find(|(_, shape)| size(shape) != size(first))?;
        let how = match axis {
            None => "added".to_string(),
            Some(axis) => format!("joined along axis {axis}"),
        };
        Some(format!(
            "branch 0 gives {first:?}, but branch {i} gives {other:?}, so they cannot be {how}"
        ))
    }
}
