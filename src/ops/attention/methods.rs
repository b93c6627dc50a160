//! The attention methods of [`Tensor`].

use crate::graph::{Attention, Op, Scalar};
use crate::{Source, Tensor};

use super::composed;

/// Options of attention: the visible keys and the scale of the scores.
#[derive(Clone, Debug, Default)]
pub struct AttentionOptions {
    /// Query `i` sees only keys `0 ..= i + offset`. With equal numbers of queries and keys, 0 is
    /// PyTorch's `is_causal`. If the first keys come from a cache, the offset is their number.
    /// Default: all keys are visible.
    pub causal: Option<usize>,
    /// A mask `[batch, keys]`. A `bool` mask selects the visible keys. An `f32` mask is added to
    /// the scores; -1e30 and lower excludes a key. It gets no gradient.
    pub mask: Option<Tensor>,
    /// A mask for each pair of a query and a key, as PyTorch's `attn_mask`. Its shape broadcasts to
    /// `[batch, heads, queries, keys]`. A `bool` mask is true for the pairs that attend. An `f32`
    /// mask is added to the scores, where -1e30 or less excludes a pair. Gradients flow to an `f32`
    /// mask.
    ///
    /// With such a mask all `batch * heads * queries * keys` scores are stored. Use `mask` for
    /// padding and `causal` for a causal mask: they need no such memory.
    pub attn_mask: Option<Tensor>,
    /// The factor of the scores. Default: `1 / sqrt(d)`.
    pub scale: Option<f64>,
}

impl AttentionOptions {
    /// Returns options with which query `i` sees only keys `0 ..= i`.
    pub fn causal() -> Self {
        AttentionOptions {
            causal: Some(0),
            ..AttentionOptions::default()
        }
    }

    pub(super) fn op(&self, heads: usize, kv_heads: usize, packed: bool, d: usize) -> Attention {
        Attention {
            heads,
            kv_heads,
            packed,
            masked: self.mask.is_some(),
            causal: self.causal,
            scale: Scalar(self.scale.unwrap_or(1.0 / (d.max(1) as f64).sqrt())),
        }
    }

    /// Returns the mask as a term of the scores.
    fn added(&self) -> Option<Tensor> {
        self.mask.as_ref().map(composed::added)
    }
}

impl Tensor {
    /// Computes attention with `self` as queries `[b, heads, t, d]`, keys `[b, kv_heads, s, d]` and
    /// values `[b, kv_heads, s, e]`. Returns `[b, heads, t, e]`. `heads` must be a multiple of
    /// `kv_heads`; consecutive query heads share a key and value head. A query that sees no key
    /// gets zeros.
    ///
    /// Inputs that are permuted from `[b, t, heads, d]` are read without a copy.
    #[track_caller]
    pub fn scaled_dot_product_attention(
        &self,
        k: &Tensor,
        v: &Tensor,
        options: &AttentionOptions,
    ) -> Tensor {
        let caller = Source::caller();
        if [self, k, v]
            .iter()
            .any(|x| x.id().is_some() && x.shape().rank() != 4)
        {
            let reason = "expected q, k and v of shape [batch, heads, time, features]".to_string();
            return self.record_error("attention", reason, caller);
        }
        if [self, k, v].iter().any(|x| x.id().is_none()) {
            // The error is already recorded; the result passes it on.
            return Tensor::apply(
                Op::Attention(options.op(1, 1, false, 1)),
                &[self, k, v],
                caller,
            );
        }
        let token_first = |x: &Tensor| x.permute(&[0, 2, 1, 3]);
        let (q, k, v) = (token_first(self), token_first(k), token_first(v));
        token_first(&attention([&q, &k, &v], options))
    }

    /// Computes attention with `self` as queries `[b, t, heads, d]`, keys `[b, s, kv_heads, d]` and
    /// values `[b, s, kv_heads, e]`. Returns `[b, t, heads, e]`. Otherwise it is the same as
    /// [`Tensor::scaled_dot_product_attention`].
    #[track_caller]
    pub fn attention(&self, k: &Tensor, v: &Tensor, options: &AttentionOptions) -> Tensor {
        attention([self, k, v], options)
    }

    /// Computes self-attention of a sequence. `self` has queries, keys and values side by side,
    /// `[b, t, heads + 2 kv_heads, d]`, as a single projection computes them. Returns
    /// `[b, t, heads, d]`.
    #[track_caller]
    pub fn self_attention(&self, heads: usize, options: &AttentionOptions) -> Tensor {
        let kv_heads = self.dim(2).saturating_sub(heads) / 2;
        let caller = Source::caller();
        if options.attn_mask.is_some() {
            let all = heads.saturating_add(kv_heads.saturating_mul(2));
            if self.id().is_some() && (self.shape().rank() != 4 || self.dim(2) != all) {
                let shape = self.shape();
                let reason =
                    format!("expected [batch, time, {heads} + 2 kv_heads, d], found {shape}");
                return self.record_error("attention", reason, caller);
            }
            let part = |start, heads| self.narrow(2, start, heads);
            let (q, k, v) = (
                part(0, heads),
                part(heads, kv_heads),
                part(heads + kv_heads, kv_heads),
            );
            return attention([&q, &k, &v], options);
        }
        let mask = options.added();
        let mut x = vec![self];
        x.extend(&mask);
        let op = options.op(heads, kv_heads, true, self.dim(3));
        Tensor::apply(Op::Attention(op), &x, caller)
    }
}

/// Attention of queries `[b, t, heads, d]` with keys `[b, s, kv_heads, d]` and values `[b, s, kv_heads, e]`.
#[track_caller]
fn attention([q, k, v]: [&Tensor; 3], options: &AttentionOptions) -> Tensor {
    if let Some(attn_mask) = &options.attn_mask {
        return composed::attention([q, k, v], attn_mask, options);
    }
    let mask = options.added();
    let mut x = vec![q, k, v];
    x.extend(&mask);
    let op = options.op(q.dim(2), k.dim(2), false, q.dim(3));
    Tensor::apply(Op::Attention(op), &x, Source::caller())
}
