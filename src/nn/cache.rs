//! A cache of keys and values: what a language model remembers of the tokens it has read.
//!
//! A graph is static, so a cache has room for the whole context from the beginning, and a token's place in it
//! is an input. There are two kinds of graphs: one reads the first tokens of a text all at once, one a token
//! more. Rows past the last token hold anything finite, and are masked.

use crate::graph::Init;
use crate::{DType, Tensor};

use super::{Parameter, Visitor};

/// The caches of all blocks of a model, for one text of at most `context` tokens.
pub struct KvCaches {
    context: usize,
    /// `[context]`: the numbers 0, 1, 2...
    positions: Parameter,
    /// For each block, keys and values: `[1, context, kv_heads, d]`.
    blocks: Vec<[Parameter; 2]>,
}

impl KvCaches {
    /// Caches for blocks with so many heads of keys and values, of so many features each: `(kv_heads, d)`.
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

    /// For a graph that reads the first tokens of a text, of which `last` (`u32 [1]`) is the last that
    /// counts: those behind it only fill up the graph's size.
    pub fn start(&self, last: &Tensor) -> Cached<'_> {
        Cached {
            caches: self,
            last: last.clone(),
            next: None,
        }
    }

    /// For a graph that reads the token at `position` (`u32 [1]`), after all before it were read.
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

/// The caches as a graph uses them: while it reads the first tokens of a text, or one more.
pub struct Cached<'a> {
    caches: &'a KvCaches,
    last: Tensor,
    next: Option<Next>,
}

/// Where the one token is.
struct Next {
    /// `bool [1, context, 1, 1]`: its own position.
    here: Tensor,
    /// `bool [1, context]`: its own position and all before it.
    seen: Tensor,
}

impl Cached<'_> {
    /// The position of the one token, `u32 [1]`; `None` where the first tokens are read.
    pub fn position(&self) -> Option<&Tensor> {
        self.next.is_some().then_some(&self.last)
    }

    /// The keys that the one token sees, `bool [1, context]`; `None` where the first tokens are read.
    pub fn seen(&self) -> Option<&Tensor> {
        self.next.as_ref().map(|next| &next.seen)
    }

    /// Of `x [1, t, d]` the last token that counts: `[1, 1, d]`.
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

    /// Adds keys and values `[1, t, kv_heads, d]` to a block's cache, and gives all of it.
    #[track_caller]
    pub fn extend(&self, block: usize, keys: &Tensor, values: &Tensor) -> (Tensor, Tensor) {
        let Some([k, v]) = self.caches.blocks.get(block) else {
            let reason = format!("there is no cache for block {block}");
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
