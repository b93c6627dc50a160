//! The BERT encoder, with the parameter names of the published models.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ops::AttentionOptions;
use crate::schema::range;
use crate::{DType, Shape, Source, Tensor};

use super::{Embedding, LayerNorm, LearnedPositions, Linear, Module, Visitor};

/// The sizes of a [`Bert`] encoder.
///
/// # Example
/// ```
/// use wgrad::nn::BertConfig;
///
/// let config = BertConfig { layers: 2, ..BertConfig::MINILM_L6 };
/// assert_eq!((config.layers, config.width), (2, 384));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BertConfig {
    /// The number of tokens in the vocabulary.
    #[schemars(with = "range::Count<1>")]
    pub vocabulary: usize,
    /// The number of features of a token.
    #[schemars(with = "range::Count<1>")]
    pub width: usize,
    /// The number of layers.
    #[schemars(with = "range::Count<1>")]
    pub layers: usize,
    /// The number of attention heads of each layer. It must divide the width.
    #[schemars(with = "range::Count<1>")]
    pub heads: usize,
    /// The number of hidden features of the feed-forward networks.
    #[schemars(with = "range::Count<1>")]
    pub inner: usize,
    /// The largest number of tokens of a sequence.
    #[schemars(with = "range::Count<1>")]
    pub positions: usize,
    /// The number of segment types; the encoder uses the first.
    #[schemars(with = "range::Count<1>")]
    pub segments: usize,
    /// Added to variances; see [`LayerNorm`].
    #[schemars(with = "range::Positive")]
    pub eps: f64,
    /// The probability of dropout after the embeddings and in each layer, in training.
    #[schemars(with = "range::Fraction")]
    pub dropout: f64,
    /// The token that pads short sequences; attention ignores it.
    pub padding: u32,
}

impl Default for BertConfig {
    /// The sizes of BERT base: 12 layers of width 768.
    fn default() -> Self {
        BertConfig {
            width: 768,
            layers: 12,
            inner: 3072,
            ..BertConfig::MINILM_L6
        }
    }
}

impl BertConfig {
    /// MiniLM with 6 layers of width 384 (Wang et al., 2020): 22.6 million parameters.
    pub const MINILM_L6: BertConfig = BertConfig {
        vocabulary: 30522,
        width: 384,
        layers: 6,
        heads: 12,
        inner: 1536,
        positions: 512,
        segments: 2,
        eps: 1e-12,
        dropout: 0.1,
        padding: 0,
    };
}

/// A BERT encoder (Devlin et al., 2018) with post-norm layers, GELU and learned positions.
///
/// Takes token ids `[batch, time]` (`u32`, or integral `f32`), and returns `[batch, time, width]`.
///
/// Parameters have the names of the published models (`embeddings.word_embeddings.weight`,
/// `encoder.layer.0.attention.self.query.weight`, ...), so their files load without changes.
///
/// # Example
/// ```
/// use wgrad::prelude::*;
///
/// let config = nn::BertConfig {
///     vocabulary: 20, width: 8, layers: 1, heads: 2, inner: 16, positions: 6,
///     ..nn::BertConfig::default()
/// };
/// let bert = nn::Bert::new(config);
/// let mut trainer = Trainer::new(bert).loss(loss::Mse).compile_for(&Device::cpu(), [4])?;
/// let tokens = Dataset::from_arrays(vec![3.0, 7.0, 1.0, 0.0], [4], Targets::Unlabelled)?;
/// assert_eq!(trainer.predict(&tokens)?.shape, [1, 4, 8].into());
/// # Ok::<(), wgrad::Error>(())
/// ```
pub struct Bert {
    config: BertConfig,
    words: Embedding,
    positions: LearnedPositions,
    segments: Embedding,
    norm: LayerNorm,
    layers: Vec<Layer>,
    source: Source,
}

/// One layer: attention and a feed-forward network, each with a residual connection and a norm.
struct Layer {
    query: Linear,
    key: Linear,
    value: Linear,
    attended: Linear,
    attended_norm: LayerNorm,
    up: Linear,
    down: Linear,
    norm: LayerNorm,
}

impl Bert {
    /// Creates an encoder with initial weights.
    /// [`Trainer::load_weights`](crate::Trainer::load_weights) loads trained ones.
    #[track_caller]
    pub fn new(config: BertConfig) -> Self {
        let width = config.width;
        Bert {
            words: Embedding::new(config.vocabulary, width).with_padding(config.padding),
            positions: LearnedPositions::new(config.positions, width),
            segments: Embedding::new(config.segments, width),
            norm: LayerNorm::new([width]).eps(config.eps),
            layers: (0..config.layers).map(|_| Layer::new(&config)).collect(),
            config,
            source: Source::caller(),
        }
    }

    /// Returns which tokens are not padding: `bool`, of the tokens' shape.
    pub fn real(&self, tokens: &Tensor) -> Tensor {
        let tokens = tokens.cast(DType::F32);
        tokens.ne(&tokens.constant_like(f64::from(self.config.padding)))
    }
}

impl Layer {
    fn new(config: &BertConfig) -> Self {
        let (width, inner) = (config.width, config.inner);
        let norm = || LayerNorm::new([width]).eps(config.eps);
        Layer {
            query: Linear::new(width, width),
            key: Linear::new(width, width),
            value: Linear::new(width, width),
            attended: Linear::new(width, width),
            attended_norm: norm(),
            up: Linear::new(width, inner),
            down: Linear::new(inner, width),
            norm: norm(),
        }
    }

    fn forward(&self, x: &Tensor, config: &BertConfig, options: &AttentionOptions) -> Tensor {
        let Some((&width, lead)) = x.shape().split_last().map(|(w, l)| (w, l.to_vec())) else {
            return x.clone();
        };
        let split: Shape = [lead, vec![config.heads, width / config.heads.max(1)]]
            .concat()
            .into();
        let heads = |part: &Linear| part.forward(x).reshape(split.clone());
        let (q, k, v) = (heads(&self.query), heads(&self.key), heads(&self.value));
        let attended = q.attention(&k, &v, options).reshape(x.shape());
        let attended = self.attended.forward(&attended).dropout(config.dropout);
        let x = self.attended_norm.forward(&(x + attended));
        let down = self.down.forward(&self.up.forward(&x).gelu());
        self.norm.forward(&(&x + down.dropout(config.dropout)))
    }

    fn visit(&self, number: usize, v: &mut Visitor) {
        let parts: [(&str, &dyn Module); 8] = [
            ("attention.self.query", &self.query),
            ("attention.self.key", &self.key),
            ("attention.self.value", &self.value),
            ("attention.output.dense", &self.attended),
            ("attention.output.LayerNorm", &self.attended_norm),
            ("intermediate.dense", &self.up),
            ("output.dense", &self.down),
            ("output.LayerNorm", &self.norm),
        ];
        for (name, part) in parts {
            v.child(&format!("encoder.layer.{number}.{name}"), part);
        }
    }
}

impl Module for Bert {
    fn forward(&self, tokens: &Tensor) -> Tensor {
        let config = &self.config;
        if tokens.id().is_some() && tokens.shape().rank() != 2 {
            let reason = format!("expected token ids [batch, time], found {}", tokens.shape());
            return tokens.record_error("bert", reason, self.source);
        }
        if config.heads == 0 || !config.width.is_multiple_of(config.heads) {
            let (width, heads) = (config.width, config.heads);
            let reason =
                format!("expected a number of heads that divides the width {width}, found {heads}");
            return tokens.record_error("bert", reason, self.source);
        }
        let options = AttentionOptions {
            mask: Some(self.real(tokens)),
            ..AttentionOptions::default()
        };
        let words = self.words.forward(tokens);
        // All tokens belong to the first segment.
        let segment = self.segments.weight().tensor(tokens).narrow(0, 0, 1);
        let x = self.positions.forward(&words) + segment.reshape([config.width]);
        let mut x = self.norm.forward(&x).dropout(config.dropout);
        for layer in &self.layers {
            x = layer.forward(&x, config, &options);
        }
        x
    }

    fn visit(&self, v: &mut Visitor) {
        v.child("embeddings.word_embeddings", &self.words);
        v.child("embeddings.position_embeddings", &self.positions);
        v.child("embeddings.token_type_embeddings", &self.segments);
        v.child("embeddings.LayerNorm", &self.norm);
        for (i, layer) in self.layers.iter().enumerate() {
            layer.visit(i, v);
        }
    }
}
