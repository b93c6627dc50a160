//! Llama: a language model with RMS norms, rotary positions and gated feed-forward parts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::graph::Init;
use crate::schema::range;
use crate::{Source, Tensor};

use super::{
    Cached, Embedding, LanguageModel, Linear, Module, MultiHeadAttention, RmsNorm, Rope,
    TransformerEncoderLayer, Visitor, traced,
};

/// The deviation of embeddings at the start.
const STD: f32 = 0.02;

/// The sizes of a [`Llama`].
#[derive(Clone, Debug, PartialEq)]
pub struct LlamaConfig {
    /// How many tokens there are.
    pub vocabulary: usize,
    /// How many of them are read at once, at most.
    pub context: usize,
    /// Blocks, one after the other.
    pub blocks: usize,
    /// Heads of the queries; they divide the width.
    pub heads: usize,
    /// Heads of keys and values, which divide the heads: fewer take less memory for the cache.
    pub kv_heads: usize,
    /// Features of a token.
    pub width: usize,
    /// Features inside the feed-forward parts.
    pub hidden: usize,
    /// The base of the rotary positions.
    pub rope_base: f64,
    /// What is added to mean squares.
    pub eps: f64,
    /// Whether the scores are products with the embeddings of the tokens, as in Llama 3.2 1B; else they have weights
    /// of their own.
    pub tied: bool,
}

impl Default for LlamaConfig {
    /// The sizes of [`LlamaSpec::default`] for 256 tokens (bytes).
    fn default() -> Self {
        LlamaSpec::default().config(256)
    }
}

/// The sizes of a [`Llama`] as a configuration says them; the data says how many tokens there are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LlamaSpec {
    /// The largest number of tokens that are read at once.
    #[schemars(with = "range::Count<1>")]
    pub context: usize,
    /// The number of blocks.
    #[schemars(with = "range::Count<1>")]
    pub blocks: usize,
    /// The number of heads of the queries; it divides the width.
    #[schemars(with = "range::Count<1>")]
    pub heads: usize,
    /// The number of heads of keys and values, which divides `heads`; without it, `heads`.
    #[schemars(with = "Option<range::Count<1>>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kv_heads: Option<usize>,
    /// The number of features of a token.
    #[schemars(with = "range::Count<1>")]
    pub width: usize,
    /// The number of features inside the feed-forward parts; without it, two thirds of four times the width, up to a
    /// multiple of 8.
    #[schemars(with = "Option<range::Count<1>>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hidden: Option<usize>,
    /// The base of the rotary positions.
    #[schemars(with = "range::Positive")]
    pub rope_base: f64,
    /// What is added to mean squares.
    #[schemars(with = "range::Positive")]
    pub eps: f64,
    /// Whether the scores are products with the embeddings of the tokens; else they have weights of their own.
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
    /// All sizes, for so many tokens.
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

/// A language model like Llama (Touvron et al., 2023): RMS norms in front, rotary positions, SwiGLU, heads
/// that share keys and values, no biases. Takes tokens `[batch, t]`, gives scores
/// `[batch, t, vocabulary]`.
///
/// Parameters are named as in a PyTorch module of `tokens` (`nn.Embedding`), `blocks` (an `nn.ModuleList`),
/// `norm` (`nn.RMSNorm`) and `head` (`nn.Linear`), where a block has `self_attn` with `in_proj_weight` (queries,
/// keys and values one below the other) and `out_proj`, `feed_forward` with `gate_proj`, `up_proj` and
/// `down_proj`, and the norms `norm1` and `norm2`: `blocks.0.self_attn.in_proj_weight`,
/// `blocks.0.feed_forward.gate_proj.weight`, `blocks.0.norm1.weight`. They start as PyTorch's do, but the
/// embedding normal(0, 0.02).
pub struct Llama {
    config: LlamaConfig,
    tokens: Embedding,
    blocks: Vec<TransformerEncoderLayer>,
    norm: RmsNorm,
    head: Option<Linear>,
    source: Source,
}

impl Llama {
    /// A model of these sizes.
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

    /// The sizes.
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
