//! Rotary position embedding (Su et al., 2021): rotates pairs of features by an angle that depends
//! on their position.
//!
//! The inputs are `x [.., t, heads, d]` and a table `[t, r]` of cosines and sines; the result has
//! the shape of `x`, f32. With the cosine `c` and the sine `s` of pair `p` at position `t`:
//! `y1 = x1 c - x2 s`, `y2 = x2 c + x1 s`. The first `r` features of a head are rotated, the others
//! are copied. The gradient rotates by the opposite angle.
//!
//! The table is an input because WGSL guarantees the sine only for angles up to pi, and only with
//! 11 bits.

use crate::graph::{Backward, Grads, Meta, Op, Rope};
use crate::kernel::{Binding, Kernel, Variant, wgsl};
use crate::ops::{
    Array, Fusion, HostRef, KernelOp, LowerContext, OpDef, OpDoc, OpKind, Precision, Tolerance,
    grid, rows,
};
use crate::{DType, Shape, Source, Tensor};

/// The sizes: positions, heads, features of a head, rotated features of a head.
struct Sizes {
    t: usize,
    heads: usize,
    d: usize,
    r: usize,
}

impl Sizes {
    fn of(x: &Shape, table: &Shape) -> Option<Self> {
        let (&[t, heads, d], &[rows, r]) = (x.split_last_chunk::<3>()?.1, table.dims()) else {
            return None;
        };
        (t == rows && r <= d && r % 2 == 0).then_some(Sizes { t, heads, d, r })
    }
}

impl Rope {
    /// Returns, for feature `j` of `r` rotated ones, its partner, its pair, and the sign of the
    /// sine.
    #[inline(always)]
    fn partner(self, j: usize, r: usize) -> (usize, usize, f32) {
        let (partner, pair, first) = match self.interleaved {
            true => (j ^ 1, j / 2, j.is_multiple_of(2)),
            false => ((j + r / 2) % r, j % (r / 2), j < r / 2),
        };
        let sign = if first == self.inverse { 1.0 } else { -1.0 };
        (partner, pair, sign)
    }
}

impl OpDef for Rope {
    fn name(&self) -> &'static str {
        "rope"
    }
    fn doc(&self) -> OpDoc {
        OpDoc {
            formula: "`y1 = x1 c - x2 s`, `y2 = x2 c + x1 s`: each pair of features rotated by its position's angle",
            shapes: "`x [.., t, heads, d]`, a table of cosines and sines `[t, r]`; `y` as `x`",
            dtypes: "`f32`",
            gradient: "`dy` rotated back; none for the table",
        }
    }
    fn infer(&self, x: &[Meta]) -> Result<Meta, String> {
        let [x, table] = x else {
            return Err(format!("expected 2 inputs, found {}", x.len()));
        };
        if x.dtype != DType::F32 || table.dtype != DType::F32 {
            return Err("both inputs must be f32".to_string());
        }
        match Sizes::of(&x.shape, &table.shape) {
            Some(sizes) if self.heads <= sizes.heads => Ok(x.clone()),
            _ => Err(format!(
                "x [.., t, heads, d] of at least {} heads requires a table [t, r] with r even and at most d",
                self.heads
            )),
        }
    }
    fn grad(&self, b: &Backward) -> Grads {
        let op = Op::Rope(Rope {
            inverse: !self.inverse,
            ..*self
        });
        let dx = Tensor::apply(op, &[b.dy, &b.x[1]], Source::caller());
        Ok(vec![Some(dx), None])
    }
    fn reference(&self, x: &[&Array], y: &mut Array) {
        let Some(Sizes { t, heads, d, r }) = Sizes::of(&x[0].shape, &x[1].shape) else {
            return;
        };
        let (x, table) = (&x[0].data, &x[1].data);
        for (i, y) in y.data.iter_mut().enumerate() {
            let (j, head, at) = (i % d, i / d % heads, i / (d * heads) % t);
            *y = x[i];
            if head < self.heads && j < r {
                let (partner, pair, sign) = self.partner(j, r);
                let (c, s) = (table[at * r + pair], table[at * r + r / 2 + pair]);
                *y = x[i] * c + f64::from(sign) * x[i - j + partner] * s;
            }
        }
    }
    fn tolerance(&self, x: &[&Array], _: &Array) -> Tolerance {
        Tolerance {
            abs: 1.2e-7 * x[0].max_abs() * x[1].max_abs(),
            rel: 1.2e-7,
        }
    }
    fn flops(&self, x: &[Meta], _: &Meta) -> f64 {
        3.0 * x[0].shape.len() as f64
    }
    fn precision(&self) -> Precision {
        Precision::Half
    }
    fn kind(&self) -> OpKind<'_> {
        OpKind::Kernel(self)
    }
}

impl KernelOp for Rope {
    fn fusion(&self, _: &[Meta]) -> Fusion {
        Fusion::NONE
    }
    fn kernels(&self, cx: &LowerContext) -> Vec<Variant> {
        let Some(Sizes { t, heads, d, r }) = Sizes::of(&cx.x[0].shape, &cx.x[1].shape) else {
            return Vec::new();
        };
        let count = cx.y.shape.len();
        let mut params = [count, t, heads, d, r, self.heads]
            .map(|n| n as u32)
            .to_vec();
        params.extend([u32::from(self.interleaved), u32::from(self.inverse)]);
        vec![
            Kernel {
                label: "rope",
                parts: vec![wgsl!("lib/index"), wgsl!("rope")],
                overrides: vec![("WG", grid::LINEAR_WORKGROUP)],
                bindings: vec![
                    Binding::Read(cx.inputs[0]),
                    Binding::Read(cx.inputs[1]),
                    Binding::Write(cx.output),
                    Binding::Uniform(params),
                ],
                workgroups: grid::linear(cx.limits, count),
            }
            .into(),
        ]
    }
    fn cpu(&self, x: &[HostRef], _: &Meta, y: &mut [u32]) {
        let Some(Sizes { t, heads, d, r }) = Sizes::of(&x[0].meta.shape, &x[1].meta.shape) else {
            return;
        };
        let (x, table) = (x[0].f32(), x[1].f32());
        let y: &mut [f32] = bytemuck::cast_slice_mut(y);
        rows::for_rows(
            y,
            d,
            4,
            #[inline(always)]
            |i, y| {
                let x = rows::row(x, d, i);
                let angles = rows::row(table, r, i / heads % t.max(1));
                y.copy_from_slice(x);
                if i % heads >= self.heads || x.len() < r || angles.len() < r {
                    return;
                }
                let (cos, sin) = angles.split_at(r / 2);
                for (j, y) in y.iter_mut().enumerate().take(r) {
                    let (partner, pair, sign) = self.partner(j, r);
                    *y = x[j] * cos[pair] + sign * x[partner] * sin[pair];
                }
            },
        );
    }
}

impl Tensor {
    /// Rotates pairs of features of `[.., t, heads, d]` by the angles of `table`, `[t, r]`. A row
    /// of the table has the cosines of the `r / 2` pairs in its first half and their sines in the
    /// second. The first `r` features of the first `heads` heads are rotated. If `interleaved`, the
    /// pairs are features `2i` and `2i + 1`, else `i` and `i + r / 2`. The table gets no gradient.
    #[track_caller]
    pub fn rope(&self, table: &Tensor, heads: usize, interleaved: bool) -> Tensor {
        let op = Rope {
            heads,
            interleaved,
            inverse: false,
        };
        Tensor::apply(Op::Rope(op), &[self, table], Source::caller())
    }
}
