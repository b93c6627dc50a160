//! Order: the positions of whole numbers, the smallest number's first. Equal ones keep their order.
//!
//! Takes `u32 [n]`, gives `u32 [n]`. It has no gradient.

use crate::graph::{Backward, Grads, Meta, Op, Order};
use crate::kernel::{Binding, Kernel, Variant, wgsl};
use crate::ops::radix::{Radix, Sorted};
use crate::ops::{Array, HostRef, KernelOp, LowerContext, OpDef, Tolerance, Work, grid};
use crate::{DType, Source, Tensor};

impl OpDef for Order {
    fn name(&self) -> &'static str {
        "order"
    }
    fn infer(&self, x: &[Meta]) -> Result<Meta, String> {
        match x {
            [x] if x.dtype == DType::U32 && x.shape.rank() == 1 => Ok(x.clone()),
            _ => Err("takes one u32 tensor [n]".to_string()),
        }
    }
    fn grad(&self, _: &Backward) -> Grads {
        Ok(vec![None])
    }
    fn reference(&self, x: &[&Array], y: &mut Array) {
        let mut positions: Vec<usize> = (0..y.data.len()).collect();
        positions.sort_by_key(|&i| x[0].data[i] as u32);
        for (y, i) in y.data.iter_mut().zip(positions) {
            *y = i as f64;
        }
    }
    fn tolerance(&self, _: &[&Array], _: &Array) -> Tolerance {
        Tolerance::EXACT
    }
    fn flops(&self, _: &[Meta], _: &Meta) -> f64 {
        0.0
    }
    fn work(&self) -> Work<'_> {
        Work::Kernel(self)
    }
}

impl KernelOp for Order {
    fn takes_head(&self, _: &[Meta]) -> bool {
        false
    }
    fn takes_tail(&self) -> bool {
        false
    }
    fn kernels(&self, cx: &LowerContext) -> Vec<Variant> {
        let count = cx.y.shape.len();
        let radix = Radix {
            keys: cx.inputs[0],
            count,
            most: u32::MAX,
            limits: cx.limits,
        };
        let Sorted {
            mut kernels,
            scratch,
            pairs,
        } = radix.sorted();
        kernels.push(Kernel {
            label: "order",
            parts: vec![wgsl!("lib/index"), wgsl!("order")],
            overrides: vec![("WG", grid::LINEAR_WORKGROUP)],
            bindings: vec![
                Binding::Read(pairs),
                Binding::Write(cx.output),
                Binding::Uniform(vec![count as u32]),
            ],
            workgroups: grid::linear(cx.limits, count),
        });
        vec![Variant { kernels, scratch }]
    }
    fn cpu(&self, x: &[HostRef], _: &Meta, y: &mut [u32]) {
        for (i, y) in y.iter_mut().enumerate() {
            *y = i as u32;
        }
        // The position as a second key makes the order stable.
        y.sort_unstable_by_key(|&i| (x[0].words[i as usize], i));
    }
}

impl Tensor {
    /// The positions of whole numbers (`u32 [n]`), the smallest number's first; equal ones keep their order.
    /// Gives `u32 [n]`.
    #[track_caller]
    pub fn order(&self) -> Tensor {
        Tensor::apply(Op::Order(Order), &[self], Source::caller())
    }
}
