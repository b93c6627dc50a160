//! Llama: a language model with RMS norms, rotary position embeddings and gated feed-forward
//! networks.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::graph::Init;
use crate::schema::range;
use crate::{Source, Tensor};

use super::{
    Cached, Embedding, LanguageModel, Linear, Module, MultiHeadAttention, RmsNorm, Rope,
    TransformerEncoderLayer, Visitor, traced,
};

/// The standard deviation of the initial embeddings.
const STD: f32 = 0.02;

/// The sizes of a [`Llama`].
///
/// # Example
/// ```
/// use wgrad::nn::LlamaConfig;
///
/// let config = LlamaConfig { vocabulary: 65, blocks: 6, ..LlamaConfig::default() };
/// assert_eq!((config.blocks, config.width), (6, LlamaConfig::default().width));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct LlamaConfig {
    /// The number of tokens in the vocabulary.
    pub vocabulary: usize,
    /// The largest number of tokens of an input.
    pub context: usize,
    /// The number of blocks.
    pub blocks: usize,
    /// The number of query heads. It must divide the width.
    pub heads: usize,
    /// The number of key and value heads. It must divide `heads`; fewer heads need less memory for
    /// the cache.
    pub kv_heads: usize,
    /// The number of features of a token.
    pub width: usize,
    /// The number of hidden features of the feed-forward networks.
    pub hidden: usize,
    /// The base of the rotary position embeddings.
    pub rope_base: f64,
    /// Added to mean squares.
    pub eps: f64,
    /// Whether the output layer shares the weights of the token embedding, as in Llama 3.2 1B.
    pub tied: bool,
}

impl Default for LlamaConfig {
    /// The sizes of [`LlamaSpec::default`], for 256 tokens (bytes).
    fn default() -> Self {
        LlamaSpec::default().config(256)
    }
}

/// The sizes of a [`Llama`] in a configuration. The size of the vocabulary follows from the data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LlamaSpec {
    /// The largest number of tokens of an input.
    #[schemars(with = "range::Count<1>")]
    pub context: usize,
    /// The number of blocks.
    #[schemars(with = "range::Count<1>")]
    pub blocks: usize,
    /// The number of query heads. It must divide the width.
    #[schemars(with = "range::Count<1>")]
    pub heads: usize,
    /// The number of key and value heads. It must divide `heads`. Default: `heads`.
    #[schemars(with = "Option<range::Count<1>>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kv_heads: Option<usize>,
    /// The number of features of a token.
    #[schemars(with = "range::Count<1>")]
    pub width: usize,
    /// The number of hidden features of the feed-forward networks. Default: two thirds of four
    /// times the width, rounded up to a multiple of 8.
    #[schemars(with = "Option<range::Count<1>>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hidden: Option<usize>,
    /// The base of the rotary position embeddings.
    #[schemars(with = "range::Positive")]
    pub rope_base: f64,
    /// Added to mean squares.
    #[schemars(with = "range::Positive")]
    pub eps: f64,
    /// Whether the output layer shares the weights of the token embedding.
    pub tied: bool,
}

impl Default for LlamaSpec {
    fn default() -> Self {
        LlamaSpec {
            context: 128,
            blocks: 4,
            heads: 4,
            kv_heads: None,
            width: 128,
            hidden: None,
            rope_base: 1e4,
            eps: 1e-5,
            tied: false,
        }
    }
}

impl LlamaSpec {
    /// Returns all sizes, for a vocabulary of this size.
    pub fn config(&self, vocabulary: usize) -> LlamaConfig {
        let usual = (self.width.saturating_mul(8) / 3).next_multiple_of(8);
        LlamaConfig {
            vocabulary,
            context: self.context,
            blocks: self.blocks,
            heads: self.heads,
            kv_heads: self.kv_heads.unwrap_or(self.heads),
            width: self.width,
            hidden: self.hidden.unwrap_or(usual),
            rope_base: self.rope_base,
            eps: self.eps,
            tied: self.tied,
        }
    }
}

/// A language model like Llama (Touvron et al., 2023), with pre-norm blocks of RMS norms, rotary
/// position embeddings, SwiGLU and grouped-query attention, without biases.
///
/// Takes tokens `[batch, t]`, and returns logits `[batch, t, vocabulary]`.
///
/// Parameters are named as in a PyTorch module of `tokens` (`nn.Embedding`), `blocks` (an
/// `nn.ModuleList`), `norm` (`nn.RMSNorm`) and `head` (`nn.Linear`). A block has `self_attn` with
/// `in_proj_weight` (queries, keys and values, one below the other) and `out_proj`, `feed_forward`
/// with `gate_proj`, `up_proj` and `down_proj`, and the norms `norm1` and `norm2`:
/// `blocks.0.self_attn.in_proj_weight`, `blocks.0.feed_forward.gate_proj.weight`,
/// `blocks.0.norm1.weight`. They are initialized as in PyTorch, except the embedding: normal(0,
/// 0.02).
///
/// # Example
/// ```
/// use wgrad::prelude::*;
///
/// let config = nn::LlamaConfig {
///     vocabulary: 20, context: 8, blocks: 1, heads: 4, kv_heads: 2, width: 16,
///     ..nn::LlamaConfig::default()
/// };
/// let mut trainer = Trainer::new(nn::Llama::new(config)).compile_for(&Device::cpu(), [4])?;
/// let tokens = Dataset::from_arrays(vec![3.0, 7.0, 1.0, 0.0], [4], Targets::Unlabelled)?;
/// assert_eq!(trainer.predict(&tokens)?.shape, [1, 4, 20].into());
/// # Ok::<(), wgrad::Error>(())
/// ```
pub struct Llama {
    config: LlamaConfig,
    tokens: Embedding,
    blocks: Vec<TransformerEncoderLayer>,
    norm: RmsNorm,
    head: Option<Linear>,
    source: Source,
}

impl Llama {
    /// Creates a model of these sizes.
    #[track_caller]
    pub fn new(config: LlamaConfig) -> Self {
        let (vocabulary, width, heads) = (config.vocabulary, config.width, config.heads);
        let mut blocks = Vec::with_capacity(config.blocks);
        for _ in 0..config.blocks {
            let rope = Rope::new(width / heads.max(1), config.context).with_base(config.rope_base);
            let attention = MultiHeadAttention::new(width, heads).kv_heads(config.kv_heads);
            let attention = attention.without_bias().causal().rope(rope, 0);
            let block = TransformerEncoderLayer::new(width, heads, config.hidden).pre_norm();
            let block = block.swiglu().rms_norm(config.eps);
            blocks.push(block.self_attention(attention));
        }
        Llama {
            tokens: Embedding::new(vocabulary, width).init(Init::Normal { std: STD }),
            blocks,
            norm: RmsNorm::new([width]).eps(config.eps),
            head: (!config.tied).then(|| Linear::new(width, vocabulary).without_bias()),
            config,
            source: Source::caller(),
        }
    }

    /// Returns the sizes.
    pub fn config(&self) -> &LlamaConfig {
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

impl Module for Llama {
    fn forward(&self, x: &Tensor) -> Tensor {
        x.in_scope(None, Some(self.source), |x| {
            let x = self.tokens.forward(x);
            let x = self.blocks.iter().fold(x, |x, block| block.forward(&x));
            self.scores(&x)
        })
    }

    fn visit(&self, visitor: &mut Visitor) {
        visitor.child("tokens", &self.tokens);
        for (i, block) in self.blocks.iter().enumerate() {
            visitor.child(&format!("blocks.{i}"), block);
        }
        visitor.child("norm", &self.norm);
        if let Some(head) = &self.head {
            visitor.child("head", head);
        }
    }
}

impl LanguageModel for Llama {
    fn vocabulary(&self) -> usize {
        self.config.vocabulary
    }

    fn context(&self) -> usize {
        self.config.context
    }

    fn caches(&self) -> Vec<(usize, usize)> {
        let d = self.config.width / self.config.heads.max(1);
        vec![(self.config.kv_heads, d); self.config.blocks]
    }

    fn forward_cached(&self, tokens: &Tensor, cached: &Cached) -> Tensor {
        tokens.in_scope(None, Some(self.source), |tokens| {
            let mut x = self.tokens.forward(tokens);
            for (i, block) in self.blocks.iter().enumerate() {
                x = block.forward_cached(&x, cached, i);
            }
            self.scores(&cached.last_of(&x))
        })
    }
}
