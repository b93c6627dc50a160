//! Scaled dot-product attention: `y_i = sum over j of p_ij v_j`,
//! `p_i = softmax over j of scale q_i k_j + mask_j`.
//!
//! The inputs are queries `[b, t, heads, d]`, keys `[b, s, kv_heads, d]` and values
//! `[b, s, kv_heads, e]`; the result is `[b, t, heads, e]`; all are f32. Query head `h` uses key
//! and value head `h / (heads / kv_heads)`. In the packed form, one tensor has all three side by
//! side, as a single projection computes them. Their gradient then has the same form.
//!
//! The scores `[t, s]` are never stored. The forward pass keeps a running sum relative to the
//! largest score so far (Milakov and Gimelshein, 2018). The backward pass computes the scores again
//! (Dao et al., 2022).
//!
//! A key whose mask is -1e30 or lower is excluded. A query that sees no key gets zeros and passes
//! no gradient.

use crate::graph::{Attention, AttentionGrad, Backward, Grads, Meta, Op};
use crate::kernel::Variant;
use crate::ops::sized_op::SizedOp;
use crate::ops::{Array, HostRef, LowerContext, OpDef, OpDoc, OpKind, Precision, Tolerance};
use crate::{DType, Source, Tensor};

mod composed;
mod cpu;
mod kernels;
mod methods;
mod reference;
mod sizes;

use sizes::Sizes;

pub use methods::AttentionOptions;

/// An upper bound of the iterations of loops that are not over keys or queries.
const OTHER_ITERATIONS: usize = 256;

/// The mask value at and below which a key is excluded.
const LEFT_OUT: f64 = -1e30;

/// Returns the largest error of a score: a rounding for each of its terms, amplified by the
/// exponential.
fn score_error(x: &[&Array], s: &Sizes, scale: f64) -> f64 {
    let q = x.first().map_or(0.0, |q| q.max_abs());
    let k = x
        .get(if s.packed { 0 } else { 1 })
        .map_or(0.0, |k| k.max_abs());
    let steps = (s.d as f64).sqrt() + 4.0;
    1e-6 + 1.2e-7 * steps * s.d as f64 * scale.abs() * q * k
}

fn values(x: &[&Array], s: &Sizes) -> f64 {
    x.get(if s.packed { 0 } else { 2 })
        .map_or(0.0, |v| v.max_abs())
}

impl OpDef for Attention {
    fn name(&self) -> &'static str {
        "attention"
    }
    fn doc(&self) -> OpDoc {
        OpDoc {
            formula: "`y_i = sum over j of p_ij v_j`, `p_i = softmax over j of (scale q_i k_j + mask_j)`",
            shapes: "`q [b, t, heads, d]`, `k [b, s, kv_heads, d]`, `v [b, s, kv_heads, e]` (or all in one), `mask [b, s]`; `y [b, t, heads, e]`",
            dtypes: "`f32`",
            gradient: "`attention_grad` for `q`, `k` and `v`; none for the mask",
        }
    }
    fn infer(&self, x: &[Meta]) -> Result<Meta, String> {
        let s = self.sizes(x, 0)?;
        Ok(Meta::new([s.batch, s.queries, s.heads, s.e], DType::F32))
    }
    fn grad(&self, b: &Backward) -> Grads {
        let caller = Source::caller();
        let inputs = if self.packed { 1 } else { 3 };
        let delta = (b.y * b.dy).sum(&[-1]);
        let mut x: Vec<&Tensor> = b.x.iter().take(inputs).collect();
        x.extend([b.dy, &delta]);
        x.extend(b.x.get(inputs));
        let dx = Tensor::apply(Op::AttentionGrad(AttentionGrad { of: *self }), &x, caller);
        let mut grads = match self.packed {
            true => vec![Some(dx)],
            false => {
                let mut start = 0;
                let part = |x: &Tensor| {
                    let shape = x.shape();
                    start += shape.len();
                    Some(
                        dx.narrow(0, start - shape.len(), shape.len())
                            .reshape(shape),
                    )
                };
                b.x.iter().take(3).map(part).collect()
            }
        };
        grads.resize(b.x.len(), None);
        Ok(grads)
    }
    fn reference(&self, x: &[&Array], y: &mut Array) {
        reference::attention(self, x, y);
    }
    fn tolerance(&self, x: &[&Array], _: &Array) -> Tolerance {
        let metas = metas(x);
        let Ok(s) = self.sizes(&metas, 0) else {
            return Tolerance::EXACT;
        };
        Tolerance {
            abs: 2.0 * score_error(x, &s, self.scale.0) * values(x, &s),
            rel: 1e-6,
        }
    }
    fn flops(&self, x: &[Meta], _: &Meta) -> f64 {
        self.sizes(x, 0)
            .map_or(0.0, |s| self.pairs(&s) * 2.0 * (s.d + s.e) as f64)
    }
    fn precision(&self) -> Precision {
        Precision::Half
    }
    fn kind(&self) -> OpKind<'_> {
        OpKind::Kernel(self)
    }
}

impl Attention {
    /// Returns the number of pairs of queries and keys.
    fn pairs(&self, s: &Sizes) -> f64 {
        let of = |i: usize| s.keys_of(self.causal, i) as f64;
        (s.batch * s.heads) as f64 * (0..s.queries).map(of).sum::<f64>()
    }
}

/// Returns the types of the reference's arrays. Only their shapes matter here.
fn metas(x: &[&Array]) -> Vec<Meta> {
    x.iter()
        .map(|x| Meta::new(x.shape.clone(), DType::F32))
        .collect()
}

impl SizedOp for Attention {
    type Sizes = Sizes;

    fn sizes_of(&self, x: &[Meta]) -> Result<Sizes, String> {
        self.sizes(x, 0)
    }
    fn iterations(&self, s: &Sizes) -> usize {
        s.keys / 2 + OTHER_ITERATIONS
    }
    fn variants(&self, s: Sizes, cx: &LowerContext) -> Vec<Variant> {
        kernels::attention(self, &s, cx)
    }
    fn compute(&self, s: Sizes, x: &[HostRef], y: &mut [f32]) {
        cpu::attention(self, &s, x, y);
    }
}

impl OpDef for AttentionGrad {
    fn name(&self) -> &'static str {
        "attention_grad"
    }
    fn doc(&self) -> OpDoc {
        OpDoc {
            formula: "`dv_j = sum over i of p_ij dy_i`, `ds_ij = scale p_ij (dy_i v_j - delta_i)`, `dq_i = sum over j of ds_ij k_j`, `dk_j = sum over i of ds_ij q_i`, with `p` as in `attention`",
            shapes: "`q`, `k`, `v`, `dy` (as `y`), `delta [b, t, heads]` (the sums of `y dy`), `mask`; `dq`, `dk`, `dv` in one",
            dtypes: "`f32`",
            gradient: "refused",
        }
    }
    fn infer(&self, x: &[Meta]) -> Result<Meta, String> {
        let s = self.of.sizes(x, 2)?;
        let at = if self.of.packed { 1 } else { 3 };
        let wanted = [
            Meta::new([s.batch, s.queries, s.heads, s.e], DType::F32),
            Meta::new([s.batch, s.queries, s.heads], DType::F32),
        ];
        if x.get(at..at + 2) != Some(&wanted[..]) {
            return Err(
                "expected dy of the result's shape, and delta with one number per query and head"
                    .to_string(),
            );
        }
        match self.of.packed {
            true => Ok(x[0].clone()),
            false => {
                let all = x[..3].iter().map(|x| x.shape.len()).sum::<usize>();
                Ok(Meta::new([all], DType::F32))
            }
        }
    }
    fn grad(&self, _: &Backward) -> Grads {
        Err("has no second derivative; differentiate the loss only once".to_string())
    }
    fn reference(&self, x: &[&Array], dx: &mut Array) {
        reference::gradient(self, x, dx);
    }
    fn tolerance(&self, x: &[&Array], _: &Array) -> Tolerance {
        let metas = metas(x);
        let Ok(s) = self.of.sizes(&metas, 2) else {
            return Tolerance::EXACT;
        };
        let at = if s.packed { 1 } else { 3 };
        let scale = self.of.scale.0.abs();
        let error = score_error(x, &s, scale);
        let (dy, delta) = (x[at].max_abs(), x[at + 1].max_abs());
        // The magnitude and the error of the gradient of a score.
        let dp = dy * values(x, &s) * s.e as f64 + delta;
        let ds = scale * dp * (2.0 * error + 1.2e-7 * ((s.e as f64).sqrt() + 4.0));
        let largest = x[0]
            .max_abs()
            .max(x[if s.packed { 0 } else { 1 }].max_abs());
        // The gradient of a key is a sum over queries.
        let sum = 1.0 + ((s.queries * s.group) as f64).sqrt();
        Tolerance {
            abs: sum * (largest * ds).max(2.0 * error * dy),
            rel: 2e-6,
        }
    }
    fn flops(&self, x: &[Meta], _: &Meta) -> f64 {
        let of = |s: Sizes| self.of.pairs(&s) * 2.0 * (4 * s.d + 3 * s.e) as f64;
        self.of.sizes(x, 2).map_or(0.0, of)
    }
    fn precision(&self) -> Precision {
        Precision::Full
    }
    fn kind(&self) -> OpKind<'_> {
        OpKind::Kernel(self)
    }
}

impl SizedOp for AttentionGrad {
    type Sizes = Sizes;

    fn sizes_of(&self, x: &[Meta]) -> Result<Sizes, String> {
        self.of.sizes(x, 2)
    }
    fn iterations(&self, s: &Sizes) -> usize {
        (s.keys / 2).max(s.queries * s.heads / s.kv_heads.max(1)) + OTHER_ITERATIONS
    }
    fn variants(&self, s: Sizes, cx: &LowerContext) -> Vec<Variant> {
        kernels::gradient(self, &s, cx)
    }
    fn compute(&self, s: Sizes, x: &[HostRef], y: &mut [f32]) {
        cpu::gradient(self, &s, x, y);
    }
}
