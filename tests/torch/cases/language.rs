//! Whole language models: GPT and Llama.

use wgrad::nn::{Gpt, GptConfig, Llama, LlamaConfig};

use crate::case::{Case, layer};

fn gpt(tied: bool) -> Gpt {
    Gpt::new(GptConfig {
        vocabulary: 11,
        context: 8,
        blocks: 2,
        heads: 3,
        width: 12,
        dropout: 0.0,
        tied,
    })
}

fn llama() -> Llama {
    Llama::new(LlamaConfig {
        vocabulary: 11,
        context: 8,
        blocks: 2,
        heads: 3,
        kv_heads: 1,
        width: 12,
        hidden: 20,
        ..LlamaConfig::default()
    })
}

pub fn cases() -> Vec<Case> {
    vec![
        layer("gpt", || gpt(false)),
        layer("gpt_tied", || gpt(true)),
        layer("gpt_one_token", || gpt(false)),
        layer("llama", llama),
    ]
}
