//! Attention with a mask for each pair of a query and a key, composed of other ops.
//!
//! The kernels of the `attention` op never store the scores, and read one number of a mask for each
//! key. With a mask for each pair the scores are stored, `[b, heads, t, s]`, and the mask gets a
//! gradient.

use crate::graph::Meta;
use crate::ops::OpDef;
use crate::{DType, Source, Tensor};

use super::{AttentionOptions, LEFT_OUT};

/// Attention of queries `[b, t, heads, d]` with keys `[b, s, kv_heads, d]` and values
/// `[b, s, kv_heads, e]`, with `attn_mask` added to the scores. Gives `[b, t, heads, e]`.
#[track_caller]
pub(super) fn attention(
    [q, k, v]: [&Tensor; 3],
    attn_mask: &Tensor,
    options: &AttentionOptions,
) -> Tensor {
    let caller = Source::caller();
    let all = [
        Some(q),
        Some(k),
        Some(v),
        Some(attn_mask),
        options.mask.as_ref(),
    ];
    let all: Vec<&Tensor> = all.into_iter().flatten().collect();
    let fail = |reason| Tensor::record_error_of(&all, "attention", reason, caller);
    if let Some(broken) = all.iter().find(|x| x.id().is_none()) {
        return (*broken).clone();
    }
    let [q, k, v] = [q, k, v].map(|x| x.cast(x.dtype().computed()));
    let (batch, queries, heads, d) = (q.dim(0), q.dim(1), q.dim(2), q.dim(3));
    let (keys, kv_heads, e) = (k.dim(1), k.dim(2), v.dim(3));
    let op = options.op(heads, kv_heads, false, d);
    let key_mask = options.mask.as_ref().map(added);
    let metas: Vec<Meta> = [&q, &k, &v]
        .into_iter()
        .chain(&key_mask)
        .map(|x| x.meta())
        .collect();
    if let Err(reason) = op.infer(&metas) {
        return fail(reason);
    }
    let pairs = [batch, heads, queries, keys];
    let shape = attn_mask.shape();
    if shape.broadcast(&pairs.into()) != Some(pairs.into()) {
        let [b, h, t, s] = pairs;
        return fail(format!(
            "expected an attention mask that broadcasts to [batch, heads, queries, keys] = [{b}, {h}, {t}, {s}], found {shape}"
        ));
    }
    let dtype = attn_mask.dtype();
    if !dtype.is_float() && dtype != DType::Bool {
        return fail(format!(
            "expected an attention mask of bool or f32, found {dtype}"
        ));
    }

    let mut mask = added(attn_mask);
    if let Some(key_mask) = key_mask {
        mask = mask + key_mask.reshape([batch, 1, 1, keys]);
    }
    if let Some(offset) = options.causal {
        let query = q.arange(0.0, queries as f64, 1.0) + offset as f64;
        let key = q.arange(0.0, keys as f64, 1.0);
        mask = mask + added(&key.le(&query.unsqueeze(-1)));
    }

    // The queries of the heads that share a head of keys are the rows of one matrix.
    let rows = heads / kv_heads * queries;
    let q = head_first(&q).reshape([batch, kv_heads, rows, d]);
    let scores = q.matmul_t(&head_first(&k)).reshape(pairs) * op.scale.0 + &mask;
    let low = scores.constant_like(LEFT_OUT);
    let seen = mask.gt(&low);
    let p = seen.select(&scores, &low).softmax(-1);
    // Without a key to see, all weights of a query are equal instead of 0.
    let p = seen.select(&p, &scores.constant_like(0.0));
    let y = p
        .reshape([batch, kv_heads, rows, keys])
        .matmul(&head_first(&v));
    head_first(&y.reshape([batch, heads, queries, e]))
}

/// Exchanges the axes of tokens and heads.
#[track_caller]
fn head_first(x: &Tensor) -> Tensor {
    x.permute(&[0, 2, 1, 3])
}

/// What is added to the scores for a mask of truth values, or of numbers.
#[track_caller]
pub(super) fn added(mask: &Tensor) -> Tensor {
    match mask.dtype() {
        DType::Bool => {
            let of = |value| mask.constant(value, crate::Shape::scalar());
            mask.select(&of(0.0), &of(2.0 * LEFT_OUT))
        }
        dtype => mask.cast(dtype.computed()),
    }
}
