//! A small BERT encoder, and embeddings of sentences from it.

use wgrad::nn::{Bert, BertConfig, SentenceEncoder};

use crate::case::{Case, layer};

fn config(layers: usize) -> BertConfig {
    BertConfig {
        vocabulary: 13,
        width: 12,
        layers,
        heads: 3,
        inner: 20,
        positions: 9,
        segments: 2,
        eps: 1e-12,
        dropout: 0.0,
        padding: 0,
    }
}

pub fn cases() -> Vec<Case> {
    vec![
        layer("bert", || Bert::new(config(2))).within(1e-4),
        layer("bert_one_token", || Bert::new(config(1))),
        layer("sentence", || SentenceEncoder::new(config(1))).within(1e-4),
    ]
}
