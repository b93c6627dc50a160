//! The key-value cache of a language model: the keys and values of the tokens it has processed.
//!
//! A graph is static, so a cache has the size of the whole context from the start, and a token's
//! position is an input. There are two kinds of graphs. One processes the first tokens of a text at
//! once; the other processes one more token. Rows after the last token contain any finite values,
//! and are masked.

use crate::graph::Init;
use crate::{DType, Tensor};

use super::{Parameter, Visitor};

/// The key-value caches of all blocks of a model, for one text of at most `context` tokens.
pub struct KvCaches {
    context: usize,
    /// `[context]`: the positions 0, 1, 2, ...
    positions: Parameter,
    /// For each block, keys and values: `[1, context, kv_heads, d]`.
    blocks: Vec<[Parameter; 2]>,
}

impl KvCaches {
    /// Creates the caches of blocks with these numbers of key and value heads, and of features of a
    /// head: `(kv_heads, d)`.
    #[track_caller]
    pub fn new(context: usize, blocks: &[(usize, usize)]) -> Self {
        let mut caches = Vec::with_capacity(blocks.len());
        for &(kv_heads, d) in blocks {
            let empty = || Parameter::new([1, context, kv_heads, d], Init::Constant(0.0)).frozen();
            caches.push([empty(), empty()]);
        }
        let positions = (0..context).map(|p| p as f32).collect();
        KvCaches {
            context,
            positions: Parameter::table([context], positions),
            blocks: caches,
        }
    }

    /// Names the caches: `positions`, `0.keys`, `0.values` and so on.
    pub fn visit(&self, visitor: &mut Visitor) {
        visitor.parameter("positions", &self.positions);
        for (i, [keys, values]) in self.blocks.iter().enumerate() {
            visitor.parameter(&format!("{i}.keys"), keys);
            visitor.parameter(&format!("{i}.values"), values);
        }
    }

    /// Returns the caches for a graph that processes the first tokens of a text. `last` (`u32 [1]`)
    /// is the index of the last one; tokens after it are padding.
    pub fn start(&self, last: &Tensor) -> Cached<'_> {
        Cached {
            caches: self,
            last: last.clone(),
            next: None,
        }
    }

    /// Returns the caches for a graph that processes the token at `position` (`u32 [1]`), after all
    /// tokens before it.
    pub fn next(&self, position: &Tensor) -> Cached<'_> {
        let n = self.context;
        let number = position.cast(DType::F32);
        let all = self.positions.tensor(position);
        let next = Next {
            here: all.eq(&number).reshape([1, n, 1, 1]),
            seen: all.le(&number).reshape([1, n]),
        };
        Cached {
            caches: self,
            last: position.clone(),
            next: Some(next),
        }
    }
}

/// The caches as a graph uses them: for the first tokens of a text, or for one more token.
pub struct Cached<'a> {
    caches: &'a KvCaches,
    last: Tensor,
    next: Option<Next>,
}

/// The position of the one token.
struct Next {
    /// `bool [1, context, 1, 1]`: true at its own position.
    here: Tensor,
    /// `bool [1, context]`: true at its own position and all before it.
    seen: Tensor,
}

impl Cached<'_> {
    /// Returns the position of the one token, `u32 [1]`; `None` for the first tokens.
    pub fn position(&self) -> Option<&Tensor> {
        self.next.is_some().then_some(&self.last)
    }

    /// Returns the mask of the keys that the one token attends to, `bool [1, context]`; `None` for
    /// the first tokens.
    pub fn seen(&self) -> Option<&Tensor> {
        self.next.as_ref().map(|next| &next.seen)
    }

    /// Returns the last token of `x [1, t, d]` that is not padding: `[1, 1, d]`.
    #[track_caller]
    pub fn last_of(&self, x: &Tensor) -> Tensor {
        match &self.next {
            Some(_) => x.clone(),
            None => {
                let (t, d) = (x.dim(1), x.dim(2));
                x.reshape([t, d]).gather(&self.last).reshape([1, 1, d])
            }
        }
    }

    /// Writes keys and values `[1, t, kv_heads, d]` to a block's cache, and returns the whole
    /// cache.
    #[track_caller]
    pub fn extend(&self, block: usize, keys: &Tensor, values: &Tensor) -> (Tensor, Tensor) {
        let Some([k, v]) = self.caches.blocks.get(block) else {
            let count = self.caches.blocks.len();
            let reason =
                format!("expected a block below {count}, the number of caches, found {block}");
            let wrong = keys.record_error("cache", reason, crate::Source::caller());
            return (wrong.clone(), wrong);
        };
        (self.put(k, keys), self.put(v, values))
    }

    fn put(&self, cache: &Parameter, new: &Tensor) -> Tensor {
        let old = cache.tensor(new);
        let all = match &self.next {
            Some(next) => next.here.select(new, &old),
            None if new.dim(1) < self.caches.context => {
                let t = new.dim(1);
                let rest = old.narrow(1, t, self.caches.context - t);
                Tensor::concat(&[new, &rest], 1)
            }
            None => new.clone(),
        };
        cache.store(&all);
        all
    }
}
