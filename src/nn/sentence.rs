//! Sentence embeddings from a BERT encoder.

use crate::{DType, Shape, Tensor};

use super::{Bert, BertConfig, Module, Visitor};

/// Numbers that stand for what a sentence means: the mean of the states that a [`Bert`] encoder gives for its
/// tokens, padding left out, scaled to length 1 (Reimers and Gurevych, "Sentence-BERT", 2019). Two sentences are
/// as alike as the dot product of their embeddings says: the cosine of the angle between them.
///
/// Takes token numbers `[batch, time]`, gives `[batch, width]`. Its parameters have the encoder's names, so that
/// a published model loads as it is.
pub struct SentenceEncoder {
    bert: Bert,
}

impl SentenceEncoder {
    /// An encoder with initial weights; see [`Trainer::load`](crate::Trainer::load) for trained ones.
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
            return states; // its mistake has been noted
        };
        let real = self.bert.real(tokens).cast(DType::F32);
        let real = real.reshape([batch, time, 1]);
        let count = real.sum(&[1]).clamp(1.0, time.max(1) as f64);
        let mean = (states * real).sum(&[1]) / count;
        // The bound keeps a sentence without tokens at 0, and its gradient too.
        let square = mean.square().sum(&[-1]).clamp(1e-24, 3e38);
        let length: Shape = [batch, 1].into();
        let direction = mean / square.sqrt().reshape(length);
        direction.reshape([batch, width])
    }

    fn visit(&self, v: &mut Visitor) {
        self.bert.visit(v);
    }
}
