//! The sizes of an attention, and where queries, keys and values lie.

use crate::DType;
use crate::graph::{Attention, Meta};

/// Where a tensor of `[batch, n, heads, features]` lies: element `(b, i, head, c)` at
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
    /// Heads of queries that share a head of keys and values.
    pub group: usize,
    /// Features of a query and a key.
    pub d: usize,
    /// Features of a value.
    pub e: usize,
    /// Queries, keys and values in their inputs.
    pub inputs: [Lie; 3],
    /// Their gradients in the one result.
    pub grads: [Lie; 3],
}

impl Attention {
    /// The sizes, from the types of the inputs: `more` of them stand between the values and the mask.
    pub(super) fn sizes(&self, x: &[Meta], more: usize) -> Result<Sizes, String> {
        let first = if self.packed { 1 } else { 3 };
        let wanted = first + more + usize::from(self.masked);
        if x.len() != wanted {
            return Err(format!("takes {wanted} inputs, was given {}", x.len()));
        }
        if x.iter().any(|x| x.dtype != DType::F32) {
            return Err("all inputs must be f32".to_string());
        }
        let (heads, kv_heads) = (self.heads, self.kv_heads);
        if kv_heads == 0 || !heads.is_multiple_of(kv_heads) || heads == 0 {
            return Err(format!(
                "{heads} heads of queries cannot share {kv_heads} heads of keys and values evenly"
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
                "the mask must be [{}, {}], one number a key",
                s.batch, s.keys
            )),
            _ => Ok(s),
        }
    }

    fn packed_sizes(&self, x: &Meta) -> Result<Sizes, String> {
        let (heads, kv_heads) = (self.heads, self.kv_heads);
        let all = heads + 2 * kv_heads;
        let &[batch, n, given, d] = x.shape.dims() else {
            return Err("takes [batch, time, heads, features]".to_string());
        };
        if given != all {
            return Err(format!(
                "{heads} heads of queries and twice {kv_heads} of keys and values are {all}, not {given}"
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
                "takes queries [b, t, {heads}, d], keys [b, s, {kv_heads}, d] and values [b, s, {kv_heads}, e]"
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
    /// How many keys query `i` sees, but for the mask.
    pub fn keys_of(&self, causal: Option<usize>, i: usize) -> usize {
        match causal {
            Some(ahead) => self.keys.min(i.saturating_add(ahead).saturating_add(1)),
            None => self.keys,
        }
    }

    /// Feature 0 of query `i` of a head, in queries or their gradient.
    pub fn query(&self, lie: Lie, b: usize, i: usize, head: usize) -> usize {
        lie.offset + (b * self.queries + i) * lie.row + head * self.d
    }

    /// Feature 0 of key `j` of a head, in keys or their gradient.
    pub fn key(&self, lie: Lie, b: usize, j: usize, kv_head: usize) -> usize {
        lie.offset + (b * self.keys + j) * lie.row + kv_head * self.d
    }

    /// Feature 0 of value `j` of a head, in values or their gradient.
    pub fn value(&self, lie: Lie, b: usize, j: usize, kv_head: usize) -> usize {
        lie.offset + (b * self.keys + j) * lie.row + kv_head * self.e
    }

    /// The row of a query and a head, in the result.
    pub fn result(&self, b: usize, i: usize, head: usize) -> usize {
        (b * self.queries + i) * self.heads + head
    }
}
