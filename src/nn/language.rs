//! The trait of language models.

use crate::Tensor;

use super::{Cached, Module};

/// A model that predicts the next token.
///
/// As a module it takes token ids `[batch, t]`, `u32` or integral `f32`, with `t` of at most the
/// context. For each position it returns the logits of the next token: `[batch, t, vocabulary]`.
///
/// [`Generator`](crate::generate::Generator) generates text with any model that implements this
/// trait.
pub trait LanguageModel: Module {
    /// Returns the number of tokens in the vocabulary.
    fn vocabulary(&self) -> usize;

    /// Returns the largest number of tokens of an input.
    fn context(&self) -> usize;

    /// Returns the sizes of each block's cache: the number of key and value heads, and the features
    /// of a head.
    fn caches(&self) -> Vec<(usize, usize)>;

    /// Returns the logits of the token that follows the last one, `[1, 1, vocabulary]`. `tokens`,
    /// `u32 [1, t]`, follow those in the caches.
    fn forward_cached(&self, tokens: &Tensor, cached: &Cached) -> Tensor;
}

impl<M: LanguageModel + ?Sized> LanguageModel for Box<M> {
    fn vocabulary(&self) -> usize {
        self.as_ref().vocabulary()
    }
    fn context(&self) -> usize {
        self.as_ref().context()
    }
    fn caches(&self) -> Vec<(usize, usize)> {
        self.as_ref().caches()
    }
    fn forward_cached(&self, tokens: &Tensor, cached: &Cached) -> Tensor {
        self.as_ref().forward_cached(tokens, cached)
    }
}
