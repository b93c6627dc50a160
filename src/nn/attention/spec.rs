//! The settings of multi-head attention.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::MultiHeadAttention;
use crate::nn::spec::yes;
use crate::nn::{InitSpec, Module, RopeSpec, Settings, Unfit};
use crate::schema::{Path, range};

/// Attention within sequences `[time, features]`; see [`MultiHeadAttention`].
///
/// # Example
///
/// ```
/// use wgrad::nn::LayerSpec;
///
/// let spec: LayerSpec = serde_json::from_str(r#"{ "type": "multi_head_attention", "heads": 4, "rope": {} }"#)?;
/// let (_layer, output) = spec.build(&[10, 32])?;
/// assert_eq!(output, [10, 32]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MultiHeadAttentionSpec {
    /// The number of heads, which divides the features.
    #[schemars(with = "range::Count<1>", extend("examples" = [4]))]
    pub heads: usize,
    /// Whether a position attends only to itself and to earlier ones.
    #[serde(default)]
    pub causal: bool,
    /// The rotary positions, as `{}` for the defaults; without it, there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rope: Option<RopeSpec>,
    /// Whether there is a bias.
    #[serde(default = "yes")]
    pub bias: bool,
    /// The initialization of the weights; without it, PyTorch's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init: Option<InitSpec>,
}

impl MultiHeadAttentionSpec {
    /// Returns the number of features of such samples, and the layer for them.
    pub(in crate::nn) fn attention(
        &self,
        sample: &[usize],
    ) -> Result<(usize, MultiHeadAttention), String> {
        let [time, features] = *sample else {
            return Err("it takes sequences, [time, features]".to_string());
        };
        let heads = self.heads;
        if heads == 0 || !features.is_multiple_of(heads) {
            return Err(format!(
                "{features} features do not fall into {heads} heads"
            ));
        }
        let mut attention = MultiHeadAttention::new(features, heads);
        if self.causal {
            attention = attention.causal();
        }
        if !self.bias {
            attention = attention.without_bias();
        }
        if let Some(rope) = &self.rope {
            attention = attention.rope(rope.build(features / heads, time)?, 0);
        }
        Ok((features, attention))
    }
}

impl Settings for MultiHeadAttentionSpec {
    fn build(&self, sample: &[usize], _: &Path) -> Result<Box<dyn Module>, Unfit> {
        let (_, attention) = self.attention(sample)?;
        Ok(Box::new(attention))
    }

    fn init(&self) -> Option<&InitSpec> {
        self.init.as_ref()
    }
}
