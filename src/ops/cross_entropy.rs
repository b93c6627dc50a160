//! Cross-entropy of logits with integer labels:
//! `y[r] = ln(sum over j of e^x[r, j]) - x[r, label[r]]`.
//!
//! Takes logits `x [.., classes]` f32 and labels `[..]` u32, gives one loss a row, `[..]`. The maximum
//! is subtracted first, so logits of any size are fine. A label outside the classes gives the loss 0
//! and no gradient on every device; data sets refuse such labels when they are made.

use crate::graph::{Backward, CrossEntropy, CrossEntropyGrad, Grads, Meta, Op};
use crate::kernel::{Binding, Variant, wgsl};
use crate::ops::softmax::row_kernel;
use crate::ops::{Array, HostRef, KernelOp, LowerContext, OpDef, Tolerance, Work, rows};
use crate::{DType, Source, Tensor};

fn check(x: &[Meta], count: usize) -> Result<(), String> {
    if x.len() != count {
        return Err(format!("takes {count} inputs, was given {}", x.len()));
    }
    let (logits, labels) = (&x[0], &x[1]);
    if logits.dtype != DType::F32 || labels.dtype != DType::U32 {
        return Err("the logits must be f32 and the labels u32".to_string());
    }
    let rows = logits
        .shape
        .rank()
        .checked_sub(1)
        .map(|r| &logits.shape[..r]);
    if rows != Some(&labels.shape[..]) || logits.shape.last() == 0 {
        return Err("logits [.., classes] need labels [..], one a row".to_string());
    }
    Ok(())
}

/// `max` and `ln(sum(e^(x - max)))` of a row.
fn log_sum_exp(row: &[f64]) -> f64 {
    let max = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    max + row.iter().map(|x| (x - max).exp()).sum::<f64>().ln()
}

impl OpDef for CrossEntropy {
    fn name(&self) -> &'static str {
        "cross_entropy"
    }
    fn infer(&self, x: &[Meta]) -> Result<Meta, String> {
        check(x, 2)?;
        Ok(Meta::new(x[1].shape.clone(), DType::F32))
    }
    fn grad(&self, b: &Backward) -> Grads {
        let op = Op::CrossEntropyGrad(CrossEntropyGrad);
        let dx = Tensor::apply(op, &[&b.x[0], &b.x[1], b.dy], Source::caller());
        Ok(vec![Some(dx), None])
    }
    fn reference(&self, x: &[&Array], y: &mut Array) {
        for ((row, label), y) in x[0].rows().zip(&x[1].data).zip(&mut y.data) {
            if let Some(logit) = row.get(*label as usize) {
                *y = log_sum_exp(row) - logit;
            }
        }
    }
    fn tolerance(&self, x: &[&Array], _: &Array) -> Tolerance {
        let n = x[0].shape.last() as f64;
        Tolerance {
            abs: 5e-7 + 1.2e-7 * x[0].max_abs() + 6e-8 * n.sqrt(),
            rel: 2e-6,
        }
    }
    fn flops(&self, x: &[Meta], _: &Meta) -> f64 {
        4.0 * x[0].shape.len() as f64
    }
    fn work(&self) -> Work<'_> {
        Work::Kernel(self)
    }
}

impl KernelOp for CrossEntropy {
    fn takes_head(&self, _: &[Meta]) -> bool {
        false
    }
    fn takes_tail(&self) -> bool {
        false
    }
    fn kernels(&self, cx: &LowerContext) -> Vec<Variant> {
        let bindings = vec![
            Binding::Read(cx.inputs[0]),
            Binding::Read(cx.inputs[1]),
            Binding::Write(cx.output),
        ];
        vec![row_kernel("cross_entropy", wgsl!("cross_entropy"), bindings, cx).into()]
    }
    fn cpu(&self, x: &[HostRef], _: &Meta, y: &mut [u32]) {
        let n = x[0].meta.shape.last();
        let (x, labels) = (x[0].f32(), x[1].words);
        rows::for_rows(
            bytemuck::cast_slice_mut(y),
            1,
            8 * n,
            #[inline(always)]
            |i, y| {
                let x = rows::row(x, n, i);
                let label = labels.get(i).map_or(n, |label| *label as usize);
                let max = rows::max(x);
                let loss = match label < n {
                    true => rows::exp_sum(x, max).ln() - (x[label] - max),
                    false => 0.0,
                };
                y.fill(loss);
            },
        );
    }
}

impl OpDef for CrossEntropyGrad {
    fn name(&self) -> &'static str {
        "cross_entropy_grad"
    }
    fn infer(&self, x: &[Meta]) -> Result<Meta, String> {
        check(x, 3)?;
        if x[2].shape != x[1].shape || x[2].dtype != DType::F32 {
            return Err("dy must be f32 with the labels' shape".to_string());
        }
        Ok(x[0].clone())
    }
    fn grad(&self, _: &Backward) -> Grads {
        Err("has no second derivative here: differentiate the loss once".to_string())
    }
    fn reference(&self, x: &[&Array], y: &mut Array) {
        let rows = x[0].rows().zip(&x[1].data).zip(&x[2].data);
        for (((row, label), dy), y) in rows.zip(y.rows_mut()) {
            let label = *label as usize;
            if label >= row.len() {
                continue;
            }
            let total = log_sum_exp(row);
            for (j, (y, x)) in y.iter_mut().zip(row).enumerate() {
                let hit = if j == label { 1.0 } else { 0.0 };
                *y = ((x - total).exp() - hit) * dy;
            }
        }
    }
    fn tolerance(&self, x: &[&Array], _: &Array) -> Tolerance {
        let magnitude = 1.0 + x[0].max_abs() / 4.0;
        Tolerance {
            abs: 1.2e-6 * magnitude * x[2].max_abs(),
            rel: 4e-6,
        }
    }
    fn flops(&self, x: &[Meta], _: &Meta) -> f64 {
        6.0 * x[0].shape.len() as f64
    }
    fn work(&self) -> Work<'_> {
        Work::Kernel(self)
    }
}

impl KernelOp for CrossEntropyGrad {
    fn takes_head(&self, _: &[Meta]) -> bool {
        false
    }
    fn takes_tail(&self) -> bool {
        false
    }
    fn kernels(&self, cx: &LowerContext) -> Vec<Variant> {
        let bindings = vec![
            Binding::Read(cx.inputs[0]),
            Binding::Read(cx.inputs[1]),
            Binding::Read(cx.inputs[2]),
            Binding::Write(cx.output),
        ];
        vec![
            row_kernel(
                "cross_entropy_grad",
                wgsl!("cross_entropy_grad"),
                bindings,
                cx,
            )
            .into(),
        ]
    }
    fn cpu(&self, x: &[HostRef], _: &Meta, y: &mut [u32]) {
        let n = x[0].meta.shape.last();
        let (x, labels, dy) = (x[0].f32(), x[1].words, x[2].f32());
        rows::for_rows(
            bytemuck::cast_slice_mut(y),
            n,
            8,
            #[inline(always)]
            |i, y| {
                let label = labels.get(i).map_or(n, |label| *label as usize);
                if label >= n {
                    return y.fill(0.0);
                }
                let x = rows::row(x, n, i);
                let total = rows::exp_of(x, rows::max(x), y);
                let dy = dy[i];
                for (j, y) in y.iter_mut().enumerate() {
                    let hit = if j == label { 1.0 } else { 0.0 };
                    *y = (*y / total - hit) * dy;
                }
            },
        );
    }
}

impl Tensor {
    /// The cross-entropy of each row of logits `self [.., classes]` with its label (`u32`, `[..]`):
    /// `ln(sum(e^x)) - x[label]`, in nats, one loss a row.
    #[track_caller]
    pub fn cross_entropy(&self, labels: &Tensor) -> Tensor {
        Tensor::apply(
            Op::CrossEntropy(CrossEntropy),
            &[self, labels],
            Source::caller(),
        )
    }
}
