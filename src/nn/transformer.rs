//! The blocks of Transformers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ops::AttentionOptions;
use crate::{Source, Tensor};

use super::{
    Cached, Dropout, InitSpec, LayerNorm, Linear, Module, MultiHeadAttention, RmsNorm, Rope,
    Settings, Unfit, Visitor, traced,
};
use crate::schema::{Path, range};

/// What stands between the two layers of a feed-forward part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// `max(x, 0)`, PyTorch's default.
    #[default]
    Relu,
    /// `x (1 + erf(x / sqrt(2))) / 2`.
    Gelu,
    /// GELU by `tanh`, as in GPT-2.
    GeluTanh,
}

impl Activation {
    fn apply(self, x: &Tensor) -> Tensor {
        match self {
            Activation::Relu => x.relu(),
            Activation::Gelu => x.gelu(),
            Activation::GeluTanh => x.gelu_tanh(),
        }
    }
}

/// `down(silu(gate(x)) up(x))` (Shazeer, 2020), without biases: the feed-forward part of Llama, with its
/// names. Takes and gives `[.., features]`.
pub struct SwiGlu {
    gate_proj: Linear,
    up_proj: Linear,
    down_proj: Linear,
}

impl SwiGlu {
    /// From `features` to `hidden` and back.
    #[track_caller]
    pub fn new(features: usize, hidden: usize) -> Self {
        SwiGlu {
            gate_proj: Linear::new(features, hidden).without_bias(),
            up_proj: Linear::new(features, hidden).without_bias(),
            down_proj: Linear::new(hidden, features).without_bias(),
        }
    }
}

impl Module for SwiGlu {
    fn forward(&self, x: &Tensor) -> Tensor {
        traced(x, "SwiGLU", |x| {
            let gate = self.gate_proj.forward(x).silu();
            self.down_proj.forward(&(gate * self.up_proj.forward(x)))
        })
    }
    fn visit(&self, visitor: &mut Visitor) {
        visitor.child("gate_proj", &self.gate_proj);
        visitor.child("up_proj", &self.up_proj);
        visitor.child("down_proj", &self.down_proj);
    }
}

/// The feed-forward part of a block.
enum FeedForward {
    Two(Linear, Activation, Linear),
    Gated(SwiGlu),
}

impl FeedForward {
    fn forward(&self, x: &Tensor, dropout: &Dropout) -> Tensor {
        match self {
            FeedForward::Two(up, activation, down) => {
                let hidden = activation.apply(&up.forward(x));
                down.forward(&dropout.forward(&hidden))
            }
            FeedForward::Gated(gated) => gated.forward(x),
        }
    }

    fn visit(&self, visitor: &mut Visitor) {
        match self {
            FeedForward::Two(up, _, down) => {
                visitor.child("linear1", up);
                visitor.child("linear2", down);
            }
            FeedForward::Gated(gated) => visitor.child("feed_forward", gated),
        }
    }
}

/// What all blocks have.
struct Block {
    features: usize,
    hidden: usize,
    self_attn: MultiHeadAttention,
    feed_forward: FeedForward,
    norms: Vec<Box<dyn Module>>,
    dropout: Dropout,
    pre_norm: bool,
    source: Source,
}

impl Block {
    #[track_caller]
    fn new(features: usize, heads: usize, hidden: usize, norms: usize) -> Self {
        let norm = |_| -> Box<dyn Module> { Box::new(LayerNorm::new([features])) };
        Block {
            features,
            hidden,
            self_attn: MultiHeadAttention::new(features, heads),
            feed_forward: FeedForward::Two(
                Linear::new(features, hidden),
                Activation::Relu,
                Linear::new(hidden, features),
            ),
            norms: (0..norms).map(norm).collect(),
            dropout: Dropout::new(0.0),
            pre_norm: false,
            source: Source::caller(),
        }
    }

    /// One part with its norm and its residual: `x + f(norm(x))`, or `norm(x + f(x))`.
    fn part(&self, x: &Tensor, norm: usize, f: impl FnOnce(&Tensor) -> Tensor) -> Tensor {
        let normed = |x: &Tensor| self.norms.get(norm).map_or(x.clone(), |n| n.forward(x));
        match self.pre_norm {
            true => x + self.dropout.forward(&f(&normed(x))),
            false => normed(&(x + self.dropout.forward(&f(x)))),
        }
    }

    fn fed_forward(&self, x: &Tensor, norm: usize) -> Tensor {
        self.part(x, norm, |x| self.feed_forward.forward(x, &self.dropout))
    }

    fn visit_norms(&self, visitor: &mut Visitor) {
        for (i, norm) in self.norms.iter().enumerate() {
            visitor.child(&format!("norm{}", i + 1), norm.as_ref());
        }
    }
}

/// The methods that say how a block is made; the same for all.
macro_rules! block_options {
    ($block:ident) => {
        impl $block {
            /// The same block with its norms before attention and feed-forward instead of behind the
            /// residuals.
            pub fn pre_norm(mut self) -> Self {
                self.block.pre_norm = true;
                self
            }

            /// The same block with another activation.
            pub fn activation(mut self, activation: Activation) -> Self {
                if let FeedForward::Two(_, old, _) = &mut self.block.feed_forward {
                    *old = activation;
                }
                self
            }

            /// The same block with a gated feed-forward part, named `feed_forward`.
            #[track_caller]
            pub fn swiglu(mut self) -> Self {
                let (features, hidden) = (self.block.features, self.block.hidden);
                self.block.feed_forward = FeedForward::Gated(SwiGlu::new(features, hidden));
                self
            }

            /// The same block with RMS normalization instead of layer normalization.
            #[track_caller]
            pub fn rms_norm(mut self, eps: f64) -> Self {
                for norm in &mut self.block.norms {
                    *norm = Box::new(RmsNorm::new([self.block.features]).eps(eps));
                }
                self
            }

            /// The same block with dropout behind attention, activation and feed-forward.
            #[track_caller]
            pub fn dropout(mut self, p: f64) -> Self {
                self.block.dropout = Dropout::new(p);
                self
            }

            /// The same block with another attention within the sequence.
            pub fn self_attention(mut self, attention: MultiHeadAttention) -> Self {
                self.block.self_attn = attention;
                self
            }

            /// The same block, where a token sees those before it only.
            pub fn causal(mut self) -> Self {
                self.block.self_attn = self.block.self_attn.causal();
                self
            }

            /// The same block with queries and keys rotated by their positions.
            pub fn rope(mut self, rope: Rope) -> Self {
                self.block.self_attn = self.block.self_attn.rope(rope, 0);
                self
            }
        }
    };
}

/// Attention within the sequence, then a feed-forward part, each with a residual and a norm: PyTorch's
/// layer of this name, with its parameters' names; with [`causal`](Self::causal), a block of a GPT.
/// Takes and gives `[batch, time, features]`.
pub struct TransformerEncoderLayer {
    block: Block,
}

block_options!(TransformerEncoderLayer);

impl TransformerEncoderLayer {
    /// Of `features` in `heads` heads, with `hidden` features in the feed-forward part; norms behind the
    /// residuals, ReLU, and no dropout.
    #[track_caller]
    pub fn new(features: usize, heads: usize, hidden: usize) -> Self {
        TransformerEncoderLayer {
            block: Block::new(features, heads, hidden, 2),
        }
    }

    /// The output, for example with a mask of padding.
    #[track_caller]
    pub fn forward_with(&self, x: &Tensor, options: &AttentionOptions) -> Tensor {
        let block = &self.block;
        x.in_scope(None, Some(block.source), |x| {
            let x = block.part(x, 0, |x| block.self_attn.forward_with(x, options));
            block.fed_forward(&x, 1)
        })
    }
}

impl TransformerEncoderLayer {
    /// The output for the tokens of one text that follow those in a cache, whose block `at` this is.
    #[track_caller]
    pub fn forward_cached(&self, x: &Tensor, cached: &Cached, at: usize) -> Tensor {
        let block = &self.block;
        x.in_scope(None, Some(block.source), |x| {
            let attend = |x: &Tensor| block.self_attn.forward_cached(x, cached, at);
            block.fed_forward(&block.part(x, 0, attend), 1)
        })
    }
}

impl Module for TransformerEncoderLayer {
    fn forward(&self, x: &Tensor) -> Tensor {
        self.forward_with(x, &AttentionOptions::default())
    }
    fn visit(&self, visitor: &mut Visitor) {
        visitor.child("self_attn", &self.block.self_attn);
        self.block.feed_forward.visit(visitor);
        self.block.visit_norms(visitor);
    }
}

/// Attention within the sequence, attention to a memory, then a feed-forward part: PyTorch's layer of this
/// name, with its parameters' names. PyTorch masks the future outside the layer; here call
/// [`causal`](Self::causal).
pub struct TransformerDecoderLayer {
    block: Block,
    multihead_attn: MultiHeadAttention,
}

block_options!(TransformerDecoderLayer);

impl TransformerDecoderLayer {
    /// Like [`TransformerEncoderLayer::new`].
    #[track_caller]
    pub fn new(features: usize, heads: usize, hidden: usize) -> Self {
        TransformerDecoderLayer {
            block: Block::new(features, heads, hidden, 3),
            multihead_attn: MultiHeadAttention::new(features, heads),
        }
    }

    /// The output for `x [batch, t, features]` and a memory `[batch, s, features]`; `own` are the
    /// options of the attention within `x`, `other` those of the attention to the memory.
    #[track_caller]
    pub fn attend(
        &self,
        x: &Tensor,
        memory: &Tensor,
        own: &AttentionOptions,
        other: &AttentionOptions,
    ) -> Tensor {
        let block = &self.block;
        x.in_scope(None, Some(block.source), |x| {
            let x = block.part(x, 0, |x| block.self_attn.forward_with(x, own));
            let x = block.part(&x, 1, |x| {
                self.multihead_attn.attend(x, (memory, memory), other)
            });
            block.fed_forward(&x, 2)
        })
    }
}

impl Module for TransformerDecoderLayer {
    /// Attends to its own input as the memory; see [`TransformerDecoderLayer::attend`].
    fn forward(&self, x: &Tensor) -> Tensor {
        let options = AttentionOptions::default();
        self.attend(x, x, &options, &options)
    }
    fn visit(&self, visitor: &mut Visitor) {
        visitor.child("self_attn", &self.block.self_attn);
        visitor.child("multihead_attn", &self.multihead_attn);
        self.block.feed_forward.visit(visitor);
        self.block.visit_norms(visitor);
    }
}

/// A block of attention and feed-forward for sequences `[time, features]`; see [`TransformerEncoderLayer`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TransformerEncoderLayerSpec {
    /// The number of heads, which divides the features.
    #[schemars(with = "range::Count<1>", extend("examples" = [4]))]
    pub heads: usize,
    /// The number of features inside the feed-forward part.
    #[schemars(with = "range::Count<1>", extend("examples" = [256]))]
    pub hidden: usize,
    /// Whether the norms stand before attention and feed-forward.
    #[serde(default)]
    pub pre_norm: bool,
    /// Whether a position sees only those up to itself.
    #[serde(default)]
    pub causal: bool,
    /// The activation of the feed-forward part.
    #[serde(default)]
    pub activation: Activation,
    /// Dropout behind attention, activation and feed-forward.
    #[serde(default)]
    #[schemars(with = "range::Fraction")]
    pub dropout: f64,
    /// The initialization of the weights; without it, PyTorch's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init: Option<InitSpec>,
}

impl Settings for TransformerEncoderLayerSpec {
    fn build(&self, sample: &[usize], _: &Path) -> std::result::Result<Box<dyn Module>, Unfit> {
        let [_, features] = *sample else {
            return Err("it takes sequences, [time, features]".to_string().into());
        };
        if self.heads == 0 || !features.is_multiple_of(self.heads) {
            let heads = self.heads;
            return Err(format!("{features} features do not fall into {heads} heads").into());
        }
        let mut block = TransformerEncoderLayer::new(features, self.heads, self.hidden)
            .activation(self.activation)
            .dropout(self.dropout);
        if self.pre_norm {
            block = block.pre_norm();
        }
        if self.causal {
            block = block.causal();
        }
        Ok(Box::new(block))
    }

    fn init(&self) -> Option<&InitSpec> {
        self.init.as_ref()
    }
}
