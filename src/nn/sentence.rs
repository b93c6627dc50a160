//! Sentence embeddings from a BERT encoder.

use crate::{DType, Shape, Tensor};

use super::{Bert, BertConfig, Module, Visitor};

/// An encoder of sentences as vectors, for comparing what they mean (Reimers and Gurevych,
/// "Sentence-BERT", 2019).
///
/// It returns the mean of the [`Bert`] encoder's outputs over the tokens that are not padding,
/// scaled to length 1. The similarity of two sentences is the dot product of their vectors, the
/// cosine of the angle between them.
///
/// Takes token ids `[batch, time]`, and returns `[batch, width]`. Parameters have the encoder's
/// names, so a published model loads without changes.
///
/// # Example
/// ```
/// use wgrad::prelude::*;
///
/// let config = nn::BertConfig {
///     vocabulary: 20, width: 8, layers: 1, heads: 2, inner: 16, positions: 6,
///     ..nn::BertConfig::default()
/// };
/// let model = nn::SentenceEncoder::new(config);
/// let mut trainer = Trainer::new(model).loss(loss::Mse).compile_for(&Device::cpu(), [4])?;
/// let tokens = Dataset::from_arrays(vec![3.0, 7.0, 1.0, 0.0], [4], Targets::Unlabelled)?;
/// let embedding = trainer.predict(&tokens)?.values;
/// let length: f32 = embedding.iter().map(|v| v * v).sum();
/// assert!((length - 1.0).abs() < 1e-5);
/// # Ok::<(), wgrad::Error>(())
/// ```
pub struct SentenceEncoder {
    bert: Bert,
}

impl SentenceEncoder {
    /// Creates an encoder with initial weights. [`Trainer::load`](crate::Trainer::load) loads
    /// trained ones.
    #[track_caller]
    pub fn new(config: BertConfig) -> Self {
        SentenceEncoder {
            bert: Bert::new(config),
        }
    }
}

impl Module for SentenceEncoder {
    fn forward(&self, tokens: &Tensor) -> Tensor {
        let states = self.bert.forward(tokens);
        let &[batch, time, width] = states.shape().dims() else {
            return states; // its error is recorded
        };
        let real = self.bert.real(tokens).cast(DType::F32);
        let real = real.reshape([batch, time, 1]);
        let count = real.sum(&[1]).clamp(1.0, time.max(1) as f64);
        let mean = (states * real).sum(&[1]) / count;
        // The lower bound keeps the output and the gradient of a sentence without tokens at 0.
        let square = mean.square().sum(&[-1]).clamp(1e-24, 3e38);
        let length: Shape = [batch, 1].into();
        let direction = mean / square.sqrt().reshape(length);
        direction.reshape([batch, width])
    }

    fn visit(&self, v: &mut Visitor) {
        self.bert.visit(v);
    }
}
