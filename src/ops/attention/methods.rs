//! The methods of [`Tensor`] that are attention.

use crate::graph::{Attention, Op, Scalar};
use crate::{DType, Source, Tensor};

use super::LEFT_OUT;

/// Which keys a query sees, and how much they count.
#[derive(Clone, Debug, Default)]
pub struct AttentionOptions {
    /// Query `i` sees keys `0 ..= i + offset` only. With as many queries as keys, 0 is PyTorch's
    /// `is_causal`; where the first keys come from a cache, the offset is how many those are.
    pub causal: Option<usize>,
    /// `[batch, keys]`: `bool`, the keys to see; or `f32`, what is added to their scores, where -1e30 and
    /// less leaves a key out. No gradient flows to it.
    pub mask: Option<Tensor>,
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

    fn op(&self, heads: usize, kv_heads: usize, packed: bool, d: usize) -> Attention {
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
        self.mask.as_ref().map(|mask| match mask.dtype() {
            DType::Bool => {
                let (seen, not) = (mask.constant_f32(0.0), mask.constant_f32(2.0 * LEFT_OUT));
                mask.select(&seen, &not)
            }
            _ => mask.clone(),
        })
    }
}

impl Tensor {
    /// A scalar `f32` constant of this tensor's graph.
    fn constant_f32(&self, value: f64) -> Tensor {
        self.constant(value, crate::Shape::scalar())
    }

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
        let op = options.op(self.dim(1), k.dim(1), false, self.dim(3));
        let (q, k, v, mask) = (
            token_first(self),
            token_first(k),
            token_first(v),
            options.added(),
        );
        let mut x = vec![&q, &k, &v];
        x.extend(&mask);
        token_first(&Tensor::apply(Op::Attention(op), &x, caller))
    }

    /// Attention of queries `self [b, t, heads, d]` with keys `[b, s, kv_heads, d]` and values
    /// `[b, s, kv_heads, e]`; gives `[b, t, heads, e]`. Otherwise like
    /// [`Tensor::scaled_dot_product_attention`].
    #[track_caller]
    pub fn attention(&self, k: &Tensor, v: &Tensor, options: &AttentionOptions) -> Tensor {
        let mask = options.added();
        let mut x = vec![self, k, v];
        x.extend(&mask);
        let op = options.op(self.dim(2), k.dim(2), false, self.dim(3));
        Tensor::apply(Op::Attention(op), &x, Source::caller())
    }

    /// Attention within one sequence, where `self` is queries, keys and values side by side:
    /// `[b, t, heads + 2 kv_heads, d]`, as one projection makes them. Gives `[b, t, heads, d]`.
    #[track_caller]
    pub fn self_attention(&self, heads: usize, options: &AttentionOptions) -> Tensor {
        let mask = options.added();
        let mut x = vec![self];
        x.extend(&mask);
        let kv_heads = self.dim(2).saturating_sub(heads) / 2;
        let op = options.op(heads, kv_heads, true, self.dim(3));
        Tensor::apply(Op::Attention(op), &x, Source::caller())
    }
}
