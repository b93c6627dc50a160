//! The encoder-decoder model.

use super::{
    Activation, TransformerDecoder, TransformerDecoderLayer, TransformerEncoder,
    TransformerEncoderLayer,
};
use crate::nn::{LayerNorm, Module, Visitor, init};
use crate::ops::AttentionOptions;
use crate::{Source, Tensor};

/// The sizes and options of a [`Transformer`]. The defaults are PyTorch's.
///
/// # Example
///
/// ```
/// use wgrad::nn::TransformerConfig;
///
/// let small = TransformerConfig { features: 64, hidden: 256, ..TransformerConfig::default() };
/// assert_eq!((small.heads, small.encoder_layers, small.dropout), (8, 6, 0.1));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct TransformerConfig {
    /// The number of features of a token, PyTorch's `d_model`.
    pub features: usize,
    /// The number of heads, which divides the features.
    pub heads: usize,
    /// The number of blocks of the encoder.
    pub encoder_layers: usize,
    /// The number of blocks of the decoder.
    pub decoder_layers: usize,
    /// The number of features inside the feed-forward parts, PyTorch's `dim_feedforward`.
    pub hidden: usize,
    /// The probability of dropout.
    pub dropout: f64,
    /// The activation of the feed-forward parts.
    pub activation: Activation,
    /// Whether the norms precede attention and feed-forward, PyTorch's `norm_first`.
    pub pre_norm: bool,
}

impl Default for TransformerConfig {
    fn default() -> Self {
        TransformerConfig {
            features: 512,
            heads: 8,
            encoder_layers: 6,
            decoder_layers: 6,
            hidden: 2048,
            dropout: 0.1,
            activation: Activation::Relu,
            pre_norm: false,
        }
    }
}

/// The options of the attention in a [`Transformer`].
///
/// # Example
///
/// ```
/// use wgrad::nn::TransformerOptions;
/// use wgrad::{Tensor, ops::AttentionOptions};
///
/// /// Ignores the padding of the source, where `tokens [batch, s]` are 0.
/// fn ignore_padding(tokens: &Tensor) -> TransformerOptions {
///     let mask = Some(tokens.eq_scalar(0.0).logical_not());
///     let seen = AttentionOptions { mask, ..AttentionOptions::default() };
///     TransformerOptions { source: seen.clone(), memory: seen, ..TransformerOptions::default() }
/// }
/// # let _ = ignore_padding;
/// ```
#[derive(Clone, Debug, Default)]
pub struct TransformerOptions {
    /// The attention within the source: PyTorch's `src_mask` and `src_key_padding_mask`.
    pub source: AttentionOptions,
    /// The attention within the target: `tgt_mask` and `tgt_key_padding_mask`. It is causal by
    /// default.
    pub target: AttentionOptions,
    /// The attention of the target to the encoded source: `memory_mask` and
    /// `memory_key_padding_mask`.
    pub memory: AttentionOptions,
}

/// An encoder-decoder Transformer (Vaswani et al., 2017) between embedded sequences.
///
/// [`attend`](Transformer::attend) takes a source `[batch, s, features]` and a target
/// `[batch, t, features]`, and gives `[batch, t, features]`. Embeddings, positions and the layer of
/// the scores are up to the model around it.
///
/// Parameters have PyTorch's names, `encoder.layers.0.linear1.weight` or `decoder.norm.bias`.
/// Matrices are initialized to Xavier's uniform distribution, as in PyTorch, and biases to 0.
///
/// The attention within the target is causal: a token attends to itself and to earlier tokens.
/// PyTorch's module needs a `tgt_mask` for that. See [`TransformerDecoder::without_causal_mask`].
///
/// # Example
///
/// ```
/// use wgrad::nn::{self, Module};
/// use wgrad::{Device, Tensor, Trainer, loss};
///
/// /// The first 6 vectors of a sample are the source, the others the target.
/// struct Model(nn::Transformer);
///
/// impl Module for Model {
///     fn forward(&self, x: &Tensor) -> Tensor {
///         self.0.attend(&x.narrow(1, 0, 6), &x.narrow(1, 6, 4))
///     }
///     fn visit(&self, v: &mut nn::Visitor) {
///         v.child("transformer", &self.0);
///     }
/// }
///
/// # fn main() -> wgrad::Result<()> {
/// let model = Model(nn::Transformer::new(nn::TransformerConfig {
///     features: 16,
///     heads: 2,
///     encoder_layers: 1,
///     decoder_layers: 1,
///     hidden: 32,
///     ..nn::TransformerConfig::default()
/// }));
/// let trainer = Trainer::new(model).loss(loss::Mse).compile_for(&Device::cpu(), [10, 16])?;
/// assert_eq!(trainer.summary().output.shape.dims()[1..], [4, 16]);
/// # Ok(())
/// # }
/// ```
pub struct Transformer {
    stacks: Stacks,
    source: Source,
}

/// The parts of a model, before the rule of their initialization is applied.
struct Stacks {
    encoder: TransformerEncoder,
    decoder: TransformerDecoder,
}

impl Transformer {
    /// Creates a model of these sizes. Each stack has a layer normalization at its end.
    #[track_caller]
    pub fn new(config: TransformerConfig) -> Self {
        let (features, heads, hidden) = (config.features, config.heads, config.hidden);
        let encoder = TransformerEncoder::new(config.encoder_layers, || {
            let block = TransformerEncoderLayer::new(features, heads, hidden);
            let block = block.activation(config.activation).dropout(config.dropout);
            match config.pre_norm {
                true => block.pre_norm(),
                false => block,
            }
        });
        let decoder = TransformerDecoder::new(config.decoder_layers, || {
            let block = TransformerDecoderLayer::new(features, heads, hidden);
            let block = block.activation(config.activation).dropout(config.dropout);
            match config.pre_norm {
                true => block.pre_norm(),
                false => block,
            }
        });
        let norm = || LayerNorm::new([features]);
        Transformer::from_parts(encoder.norm(norm()), decoder.norm(norm()))
    }

    /// Creates a model of these stacks, PyTorch's `custom_encoder` and `custom_decoder`.
    #[track_caller]
    pub fn from_parts(encoder: TransformerEncoder, decoder: TransformerDecoder) -> Self {
        Transformer {
            stacks: Stacks { encoder, decoder },
            source: Source::caller(),
        }
    }

    /// Returns the encoder, for the memory of a source.
    pub fn encoder(&self) -> &TransformerEncoder {
        &self.stacks.encoder
    }

    /// Returns the decoder, which attends to the memory.
    pub fn decoder(&self) -> &TransformerDecoder {
        &self.stacks.decoder
    }

    /// Returns the output `[batch, t, features]` for a source `[batch, s, features]` and a target
    /// `[batch, t, features]`.
    #[track_caller]
    pub fn attend(&self, source: &Tensor, target: &Tensor) -> Tensor {
        self.attend_with(source, target, &TransformerOptions::default())
    }

    /// Returns the output with options of the attention, such as masks of padding; see
    /// [`attend`](Transformer::attend).
    #[track_caller]
    pub fn attend_with(
        &self,
        source: &Tensor,
        target: &Tensor,
        options: &TransformerOptions,
    ) -> Tensor {
        target.in_scope(None, Some(self.source), |target| {
            let memory = self.encoder().forward_with(source, &options.source);
            let (own, other) = (&options.target, &options.memory);
            self.decoder().attend(target, &memory, own, other)
        })
    }
}

impl Module for Transformer {
    /// Returns the output with `x` as source and as target; see [`attend`](Transformer::attend).
    fn forward(&self, x: &Tensor) -> Tensor {
        self.attend(x, x)
    }

    fn visit(&self, visitor: &mut Visitor) {
        visitor.begun(&self.stacks, &|shape: &[usize]| {
            let (inputs, outputs) = init::fans(shape);
            init::xavier_uniform(inputs, outputs, 1.0)
        });
    }
}

impl Module for Stacks {
    fn forward(&self, x: &Tensor) -> Tensor {
        let (memory, options) = (self.encoder.forward(x), AttentionOptions::default());
        self.decoder.attend(x, &memory, &options, &options)
    }

    fn visit(&self, visitor: &mut Visitor) {
        visitor.child("encoder", &self.encoder);
        visitor.child("decoder", &self.decoder);
    }
}
