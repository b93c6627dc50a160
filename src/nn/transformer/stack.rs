//! Stacks of blocks.

use super::{TransformerDecoderLayer, TransformerEncoderLayer};
use crate::nn::{Module, Visitor};
use crate::ops::AttentionOptions;
use crate::{Source, Tensor};

/// A stack of encoder blocks, with an optional norm after the last one.
///
/// Input and output are `[batch, time, features]`. Parameters have PyTorch's names:
/// `layers.0.self_attn.in_proj_weight`, `norm.weight`.
///
/// # Example
///
/// ```
/// use wgrad::{Device, Trainer, loss, nn};
///
/// # fn main() -> wgrad::Result<()> {
/// let block = || nn::TransformerEncoderLayer::new(16, 4, 32).pre_norm();
/// let encoder = nn::TransformerEncoder::new(2, block).norm(nn::LayerNorm::new([16]));
/// let trainer = Trainer::new(encoder).loss(loss::Mse).compile_for(&Device::cpu(), [10, 16])?;
/// assert_eq!(trainer.summary().output.shape.dims()[1..], [10, 16]);
/// assert_eq!(trainer.parameters().last(), Some("norm.bias"));
/// # Ok(())
/// # }
/// ```
pub struct TransformerEncoder {
    layers: Vec<TransformerEncoderLayer>,
    norm: Option<Box<dyn Module>>,
    source: Source,
}

impl TransformerEncoder {
    /// Creates a stack of `count` blocks. `layer` creates each of them.
    #[track_caller]
    pub fn new(count: usize, layer: impl Fn() -> TransformerEncoderLayer) -> Self {
        TransformerEncoder {
            layers: (0..count).map(|_| layer()).collect(),
            norm: None,
            source: Source::caller(),
        }
    }

    /// Adds a norm after the last block. Stacks of blocks with
    /// [`pre_norm`](TransformerEncoderLayer::pre_norm) need one.
    pub fn norm(self, norm: impl Module + 'static) -> Self {
        TransformerEncoder {
            norm: Some(Box::new(norm)),
            ..self
        }
    }

    /// Returns the output with options of the attention in all blocks, such as a mask of padding.
    #[track_caller]
    pub fn forward_with(&self, x: &Tensor, options: &AttentionOptions) -> Tensor {
        x.in_scope(None, Some(self.source), |x| {
            let blocks = self.layers.iter();
            let x = blocks.fold(x.clone(), |x, block| block.forward_with(&x, options));
            normed(&self.norm, x)
        })
    }
}

impl Module for TransformerEncoder {
    fn forward(&self, x: &Tensor) -> Tensor {
        self.forward_with(x, &AttentionOptions::default())
    }
    fn visit(&self, visitor: &mut Visitor) {
        visit(&self.layers, &self.norm, visitor);
    }
}

/// A stack of decoder blocks, with an optional norm after the last one.
///
/// Parameters have PyTorch's names: `layers.0.multihead_attn.out_proj.weight`, `norm.weight`.
///
/// The attention within the target is causal: a token attends to itself and to earlier tokens.
/// PyTorch's module needs a `tgt_mask` for that. [`without_causal_mask`](Self::without_causal_mask)
/// turns it off.
///
/// # Example
///
/// ```
/// use wgrad::nn::{LayerNorm, TransformerDecoder, TransformerDecoderLayer};
///
/// // A stack like the decoder of T5's small model, but for its norms and its positions.
/// let block = || TransformerDecoderLayer::new(512, 8, 2048).pre_norm().dropout(0.1);
/// let decoder = TransformerDecoder::new(6, block).norm(LayerNorm::new([512]));
/// assert_eq!(decoder.len(), 6);
/// ```
pub struct TransformerDecoder {
    layers: Vec<TransformerDecoderLayer>,
    norm: Option<Box<dyn Module>>,
    causal: bool,
    source: Source,
}

impl TransformerDecoder {
    /// Creates a stack of `count` blocks. `layer` creates each of them.
    #[track_caller]
    pub fn new(count: usize, layer: impl Fn() -> TransformerDecoderLayer) -> Self {
        TransformerDecoder {
            layers: (0..count).map(|_| layer()).collect(),
            norm: None,
            causal: true,
            source: Source::caller(),
        }
    }

    /// Adds a norm after the last block. Stacks of blocks with
    /// [`pre_norm`](TransformerDecoderLayer::pre_norm) need one.
    pub fn norm(self, norm: impl Module + 'static) -> Self {
        TransformerDecoder {
            norm: Some(Box::new(norm)),
            ..self
        }
    }

    /// Lets a token attend to later tokens, too.
    pub fn without_causal_mask(self) -> Self {
        TransformerDecoder {
            causal: false,
            ..self
        }
    }

    /// Returns the number of blocks.
    pub fn len(&self) -> usize {
        self.layers.len()
    }

    /// Returns whether there is no block.
    pub fn is_empty(&self) -> bool {
        self.layers.is_empty()
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
        let own = AttentionOptions {
            causal: own.causal.or(self.causal.then_some(0)),
            ..own.clone()
        };
        x.in_scope(None, Some(self.source), |x| {
            let blocks = self.layers.iter();
            let x = blocks.fold(x.clone(), |x, block| block.attend(&x, memory, &own, other));
            normed(&self.norm, x)
        })
    }
}

impl Module for TransformerDecoder {
    /// Returns the output with `x` as the memory, too; see [`TransformerDecoder::attend`].
    fn forward(&self, x: &Tensor) -> Tensor {
        let options = AttentionOptions::default();
        self.attend(x, x, &options, &options)
    }
    fn visit(&self, visitor: &mut Visitor) {
        visit(&self.layers, &self.norm, visitor);
    }
}

fn normed(norm: &Option<Box<dyn Module>>, x: Tensor) -> Tensor {
    norm.as_ref().map_or(x.clone(), |norm| norm.forward(&x))
}

fn visit<M: Module>(layers: &[M], norm: &Option<Box<dyn Module>>, visitor: &mut Visitor) {
    for (i, layer) in layers.iter().enumerate() {
        visitor.child(&format!("layers.{i}"), layer);
    }
    if let Some(norm) = norm {
        visitor.child("norm", norm.as_ref());
    }
}
