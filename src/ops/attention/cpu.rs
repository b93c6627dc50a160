//! Attention on the CPU: matrix products of a block of queries with all keys that they see, one
//! head at a time.
//!
//! The scores of a block stay in the cache and are never stored elsewhere. Threads share the blocks
//! and heads. The bits do not depend on which thread computes a block.

use rayon::prelude::*;

use crate::graph::{Attention, AttentionGrad};
use crate::ops::elementwise::Fast;
use crate::ops::gemm::{PARALLEL_FROM, Strides, gemm_here};
use crate::ops::{HostRef, rows, threads};

use super::LEFT_OUT;
use super::sizes::Sizes;

/// The largest number of queries of a block.
const MAX_BLOCK_QUERIES: usize = 64;
/// The number of scores of a block, which must fit in the cache.
const BLOCK_SCORES: usize = 1 << 16;

/// The workspace of a thread.
#[derive(Default)]
struct Space {
    p: Vec<f32>,
    ds: Vec<f32>,
    part: Vec<f32>,
    dk: Vec<f32>,
    dv: Vec<f32>,
}

/// Returns the first `n` elements of a vector, which is extended if it is shorter.
fn first(v: &mut Vec<f32>, n: usize) -> &mut [f32] {
    if v.len() < n {
        v.resize(n, 0.0);
    }
    &mut v[..n]
}

/// The inputs of an attention in memory.
struct Inputs<'a> {
    op: &'a Attention,
    s: &'a Sizes,
    q: &'a [f32],
    k: &'a [f32],
    v: &'a [f32],
    mask: Option<&'a [f32]>,
}

impl<'a> Inputs<'a> {
    fn new(op: &'a Attention, s: &'a Sizes, x: &[HostRef<'a>]) -> Self {
        let of = |i: usize| x[if op.packed { 0 } else { i }].f32();
        Inputs {
            op,
            s,
            q: of(0),
            k: of(1),
            v: of(2),
            mask: x.last().filter(|_| op.masked).map(|m| m.f32()),
        }
    }

    /// Returns the number of queries of a block, which depends only on the shape.
    fn block(&self) -> usize {
        (BLOCK_SCORES / self.s.keys.max(1)).clamp(8, MAX_BLOCK_QUERIES)
    }

    /// Returns queries `from .. from + n` of a head as a matrix, with its strides.
    fn queries(&self, b: usize, from: usize, head: usize) -> (&'a [f32], Strides) {
        let lie = self.s.inputs[0];
        let start = self.s.query(lie, b, from, head);
        (&self.q[start..], by_rows(lie.row))
    }

    fn keys(&self, b: usize, kv_head: usize) -> (&'a [f32], Strides) {
        let lie = self.s.inputs[1];
        let start = self.s.key(lie, b, 0, kv_head);
        (self.k.get(start..).unwrap_or(&[]), by_rows(lie.row))
    }

    fn values(&self, b: usize, kv_head: usize) -> (&'a [f32], Strides) {
        let lie = self.s.inputs[2];
        let start = self.s.value(lie, b, 0, kv_head);
        (self.v.get(start..).unwrap_or(&[]), by_rows(lie.row))
    }

    /// Computes the weights `[n, seen]` of the keys for queries `from .. from + n`. Returns `seen`,
    /// the number of leading keys that any of these queries sees.
    fn weights(&self, p: &mut Vec<f32>, b: usize, head: usize, from: usize, n: usize) -> usize {
        let s = self.s;
        let seen = s.keys_of(self.op.causal, from + n - 1);
        let p = first(p, n * seen);
        let (k, strides) = self.keys(b, head / s.group);
        gemm_here(
            (n, seen, s.d),
            self.queries(b, from, head),
            (k, transposed(strides)),
            (p, false),
        );
        let mask = self.mask.map(|m| rows::row(m, s.keys, b));
        rows::widest(
            #[inline(always)]
            || {
                for (i, row) in p.chunks_exact_mut(seen.max(1)).enumerate() {
                    let own = s.keys_of(self.op.causal, from + i);
                    let (row, past) = row.split_at_mut(own.min(seen));
                    past.fill(0.0);
                    softmax(row, self.op.scale.0 as f32, mask);
                }
            },
        );
        seen
    }
}

/// Returns the strides of a matrix whose rows are `row` elements apart.
fn by_rows(row: usize) -> Strides {
    Strides { row, column: 1 }
}

/// Returns the strides of the transpose.
fn transposed(s: Strides) -> Strides {
    Strides {
        row: s.column,
        column: s.row,
    }
}

#[inline(always)]
fn softmax(row: &mut [f32], scale: f32, mask: Option<&[f32]>) {
    match mask {
        None => row.iter_mut().for_each(|x| *x *= scale),
        Some(mask) => {
            for (x, m) in row.iter_mut().zip(mask) {
                let score = *x * scale + m;
                *x = if *m > LEFT_OUT as f32 {
                    score
                } else {
                    f32::MIN
                };
            }
        }
    }
    let max = rows::max(row);
    if max <= LEFT_OUT as f32 {
        return row.fill(0.0);
    }
    row.iter_mut().for_each(|x| *x = (*x - max).fast_exp());
    let factor = 1.0 / rows::sum(row);
    row.iter_mut().for_each(|x| *x *= factor);
}

/// Runs `f` for each of `n` work items, with `flops` operations in all, on the number of threads
/// that is fastest.
fn share_out(n: usize, flops: f64, f: impl Fn(&mut Space, usize) + Sync + Send) {
    match !threads::pays(flops as usize, PARALLEL_FROM) {
        true => {
            let mut space = Space::default();
            (0..n).for_each(|i| f(&mut space, i));
        }
        false => (0..n).into_par_iter().for_each_init(Space::default, f),
    }
}

pub(super) fn attention(op: &Attention, s: &Sizes, x: &[HostRef], y: &mut [f32]) {
    let inputs = Inputs::new(op, s, x);
    let block = inputs.block();
    let blocks = s.queries.div_ceil(block);
    let out = Shared::new(y);
    let flops = op.pairs(s) * 2.0 * (s.d + s.e) as f64;
    share_out(s.batch * s.heads * blocks, flops, |space, task| {
        let (from, head) = (task % blocks * block, task / blocks % s.heads);
        let b = task / (blocks * s.heads);
        let n = block.min(s.queries - from);
        let seen = inputs.weights(&mut space.p, b, head, from, n);
        let part = first(&mut space.part, n * s.e);
        let p = (&space.p[..n * seen], by_rows(seen));
        gemm_here(
            (n, s.e, seen),
            p,
            inputs.values(b, head / s.group),
            (part, false),
        );
        for (i, part) in part.chunks_exact(s.e).enumerate() {
            // SAFETY: each query and head belongs to one work item.
            unsafe { out.write(s.result(b, from + i, head) * s.e, part) };
        }
    });
}

pub(super) fn gradient(op: &AttentionGrad, s: &Sizes, x: &[HostRef], dx: &mut [f32]) {
    let inputs = Inputs::new(&op.of, s, x);
    let at = if s.packed { 1 } else { 3 };
    let (dy, delta) = (x[at].f32(), x[at + 1].f32());
    let block = inputs.block();
    let out = Shared::new(dx);
    let flops = op.of.pairs(s) * 2.0 * (3 * s.d + 2 * s.e) as f64;
    share_out(s.batch * s.kv_heads, flops, |space, task| {
        let (b, kv) = (task / s.kv_heads, task % s.kv_heads);
        let dk = first(&mut space.dk, s.keys * s.d);
        let dv = first(&mut space.dv, s.keys * s.e);
        dk.fill(0.0);
        dv.fill(0.0);
        for head in kv * s.group..(kv + 1) * s.group {
            for from in (0..s.queries).step_by(block) {
                let n = block.min(s.queries - from);
                let seen = inputs.weights(&mut space.p, b, head, from, n);
                let p = &mut space.p[..n * seen];
                let ds = first(&mut space.ds, n * seen);
                let given = (&dy[s.result(b, from, head) * s.e..], by_rows(s.heads * s.e));
                let (v, strides) = inputs.values(b, kv);
                gemm_here((n, seen, s.e), given, (v, transposed(strides)), (ds, false));
                let of_p = transposed(by_rows(seen));
                gemm_here((seen, s.e, n), (p, of_p), given, (dv, true));
                let scale = op.of.scale.0 as f32;
                let rows = ds
                    .chunks_exact_mut(seen.max(1))
                    .zip(p.chunks_exact(seen.max(1)));
                for (i, (ds, p)) in rows.enumerate() {
                    let middle = delta[s.result(b, from + i, head)];
                    for (ds, p) in ds.iter_mut().zip(p) {
                        *ds = p * (*ds - middle) * scale;
                    }
                }
                let query = inputs.queries(b, from, head);
                gemm_here((seen, s.d, n), (ds, of_p), query, (dk, true));
                let part = first(&mut space.part, n * s.d);
                let ds = (&*ds, by_rows(seen));
                gemm_here((n, s.d, seen), ds, inputs.keys(b, kv), (part, false));
                for (i, part) in part.chunks_exact(s.d).enumerate() {
                    // SAFETY: each query and head belongs to one work item.
                    unsafe { out.write(s.query(s.grads[0], b, from + i, head), part) };
                }
            }
        }
        for (j, (dk, dv)) in dk.chunks_exact(s.d).zip(dv.chunks_exact(s.e)).enumerate() {
            // SAFETY: each key, value and kv head belongs to one work item.
            unsafe {
                out.write(s.key(s.grads[1], b, j, kv), dk);
                out.write(s.value(s.grads[2], b, j, kv), dv);
            }
        }
    });
}

/// A result that several threads write, each a separate part.
struct Shared<'a> {
    start: *mut f32,
    len: usize,
    borrowed: std::marker::PhantomData<&'a mut [f32]>,
}

// SAFETY: `write` is the only access, and its callers write disjoint parts.
unsafe impl Sync for Shared<'_> {}

impl<'a> Shared<'a> {
    fn new(y: &'a mut [f32]) -> Self {
        Shared {
            start: y.as_mut_ptr(),
            len: y.len(),
            borrowed: std::marker::PhantomData,
        }
    }

    /// Copies `part` to the elements from `at` on.
    ///
    /// # Safety
    ///
    /// No other thread may write any of these elements at the same time.
    unsafe fn write(&self, at: usize, part: &[f32]) {
        let fits = at
            .checked_add(part.len())
            .is_some_and(|end| end <= self.len);
        debug_assert!(fits, "a part is outside the result");
        if fits {
            // SAFETY: the part is inside the result, and only this caller writes it.
            unsafe {
                self.start
                    .add(at)
                    .copy_from_nonoverlapping(part.as_ptr(), part.len())
            };
        }
    }
}
