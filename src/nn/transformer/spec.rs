//! The settings of a block.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Activation, TransformerEncoderLayer};
use crate::nn::{InitSpec, Module, MultiHeadAttentionSpec, RopeSpec, Settings, Unfit};
use crate::schema::{Path, range};

/// An encoder block for sequences `[time, features]`; see [`TransformerEncoderLayer`].
///
/// # Example
///
/// ```
/// use wgrad::nn::LayerSpec;
///
/// let spec: LayerSpec = serde_json::from_str(r#"{ "type": "transformer_encoder_layer", "heads": 4, "hidden": 64 }"#)?;
/// let (_layer, output) = spec.build(&[10, 32])?;
/// assert_eq!(output, [10, 32]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TransformerEncoderLayerSpec {
    /// The number of heads, which divides the features.
    #[schemars(with = "range::Count<1>", extend("examples" = [4]))]
    pub heads: usize,
    /// The number of features inside the feed-forward part.
    #[schemars(with = "range::Count<1>", extend("examples" = [256]))]
    pub hidden: usize,
    /// Whether the norms precede attention and feed-forward.
    #[serde(default)]
    pub pre_norm: bool,
    /// Whether a position attends only to itself and to earlier ones.
    #[serde(default)]
    pub causal: bool,
    /// The rotary positions, as `{}` for the defaults; without it, there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rope: Option<RopeSpec>,
    /// The activation of the feed-forward part.
    #[serde(default)]
    pub activation: Activation,
    /// The probability of dropout after attention, activation and feed-forward.
    #[serde(default)]
    #[schemars(with = "range::Fraction")]
    pub dropout: f64,
    /// The initialization of the weights; without it, PyTorch's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init: Option<InitSpec>,
}

impl Settings for TransformerEncoderLayerSpec {
    fn build(&self, sample: &[usize], _: &Path) -> Result<Box<dyn Module>, Unfit> {
        let attention = MultiHeadAttentionSpec {
            heads: self.heads,
            causal: self.causal,
            rope: self.rope.clone(),
            bias: true,
            init: None,
        };
        let (features, attention) = attention.attention(sample)?;
        let block = TransformerEncoderLayer::new(features, self.heads, self.hidden)
            .self_attention(attention)
            .activation(self.activation)
            .dropout(self.dropout);
        Ok(match self.pre_norm {
            true => Box::new(block.pre_norm()),
            false => Box::new(block),
        })
    }

    fn init(&self) -> Option<&InitSpec> {
        self.init.as_ref()
    }
}
