//! Pick: selects elements of rows by distinct positions, `y[r, j] = x[r, at[r, j]]`, and the
//! inverse.
//!
//! The inputs are `x [.., n]` of any element type and `u32` positions `[.., k]`; the result is
//! `[.., k]`. The inverse has the input `x [.., k]` and the result `[.., n]`, with element `j` at
//! position `at[j]` and zeros elsewhere. Each is the gradient of the other. The positions of a row
//! are distinct, so nothing is added.

use crate::graph::{Backward, Grads, Meta, Op, Pick};
use crate::kernel::{Binding, Kernel, Variant, wgsl};
use crate::ops::{
    Array, Fusion, HostRef, KernelOp, LowerContext, OpDef, OpDoc, OpKind, Precision, Tolerance,
    grid,
};
use crate::{DType, Source, Tensor};

impl Pick {
    fn copy<T: Copy>(
        &self,
        (x, n): (&[T], usize),
        (at, k): (impl Iterator<Item = usize>, usize),
        zero: T,
        y: &mut [T],
    ) {
        y.fill(zero);
        let to = self.back.unwrap_or(k);
        for (e, place) in at.enumerate() {
            let (row, j) = (e / k.max(1), e % k.max(1));
            let (from, size, into) = match self.back {
                None => (row * n + place, n, row * to + j),
                Some(size) => (row * n + j, size, row * to + place),
            };
            if let (true, Some(x), Some(y)) = (place < size, x.get(from), y.get_mut(into)) {
                *y = *x;
            }
        }
    }
}

impl OpDef for Pick {
    fn name(&self) -> &'static str {
        match self.back {
            None => "pick",
            Some(_) => "pick_back",
        }
    }
    fn doc(&self) -> OpDoc {
        match self.back {
            None => OpDoc {
                formula: "`y[r, j] = x[r, at[r, j]]`, where the positions of a row are distinct",
                shapes: "`x [.., n]`, `at [.., k]`; `y [.., k]`",
                dtypes: "`x` any, `at` `u32`",
                gradient: "`dx` is `pick_back` of `dy`",
            },
            Some(_) => OpDoc {
                formula: "`y[r, at[r, j]] = x[r, j]`, zeros elsewhere; the positions of a row are distinct",
                shapes: "`x [.., k]`, `at [.., k]`; `y [.., n]`",
                dtypes: "`x` any, `at` `u32`",
                gradient: "`dx` is `pick` of `dy`",
            },
        }
    }
    fn infer(&self, x: &[Meta]) -> Result<Meta, String> {
        let [x, at] = x else {
            return Err(format!("expected 2 inputs, found {}", x.len()));
        };
        if at.dtype != DType::U32 {
            return Err("the positions must be u32; see `Tensor::cast`".to_string());
        }
        let Some(axis) = x.shape.rank().checked_sub(1) else {
            return Err("expected a tensor with at least one axis".to_string());
        };
        let fits = match self.back {
            None => x.shape.with_axis(axis, at.shape.last()) == at.shape,
            Some(n) => x.shape == at.shape && at.shape.last() <= n,
        };
        match fits {
            true => {
                let n = self.back.unwrap_or(at.shape.last());
                Ok(Meta::new(x.shape.with_axis(axis, n), x.dtype))
            }
            false => Err("elements and positions must agree in all axes but the last".to_string()),
        }
    }
    fn grad(&self, b: &Backward) -> Grads {
        let (x, at) = (&b.x[0], &b.x[1]);
        if !x.dtype().is_float() {
            return Ok(vec![None, None]);
        }
        let back = match self.back {
            None => Some(x.shape().last()),
            Some(_) => None,
        };
        let dx = Tensor::apply(Op::Pick(Pick { back }), &[b.dy, at], Source::caller());
        Ok(vec![Some(dx), None])
    }
    fn reference(&self, x: &[&Array], y: &mut Array) {
        let at = x[1].data.iter().map(|&at| at as usize);
        let (from, k) = (x[0].shape.last(), x[1].shape.last());
        self.copy((&x[0].data, from), (at, k), 0.0, &mut y.data);
    }
    fn tolerance(&self, _: &[&Array], _: &Array) -> Tolerance {
        Tolerance::EXACT
    }
    fn flops(&self, _: &[Meta], _: &Meta) -> f64 {
        0.0
    }
    fn precision(&self) -> Precision {
        Precision::Full
    }
    fn kind(&self) -> OpKind<'_> {
        OpKind::Kernel(self)
    }
}

impl KernelOp for Pick {
    fn fusion(&self, _: &[Meta]) -> Fusion {
        Fusion::NONE
    }
    fn kernels(&self, cx: &LowerContext) -> Vec<Variant> {
        let (rows, k) = (cx.x[1].shape.rows(), cx.x[1].shape.last());
        let n = self.back.unwrap_or(cx.x[0].shape.last());
        let kernel = |label, shader, bindings, count| Kernel {
            label,
            parts: vec![wgsl!("lib/index"), shader],
            overrides: vec![("WG", grid::LINEAR_WORKGROUP)],
            bindings,
            workgroups: grid::linear(cx.limits, count),
        };
        let mut kernels = Vec::new();
        if self.back.is_some() && k < n {
            let all = cx.y.shape.len();
            let bindings = vec![
                Binding::Write(cx.output),
                Binding::Uniform(vec![all as u32]),
            ];
            kernels.push(kernel("fill_zeros", wgsl!("fill_zeros"), bindings, all));
        }
        let bindings = vec![
            Binding::Read(cx.inputs[0]),
            Binding::Read(cx.inputs[1]),
            Binding::Write(cx.output),
            Binding::Uniform([rows, n, k].map(|d| d as u32).to_vec()),
        ];
        kernels.push(match self.back {
            None => kernel("pick", wgsl!("pick"), bindings, rows * k),
            Some(_) => kernel("pick_back", wgsl!("pick_back"), bindings, rows * k),
        });
        vec![Variant {
            kernels,
            scratch: Vec::new(),
        }]
    }
    fn cpu(&self, x: &[HostRef], _: &Meta, y: &mut [u32]) {
        let at = x[1].words.iter().map(|&at| at as usize);
        let (from, k) = (x[0].meta.shape.last(), x[1].meta.shape.last());
        self.copy((x[0].words, from), (at, k), 0, y);
    }
}

impl Tensor {
    /// Returns the elements of each row at these positions, which must be distinct within a row.
    pub(super) fn pick(&self, at: &Tensor, caller: Source) -> Tensor {
        Tensor::apply(Op::Pick(Pick { back: None }), &[self, at], caller)
    }
}
