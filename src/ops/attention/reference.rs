//! Attention and its gradient from the definition, in f64: one query at a time.

use crate::graph::{Attention, AttentionGrad};
use crate::ops::Array;

use super::sizes::Sizes;
use super::{LEFT_OUT, metas};

/// Queries, keys, values and the mask.
struct Inputs<'a> {
    qkv: [&'a [f64]; 3],
    mask: Option<&'a [f64]>,
}

impl<'a> Inputs<'a> {
    fn new(op: &Attention, x: &[&'a Array]) -> Self {
        let of = |i: usize| -> &'a [f64] { &x[if op.packed { 0 } else { i }].data };
        let last = x.last().filter(|_| op.masked);
        Inputs {
            qkv: [of(0), of(1), of(2)],
            mask: last.map(|m| &m.data[..]),
        }
    }

    /// Returns the weights of the keys for query `i` of `head`.
    fn weights(&self, op: &Attention, s: &Sizes, b: usize, i: usize, head: usize) -> Vec<f64> {
        let query = &self.qkv[0][s.query(s.inputs[0], b, i, head)..][..s.d];
        let score = |j: usize| {
            let key = &self.qkv[1][s.key(s.inputs[1], b, j, head / s.group)..][..s.d];
            let mask = self.mask.map_or(0.0, |m| m[b * s.keys + j]);
            let product: f64 = query.iter().zip(key).map(|(q, k)| q * k).sum();
            (mask > LEFT_OUT && j < s.keys_of(op.causal, i)).then_some(op.scale.0 * product + mask)
        };
        let scores: Vec<Option<f64>> = (0..s.keys).map(score).collect();
        let max = scores.iter().flatten().copied().fold(f64::MIN, f64::max);
        let weight = |score: &Option<f64>| score.map_or(0.0, |x| (x - max).exp());
        let weights: Vec<f64> = scores.iter().map(weight).collect();
        let total: f64 = weights.iter().sum();
        let part = |w: f64| if total > 0.0 { w / total } else { 0.0 };
        weights.into_iter().map(part).collect()
    }
}

/// Iterates over all batches, queries and heads.
fn each(s: &Sizes) -> impl Iterator<Item = (usize, usize, usize)> + use<> {
    let (batch, queries, heads) = (s.batch, s.queries, s.heads);
    (0..batch)
        .flat_map(move |b| (0..queries).flat_map(move |i| (0..heads).map(move |head| (b, i, head))))
}

pub(super) fn attention(op: &Attention, x: &[&Array], y: &mut Array) {
    let Ok(s) = op.sizes(&metas(x), 0) else {
        return;
    };
    let inputs = Inputs::new(op, x);
    for (b, i, head) in each(&s) {
        let y = &mut y.data[s.result(b, i, head) * s.e..][..s.e];
        for (j, p) in inputs.weights(op, &s, b, i, head).into_iter().enumerate() {
            let value = s.value(s.inputs[2], b, j, head / s.group);
            for (y, v) in y.iter_mut().zip(&inputs.qkv[2][value..]) {
                *y += p * v;
            }
        }
    }
}

pub(super) fn gradient(op: &AttentionGrad, x: &[&Array], dx: &mut Array) {
    let Ok(s) = op.of.sizes(&metas(x), 2) else {
        return;
    };
    let inputs = Inputs::new(&op.of, x);
    let at = if s.packed { 1 } else { 3 };
    let (dy, delta) = (&x[at].data, &x[at + 1].data);
    let [q, k, v] = inputs.qkv;
    let scale = op.of.scale.0;
    for (b, i, head) in each(&s) {
        let row = s.result(b, i, head);
        let dy = &dy[row * s.e..][..s.e];
        let weights = inputs.weights(&op.of, &s, b, i, head);
        for (j, p) in weights.into_iter().enumerate().filter(|(_, p)| *p > 0.0) {
            let kv = head / s.group;
            let value = &v[s.value(s.inputs[2], b, j, kv)..][..s.e];
            let dp: f64 = dy.iter().zip(value).map(|(dy, v)| dy * v).sum();
            let ds = scale * p * (dp - delta[row]);
            let (query, key) = (
                s.query(s.inputs[0], b, i, head),
                s.key(s.inputs[1], b, j, kv),
            );
            let dq = s.query(s.grads[0], b, i, head);
            let dk = s.key(s.grads[1], b, j, kv);
            for c in 0..s.d {
                dx.data[dq + c] += ds * k[key + c];
                dx.data[dk + c] += ds * q[query + c];
            }
            let dv = s.value(s.grads[2], b, j, kv);
            for (c, dy) in dy.iter().enumerate() {
                dx.data[dv + c] += p * dy;
            }
        }
    }
}
