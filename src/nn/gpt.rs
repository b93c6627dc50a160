//! GPT: a decoder-only Transformer language model.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::graph::Init;
use crate::schema::range;
use crate::{Source, Tensor};

use super::{
    Activation, Cached, Dropout, Embedding, LanguageModel, LayerNorm, LearnedPositions, Linear,
    Module, TransformerEncoderLayer, Visitor, traced,
};

/// The standard deviation of the initial embeddings, as in GPT-2.
const STD: f32 = 0.02;

/// The sizes of a [`Gpt`].
///
/// # Example
/// ```
/// use wgrad::nn::GptConfig;
///
/// let config = GptConfig { vocabulary: 65, blocks: 6, ..GptConfig::default() };
/// assert_eq!((config.blocks, config.width), (6, 128));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GptConfig {
    /// The number of tokens in the vocabulary. A configuration takes it from the data.
    #[serde(skip)]
    pub vocabulary: usize,
    /// The largest number of tokens of an input.
    #[schemars(with = "range::Count<1>")]
    pub context: usize,
    /// The number of blocks.
    #[schemars(with = "range::Count<1>")]
    pub blocks: usize,
    /// The number of attention heads. It must divide the width.
    #[schemars(with = "range::Count<1>")]
    pub heads: usize,
    /// The number of features of a token; the feed-forward networks have four times as many.
    #[schemars(with = "range::Count<1>")]
    pub width: usize,
    /// The probability of dropout after embeddings, attention and feed-forward networks.
    #[schemars(with = "range::Fraction")]
    pub dropout: f64,
    /// Whether the output layer shares the weights of the token embedding, as in GPT-2.
    pub tied: bool,
}

impl Default for GptConfig {
    /// 256 tokens (bytes), a context of 128, 4 blocks of 4 heads, a width of 128, no dropout, not
    /// tied.
    fn default() -> Self {
        GptConfig {
            vocabulary: 256,
            context: 128,
            blocks: 4,
            heads: 4,
            width: 128,
            dropout: 0.0,
            tied: false,
        }
    }
}

/// A language model like GPT-2 (Radford et al., 2019), with learned positions, pre-norm blocks and
/// GELU.
///
/// Takes tokens `[batch, t]`, and returns logits `[batch, t, vocabulary]`.
///
/// Parameters are named as in a PyTorch module of `tokens` and `positions` (`nn.Embedding`),
/// `blocks` (an `nn.ModuleList` of `nn.TransformerEncoderLayer` with `norm_first=True` and
/// `activation="gelu"`), `norm` (`nn.LayerNorm`) and `head` (`nn.Linear` without bias):
/// `tokens.weight`, `positions.weight`, `blocks.0.self_attn.in_proj_weight`,
/// `blocks.0.linear1.weight`, `norm.weight`, `head.weight`. They are initialized as in PyTorch,
/// except the embeddings: normal(0, 0.02).
///
/// # Example
/// ```
/// use wgrad::prelude::*;
///
/// let config = nn::GptConfig {
///     vocabulary: 20, context: 8, blocks: 1, heads: 2, width: 16,
///     ..nn::GptConfig::default()
/// };
/// let mut trainer = Trainer::new(nn::Gpt::new(config)).compile_for(&Device::cpu(), [4])?;
/// let tokens = Dataset::from_arrays(vec![3.0, 7.0, 1.0, 0.0], [4], Targets::Unlabelled)?;
/// assert_eq!(trainer.predict(&tokens)?.shape, [1, 4, 20].into());
/// # Ok::<(), wgrad::Error>(())
/// ```
pub struct Gpt {
    config: GptConfig,
    tokens: Embedding,
    positions: LearnedPositions,
    dropout: Dropout,
    blocks: Vec<TransformerEncoderLayer>,
    norm: LayerNorm,
    head: Option<Linear>,
    source: Source,
}

impl Gpt {
    /// Creates a model of these sizes.
    #[track_caller]
    pub fn new(config: GptConfig) -> Self {
        let (vocabulary, width) = (config.vocabulary, config.width);
        let small = || Init::Normal { std: STD };
        let mut blocks = Vec::with_capacity(config.blocks);
        for _ in 0..config.blocks {
            let hidden = width.saturating_mul(4);
            let block = TransformerEncoderLayer::new(width, config.heads, hidden);
            let block = block.pre_norm().causal().activation(Activation::Gelu);
            blocks.push(block.dropout(config.dropout));
        }
        Gpt {
            tokens: Embedding::new(vocabulary, width).init(small()),
            positions: LearnedPositions::new(config.context, width).init(small()),
            dropout: Dropout::new(config.dropout),
            blocks,
            norm: LayerNorm::new([width]),
            head: (!config.tied).then(|| Linear::new(width, vocabulary).without_bias()),
            config,
            source: Source::caller(),
        }
    }

    /// Returns the sizes.
    pub fn config(&self) -> &GptConfig {
        &self.config
    }

    fn scores(&self, x: &Tensor) -> Tensor {
        let x = self.norm.forward(x);
        match &self.head {
            Some(head) => head.forward(&x),
            None => traced(&x, "tied head", |x| {
                x.matmul_t(&self.tokens.weight().tensor(x))
            }),
        }
    }
}

impl Module for Gpt {
    fn forward(&self, x: &Tensor) -> Tensor {
        x.in_scope(None, Some(self.source), |x| {
            let x = self.positions.forward(&self.tokens.forward(x));
            let x = self.dropout.forward(&x);
            let x = self.blocks.iter().fold(x, |x, block| block.forward(&x));
            self.scores(&x)
        })
    }

    fn visit(&self, visitor: &mut Visitor) {
        visitor.child("tokens", &self.tokens);
        visitor.child("positions", &self.positions);
        for (i, block) in self.blocks.iter().enumerate() {
            visitor.child(&format!("blocks.{i}"), block);
        }
        visitor.child("norm", &self.norm);
        if let Some(head) = &self.head {
            visitor.child("head", head);
        }
    }
}

impl LanguageModel for Gpt {
    fn vocabulary(&self) -> usize {
        self.config.vocabulary
    }

    fn context(&self) -> usize {
        self.config.context
    }

    fn caches(&self) -> Vec<(usize, usize)> {
        let d = self.config.width / self.config.heads.max(1);
        vec![(self.config.heads, d); self.config.blocks]
    }

    fn forward_cached(&self, tokens: &Tensor, cached: &Cached) -> Tensor {
        tokens.in_scope(None, Some(self.source), |tokens| {
            let x = self.tokens.forward(tokens);
            let mut x = match cached.position() {
                Some(position) => self.positions.forward_at(&x, position),
                None => self.positions.forward(&x),
            };
            for (i, block) in self.blocks.iter().enumerate() {
                x = block.forward_cached(&x, cached, i);
            }
            self.scores(&cached.last_of(&x))
        })
    }
}
