//! Transformers: encoder and decoder blocks, stacks of them, and the encoder-decoder model.

mod block;
mod encoder_decoder;
mod feed_forward;
mod spec;
mod stack;

pub use encoder_decoder::{Transformer, TransformerConfig, TransformerOptions};
pub use feed_forward::{Activation, SwiGlu};
pub use spec::TransformerEncoderLayerSpec;
pub use stack::{TransformerDecoder, TransformerEncoder};

use crate::Tensor;
use crate::ops::AttentionOptions;

use super::{Cached, Module, MultiHeadAttention, Visitor};
use block::{Block, block_options};

/// An encoder block: attention within the sequence, then a feed-forward part, each with a residual
/// and a norm.
///
/// Input and output are `[batch, time, features]`. The layer computes what PyTorch's layer of this
/// name computes, and its parameters have the same names. With [`causal`](Self::causal) it is a
/// block of a GPT.
///
/// # Example
///
/// ```
/// use wgrad::{Device, Trainer, loss, nn};
///
/// # fn main() -> wgrad::Result<()> {
/// let block = nn::TransformerEncoderLayer::new(16, 4, 32).pre_norm().causal();
/// let trainer = Trainer::new(block).loss(loss::Mse).compile_for(&Device::cpu(), [10, 16])?;
/// assert_eq!(trainer.summary().output.shape.dims()[1..], [10, 16]);
/// assert_eq!(trainer.parameters().next(), Some("self_attn.in_proj_weight"));
/// # Ok(())
/// # }
/// ```
pub struct TransformerEncoderLayer {
    block: Block,
}

block_options!(TransformerEncoderLayer);

impl TransformerEncoderLayer {
    /// Creates a block with `heads` heads, which must divide `features`, and `hidden` features in
    /// the feed-forward part. The norms follow the residuals, the activation is ReLU, and there is
    /// no dropout.
    #[track_caller]
    pub fn new(features: usize, heads: usize, hidden: usize) -> Self {
        TransformerEncoderLayer {
            block: Block::new(features, heads, hidden, 2),
        }
    }

    /// Returns the output with options of the attention, such as a mask of padding.
    #[track_caller]
    pub fn forward_with(&self, x: &Tensor, options: &AttentionOptions) -> Tensor {
        let block = &self.block;
        x.in_scope(None, Some(block.source), |x| {
            let x = block.part(x, 0, |x| block.self_attn.forward_with(x, options));
            block.fed_forward(&x, 1)
        })
    }

    /// Returns the output for the tokens of one text that follow those in a cache. `at` is the
    /// number of this block in the cache.
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
        self.block.visit_rest(visitor);
    }
}

/// A decoder block: attention within the sequence, attention to a memory, then a feed-forward part,
/// each with a residual and a norm.
///
/// The layer computes what PyTorch's layer of this name computes, and its parameters have the same
/// names. Like there, a single layer has no causal mask by default; [`causal`](Self::causal) adds
/// it. A [`TransformerDecoder`] has it.
///
/// # Example
///
/// ```
/// use wgrad::nn::{self, Module};
/// use wgrad::{Device, Tensor, Trainer, loss, ops};
///
/// /// Attends from the first 4 vectors of a sample to the others.
/// struct Model(nn::TransformerDecoderLayer);
///
/// impl Module for Model {
///     fn forward(&self, x: &Tensor) -> Tensor {
///         let (own, memory) = (x.narrow(1, 0, 4), x.narrow(1, 4, 6));
///         let options = ops::AttentionOptions::default();
///         self.0.attend(&own, &memory, &options, &options)
///     }
///     fn visit(&self, v: &mut nn::Visitor) {
///         v.child("block", &self.0);
///     }
/// }
///
/// # fn main() -> wgrad::Result<()> {
/// let model = Model(nn::TransformerDecoderLayer::new(16, 4, 32).causal());
/// let trainer = Trainer::new(model).loss(loss::Mse).compile_for(&Device::cpu(), [10, 16])?;
/// assert_eq!(trainer.summary().output.shape.dims()[1..], [4, 16]);
/// # Ok(())
/// # }
/// ```
pub struct TransformerDecoderLayer {
    block: Block,
    multihead_attn: MultiHeadAttention,
}

block_options!(TransformerDecoderLayer);

impl TransformerDecoderLayer {
    /// Creates a block; see [`TransformerEncoderLayer::new`].
    #[track_caller]
    pub fn new(features: usize, heads: usize, hidden: usize) -> Self {
        TransformerDecoderLayer {
            block: Block::new(features, heads, hidden, 3),
            multihead_attn: MultiHeadAttention::new(features, heads),
        }
    }

    /// Returns the output for `x [batch, t, features]` and `memory [batch, s, features]`. `own` are
    /// the options of the attention within `x`, `other` those of the attention to the memory.
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
    /// Returns the output with `x` as the memory, too; see [`TransformerDecoderLayer::attend`].
    fn forward(&self, x: &Tensor) -> Tensor {
        let options = AttentionOptions::default();
        self.attend(x, x, &options, &options)
    }
    fn visit(&self, visitor: &mut Visitor) {
        visitor.child("self_attn", &self.block.self_attn);
        visitor.child("multihead_attn", &self.multihead_attn);
        self.block.visit_rest(visitor);
    }
}
