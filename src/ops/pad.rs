//! Padding along an axis, with optional gaps between the elements. It is the gradient of a slice.
//!
//! The input is `x [.., n, ..]` of any element type; the result is `y [.., to, ..]` with
//! `y[before + step i] = x[i]`, and `value` elsewhere.

use crate::graph::{Backward, Grads, Meta, Op, Pad, Scalar};
use crate::kernel::{Binding, Kernel, Variant, wgsl};
use crate::ops::{
    Array, Fusion, HostRef, KernelOp, LowerContext, OpDef, OpDoc, OpKind, Precision, Tolerance,
    grid,
};
use crate::{DType, Shape, Source, Tensor};

impl Pad {
    /// Returns the numbers of elements before the axis, along it, and after it.
    fn split(&self, x: &Shape) -> (usize, usize, usize) {
        let (outer, rest) = x.split_at(self.axis.min(x.rank()));
        let (n, inner) = rest
            .split_first()
            .map_or((1, &[][..]), |(n, inner)| (*n, inner));
        (outer.iter().product(), n, inner.iter().product())
    }

    /// Returns the bits of the value.
    fn word(&self, dtype: DType) -> u32 {
        let Scalar(value) = self.value;
        match dtype {
            DType::F32 | DType::F16 | DType::Bf16 => (value as f32).to_bits(),
            DType::I32 => value as i32 as u32,
            DType::U32 => value as u32,
            DType::Bool => u32::from(value != 0.0),
        }
    }

    fn copy<T: Copy>(&self, shape: &Shape, x: &[T], y: &mut [T]) {
        let (outer, n, inner) = self.split(shape);
        for o in 0..outer {
            for i in 0..n {
                let from = (o * n + i) * inner;
                let to = (o * self.to + self.before + self.step * i) * inner;
                y[to..to + inner].copy_from_slice(&x[from..from + inner]);
            }
        }
    }
}

impl OpDef for Pad {
    fn name(&self) -> &'static str {
        "pad"
    }
    fn doc(&self) -> OpDoc {
        OpDoc {
            formula: "`y[before + step i] = x[i]` along one axis, and `value` elsewhere",
            shapes: "`x [.., n, ..]`; `y [.., to, ..]`",
            dtypes: "any",
            gradient: "`dx[i] = dy[before + step i]`",
        }
    }
    fn infer(&self, x: &[Meta]) -> Result<Meta, String> {
        let [x] = x else {
            return Err(format!("expected 1 input, found {}", x.len()));
        };
        let Some(&n) = x.shape.get(self.axis) else {
            return Err(format!("there is no axis {}", self.axis));
        };
        let end = n.checked_sub(1).map_or(Some(self.before), |last| {
            self.step
                .checked_mul(last)
                .and_then(|e| e.checked_add(self.before + 1))
        });
        if self.step == 0 || end.is_none_or(|end| end > self.to) {
            return Err(format!(
                "{n} elements from {} with step {} exceed the size {}",
                self.before, self.step, self.to
            ));
        }
        Ok(Meta::new(x.shape.with_axis(self.axis, self.to), x.dtype))
    }
    fn grad(&self, b: &Backward) -> Grads {
        let shape = b.x[0].shape();
        let mut start = vec![0; shape.rank()];
        let mut step = vec![1; shape.rank()];
        start[self.axis] = self.before;
        step[self.axis] = self.step;
        Ok(vec![Some(b.dy.slice(&start, &shape, &step))])
    }
    fn reference(&self, x: &[&Array], y: &mut Array) {
        y.data.fill(self.value.0);
        self.copy(&x[0].shape, &x[0].data, &mut y.data);
    }
    fn tolerance(&self, _: &[&Array], _: &Array) -> Tolerance {
        Tolerance::EXACT
    }
    fn flops(&self, _: &[Meta], _: &Meta) -> f64 {
        0.0
    }
    fn precision(&self) -> Precision {
        Precision::Half
    }
    fn kind(&self) -> OpKind<'_> {
        OpKind::Kernel(self)
    }
}

impl KernelOp for Pad {
    fn fusion(&self, _: &[Meta]) -> Fusion {
        Fusion::NONE
    }
    fn kernels(&self, cx: &LowerContext) -> Vec<Variant> {
        let (outer, n, inner) = self.split(&cx.x[0].shape);
        let mut params = [outer, n, inner, self.before, self.step, self.to]
            .map(|d| d as u32)
            .to_vec();
        params.push(self.word(cx.y.dtype));
        vec![
            Kernel {
                label: "pad",
                parts: vec![wgsl!("lib/index"), wgsl!("pad")],
                overrides: vec![("WG", grid::LINEAR_WORKGROUP)],
                bindings: vec![
                    Binding::Read(cx.inputs[0]),
                    Binding::Write(cx.output),
                    Binding::Uniform(params),
                ],
                workgroups: grid::linear(cx.limits, cx.y.shape.len()),
            }
            .into(),
        ]
    }
    fn cpu(&self, x: &[HostRef], meta: &Meta, y: &mut [u32]) {
        y.fill(self.word(meta.dtype));
        self.copy(&x[0].meta.shape, x[0].words, y);
    }
}

impl Tensor {
    /// Places `self` in a tensor of zeros of shape `to`, with element `i` of each axis at
    /// `before + step * i`.
    #[track_caller]
    pub fn pad_into(&self, before: &[usize], step: &[usize], to: &Shape) -> Tensor {
        self.pad_with((before, step), to, 0.0, Source::caller())
    }

    pub(super) fn pad_with(
        &self,
        (before, step): (&[usize], &[usize]),
        to: &Shape,
        value: f64,
        caller: Source,
    ) -> Tensor {
        let value = Scalar(value);
        let mut x = self.clone();
        for (axis, ((&before, &step), &to)) in before.iter().zip(step).zip(to.iter()).enumerate() {
            if (before, step, to) != (0, 1, x.dim(axis as isize)) {
                x = Tensor::apply(
                    Op::Pad(Pad {
                        axis,
                        before,
                        step,
                        to,
                        value,
                    }),
                    &[&x],
                    caller,
                );
            }
        }
        x
    }
}
