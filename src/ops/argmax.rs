//! Argmax over the last axis: where the largest element of each row stands, the first of equals.
//!
//! Takes `x [.., n]` f32 with `n > 0`, gives `y [..]` u32. It has no gradient.

use crate::graph::{ArgMax, Backward, Grads, Meta, Op};
use crate::kernel::{Binding, Kernel, Variant, wgsl};
use crate::ops::{Array, HostRef, KernelOp, LowerContext, OpDef, Tolerance, Work, grid};
use crate::{DType, Source, Tensor};

impl OpDef for ArgMax {
    fn name(&self) -> &'static str {
        "argmax"
    }
    fn infer(&self, x: &[Meta]) -> Result<Meta, String> {
        match x {
            [x] if x.dtype == DType::F32 && x.shape.rank() > 0 && x.shape.last() > 0 => {
                Ok(Meta::new(&x.shape[..x.shape.rank() - 1], DType::U32))
            }
            _ => Err("takes one f32 tensor whose last axis is not empty".to_string()),
        }
    }
    fn grad(&self, _: &Backward) -> Grads {
        Ok(vec![None])
    }
    fn reference(&self, x: &[&Array], y: &mut Array) {
        for (x, y) in x[0].rows().zip(&mut y.data) {
            *y = first_largest(x) as f64;
        }
    }
    fn tolerance(&self, _: &[&Array], _: &Array) -> Tolerance {
        Tolerance::EXACT
    }
    fn flops(&self, x: &[Meta], _: &Meta) -> f64 {
        x[0].shape.len() as f64
    }
    fn work(&self) -> Work<'_> {
        Work::Kernel(self)
    }
}

fn first_largest<T: PartialOrd>(row: &[T]) -> usize {
    let mut best = 0;
    for (i, x) in row.iter().enumerate() {
        if *x > row[best] {
            best = i;
        }
    }
    best
}

impl KernelOp for ArgMax {
    fn takes_head(&self, _: &[Meta]) -> bool {
        false
    }
    fn takes_tail(&self) -> bool {
        false
    }
    fn kernels(&self, cx: &LowerContext) -> Vec<Variant> {
        let (rows, columns) = (cx.x[0].shape.rows(), cx.x[0].shape.last());
        vec![
            Kernel {
                label: "argmax",
                parts: vec![wgsl!("lib/index"), wgsl!("argmax")],
                overrides: vec![("WG", grid::LINEAR_WORKGROUP)],
                bindings: vec![
                    Binding::Read(cx.inputs[0]),
                    Binding::Write(cx.output),
                    Binding::Uniform(vec![rows as u32, columns as u32]),
                ],
                workgroups: grid::linear(cx.limits, rows),
            }
            .into(),
        ]
    }
    fn cpu(&self, x: &[HostRef], _: &Meta, y: &mut [u32]) {
        let n = x[0].meta.shape.last().max(1);
        for (x, y) in x[0].f32().chunks_exact(n).zip(y) {
            *y = first_largest(x) as u32;
        }
    }
}

impl Tensor {
    /// Where the largest element along the last axis stands; the first of equals. Gives `u32`.
    #[track_caller]
    pub fn argmax(&self) -> Tensor {
        Tensor::apply(Op::ArgMax(ArgMax), &[self], Source::caller())
    }
}
