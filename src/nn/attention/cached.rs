//! Attention of new tokens to the tokens in a cache.

use crate::Tensor;
use crate::ops::AttentionOptions;

use super::MultiHeadAttention;
use crate::nn::{Cached, Module, traced};

impl MultiHeadAttention {
    /// Returns the output for the tokens `x [1, t, features]` of one text that follow those in a
    /// cache. It is the output of [`causal`](Self::causal) attention for these tokens within the
    /// whole text.
    ///
    /// Their keys and values are added to the cache. `at` is the number of this layer's block in
    /// the cache.
    #[track_caller]
    pub fn forward_cached(&self, x: &Tensor, cached: &Cached, at: usize) -> Tensor {
        let layer = self.in_proj_weight.layer(x);
        x.in_scope(layer, Some(self.source), |x| {
            let d = match self.check(x) {
                Ok(d) => d,
                Err(reason) => return x.record_error("attention", reason, self.source),
            };
            traced(x, &self.kind(), |x| {
                let (heads, kv) = (self.heads, self.kv_heads);
                let qkv = self.projected(x, d);
                let qkv = match (&self.rope, cached.position()) {
                    (Some((rope, _)), Some(position)) => rope.turn_at(&qkv, heads + kv, position),
                    (Some((rope, _)), None) => rope.turn(&qkv, heads + kv, 0),
                    (None, _) => qkv,
                };
                let (k, v) = (qkv.narrow(2, heads, kv), qkv.narrow(2, heads + kv, kv));
                let (k, v) = cached.extend(at, &k, &v);
                let y = match cached.seen() {
                    None => qkv.self_attention(heads, &AttentionOptions::causal()),
                    Some(mask) => {
                        let options = AttentionOptions {
                            mask: Some(mask.clone()),
                            ..AttentionOptions::default()
                        };
                        qkv.narrow(2, 0, heads).attention(&k, &v, &options)
                    }
                };
                self.out_proj.forward(&y.reshape(x.shape()))
            })
        })
    }
}
