//! The methods of [`Tensor`] that are attention.

use crate::graph::{Attention, Op, Scalar};
use crate::{Source, Tensor};

use super::composed;

/// Which keys a query sees, and how much they count.
#[derive(Clone, Debug, Default)]
pub struct AttentionOptions {
    /// Query `i` sees keys `0 ..= i + offset` only. With as many queries as keys, 0 is PyTorch's
    /// `is_causal`; where the first keys come from a cache, the offset is how many those are.
    pub causal: Option<usize>,
    /// `[batch, keys]`: `bool`, the keys to see; or `f32`, what is added to their scores, where -1e30 and
    /// less leaves a key out. No gradient flows to it.
    pub mask: Option<Tensor>,
    /// A mask for each pair of a query and a key, as PyTorch's `attn_mask`. Its shape broadcasts to
    /// `[batch, heads, queries, keys]`. A `bool` mask holds for the pairs that attend; an `f32` mask is added to the
    /// scores, where -1e30 or less leaves a pair out. Gradients flow to an `f32` mask.
    ///
    /// With such a mask all scores are stored, which takes memory for `batch * heads * queries * keys` numbers. Use
    /// `mask` for padding, and `causal` for a causal mask.
    pub attn_mask: Option<Tensor>,
    /// What products are multiplied by; without it, `1 / sqrt(d)`.
    pub scale: Option<f64>,
}

impl AttentionOptions {
    /// Query `i` sees keys `0 ..= i` only.
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

    /// What is added to the scores.
    fn added(&self) -> Option<Tensor> {
        self.mask.as_ref().map(composed::added)
    }
}

impl Tensor {
    /// Attention of `self` as queries `[b, heads, t, d]`, with keys `[b, kv_heads, s, d]` and values
    /// `[b, kv_heads, s, e]`; gives `[b, heads, t, e]`. `heads` must be a multiple of `kv_heads`, which
    /// its heads share in order. A query that sees no key gets zeros.
    ///
    /// Inputs that are permuted from `[b, t, heads, d]` are read as they lie, without a copy.
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
            let reason = "takes q, k and v of [batch, heads, time, features]".to_string();
            return self.record_error("attention", reason, caller);
        }
        if [self, k, v].iter().any(|x| x.id().is_none()) {
            // The error is recorded already; applying passes it on.
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

    /// Attention of queries `self [b, t, heads, d]` with keys `[b, s, kv_heads, d]` and values
    /// `[b, s, kv_heads, e]`; gives `[b, t, heads, e]`. Otherwise like
    /// [`Tensor::scaled_dot_product_attention`].
    #[track_caller]
    pub fn attention(&self, k: &Tensor, v: &Tensor, options: &AttentionOptions) -> Tensor {
        attention([self, k, v], options)
    }

    /// Attention within one sequence, where `self` is queries, keys and values side by side:
    /// `[b, t, heads + 2 kv_heads, d]`, as one projection makes them. Gives `[b, t, heads, d]`.
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
