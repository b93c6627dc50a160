//! What a language model is.

use crate::Tensor;

use super::{Cached, Module};

/// A model of the next token. As a module it takes token numbers `[batch, t]`, `u32` or whole `f32`, with `t` up
/// to the context, and gives for each position the scores of the token that follows:
/// `[batch, t, vocabulary]`.
///
/// Implement it for a model of your own, and [`Generator`](crate::generate::Generator) writes with it.
pub trait LanguageModel: Module {
    /// How many tokens there are.
    fn vocabulary(&self) -> usize;

    /// How many tokens it can read at once.
    fn context(&self) -> usize;

    /// What a cache has to keep for each block: heads of keys and values, and features of a head.
    fn caches(&self) -> Vec<(usize, usize)>;

    /// The scores of the token that follows the last one, `[1, 1, vocabulary]`, for the tokens
    /// `u32 [1, t]` that follow those in the caches.
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
