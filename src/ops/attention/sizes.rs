//! The sizes of an attention, and the positions of queries, keys and values in memory.

use crate::DType;
use crate::graph::{Attention, Meta};

/// The layout of a tensor of `[batch, n, heads, features]`: element `(b, i, head, c)` is at
/// `offset + (b n + i) row + head features + c`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::ops) struct Lie {
    pub offset: usize,
    pub row: usize,
}

/// The sizes of an attention.
#[derive(Clone, Copy, Debug)]
pub(in crate::ops) struct Sizes {
    pub packed: bool,
    pub batch: usize,
    pub queries: usize,
    pub keys: usize,
    pub heads: usize,
    pub kv_heads: usize,
    /// The number of query heads that share a key and value head.
    pub group: usize,
    /// The number of features of a query and a key.
    pub d: usize,
    /// The number of features of a value.
    pub e: usize,
    /// The layouts of queries, keys and values in their inputs.
    pub inputs: [Lie; 3],
    /// The layouts of their gradients in the result.
    pub grads: [Lie; 3],
}

impl Attention {
    /// Computes the sizes from the types of the inputs. `more` inputs are between the values and
    /// the mask.
    pub(super) fn sizes(&self, x: &[Meta], more: usize) -> Result<Sizes, String> {
        let first = if self.packed { 1 } else { 3 };
        let wanted = first + more + usize::from(self.masked);
        if x.len() != wanted {
            return Err(format!("expected {wanted} inputs, found {}", x.len()));
        }
        if x.iter().any(|x| x.dtype != DType::F32) {
            return Err("all inputs must be f32".to_string());
        }
        let (heads, kv_heads) = (self.heads, self.kv_heads);
        if kv_heads == 0 || !heads.is_multiple_of(kv_heads) || heads == 0 {
            return Err(format!(
                "{heads} query heads are not a multiple of {kv_heads} key and value heads"
            ));
        }
        let s = match self.packed {
            true => self.packed_sizes(&x[0])?,
            false => self.separate_sizes(x)?,
        };
        if s.d == 0 || s.e == 0 {
            return Err("a head must have at least 1 feature".to_string());
        }
        match x.last() {
            Some(mask) if self.masked && mask.shape.dims() != [s.batch, s.keys] => Err(format!(
                "expected a mask of shape [{}, {}], one number per key",
                s.batch, s.keys
            )),
            _ => Ok(s),
        }
    }

    fn packed_sizes(&self, x: &Meta) -> Result<Sizes, String> {
        let (heads, kv_heads) = (self.heads, self.kv_heads);
        let all = heads + 2 * kv_heads;
        let &[batch, n, given, d] = x.shape.dims() else {
            return Err("expected shape [batch, time, heads, features]".to_string());
        };
        if given != all {
            return Err(format!(
                "expected {all} heads, {heads} of queries and twice {kv_heads} of keys and values; found {given}"
            ));
        }
        let lie = |heads: usize| Lie {
            offset: heads * d,
            row: all * d,
        };
        let lies = [lie(0), lie(heads), lie(heads + kv_heads)];
        Ok(Sizes {
            packed: true,
            batch,
            queries: n,
            keys: n,
            heads,
            kv_heads,
            group: heads / kv_heads,
            d,
            e: d,
            inputs: lies,
            grads: lies,
        })
    }

    fn separate_sizes(&self, x: &[Meta]) -> Result<Sizes, String> {
        let (heads, kv_heads) = (self.heads, self.kv_heads);
        let wanted = || {
            format!(
                "expected queries [b, t, {heads}, d], keys [b, s, {kv_heads}, d] and values [b, s, {kv_heads}, e]"
            )
        };
        let (&[batch, queries, h, d], &[b_k, keys, h_k, d_k], &[b_v, s_v, h_v, e]) =
            (x[0].shape.dims(), x[1].shape.dims(), x[2].shape.dims())
        else {
            return Err(wanted());
        };
        if [b_k, b_v, s_v, d_k, h, h_k, h_v] != [batch, batch, keys, d, heads, kv_heads, kv_heads] {
            return Err(wanted());
        }
        let rows = [heads * d, kv_heads * d, kv_heads * e];
        let starts = [0, x[0].shape.len(), x[0].shape.len() + x[1].shape.len()];
        Ok(Sizes {
            packed: false,
            batch,
            queries,
            keys,
            heads,
            kv_heads,
            group: heads / kv_heads,
            d,
            e,
            inputs: rows.map(|row| Lie { offset: 0, row }),
            grads: [0, 1, 2].map(|i| Lie {
                offset: starts[i],
                row: rows[i],
            }),
        })
    }
}

impl Sizes {
    /// Returns the number of keys that query `i` sees without the mask.
    pub fn keys_of(&self, causal: Option<usize>, i: usize) -> usize {
        match causal {
            Some(ahead) => self.keys.min(i.saturating_add(ahead).saturating_add(1)),
            None => self.keys,
        }
    }

    /// Returns the index of feature 0 of a query in a head, in the queries or their gradient.
    pub fn query(&self, lie: Lie, b: usize, i: usize, head: usize) -> usize {
        lie.offset + (b * self.queries + i) * lie.row + head * self.d
    }

    /// Returns the index of feature 0 of a key in a head, in the keys or their gradient.
    pub fn key(&self, lie: Lie, b: usize, j: usize, kv_head: usize) -> usize {
        lie.offset + (b * self.keys + j) * lie.row + kv_head * self.d
    }

    /// Returns the index of feature 0 of a value in a head, in the values or their gradient.
    pub fn value(&self, lie: Lie, b: usize, j: usize, kv_head: usize) -> usize {
        lie.offset + (b * self.keys + j) * lie.row + kv_head * self.e
    }

    /// Returns the row of a query and a head in the result.
    pub fn result(&self, b: usize, i: usize, head: usize) -> usize {
        (b * self.queries + i) * self.heads + head
    }
}
