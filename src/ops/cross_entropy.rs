//! Cross-entropy of logits with integer labels:
//! `y[r] = ln(sum over j of e^x[r, j]) - x[r, label[r]]`.
//!
//! The inputs are logits `x [.., classes]` f32 and labels `[..]` u32; the result has one loss per
//! row, `[..]`. The maximum is subtracted first, so logits of any size are valid. On every device,
//! a label outside the classes gives the loss 0 and no gradient; data sets reject such labels when
//! they are created.

use crate::graph::{Backward, CrossEntropy, CrossEntropyGrad, Grads, Meta, Op};
use crate::kernel::{Part, wgsl};
use crate::ops::row_op::{self, HostRow, RowOp, row_op};
use crate::ops::{Array, OpDoc, Precision, Tolerance, rows};
use crate::{DType, Source, Tensor};

row_op!(CrossEntropy, CrossEntropyGrad);

fn check(x: &[Meta], count: usize) -> Result<(), String> {
    if x.len() != count {
        return Err(format!("expected {count} inputs, found {}", x.len()));
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
        return Err("expected labels [..] for logits [.., classes], one per row".to_string());
    }
    Ok(())
}

/// Returns `max` and `ln(sum(e^(x - max)))` of a row.
fn log_sum_exp(row: &[f64]) -> f64 {
    let max = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    max + row.iter().map(|x| (x - max).exp()).sum::<f64>().ln()
}

impl RowOp for CrossEntropy {
    const FLOPS: f64 = 4.0;
    const COST: usize = 8;
    const PRECISION: Precision = Precision::Full;

    fn name(&self) -> &'static str {
        "cross_entropy"
    }
    fn doc(&self) -> OpDoc {
        OpDoc {
            formula: "`y[r] = ln(sum over j of e^x[r, j]) - x[r, label[r]]`, and 0 for a label outside the classes",
            shapes: "`x [.., classes]`, `label [..]`; `y [..]`",
            dtypes: "`x` `f32`, `label` `u32`",
            gradient: "`dx[r, j] = (softmax(x[r])[j] - (1 where j = label[r])) dy[r]`",
        }
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
    fn reference(&self, x: &[&[f64]], y: &mut [f64]) {
        if let Some(logit) = x[0].get(x[1][0] as usize) {
            y[0] = log_sum_exp(x[0]) - logit;
        }
    }
    fn tolerance(&self, x: &[&Array], _: &Array) -> Tolerance {
        let n = x[0].shape.last() as f64;
        Tolerance {
            abs: 5e-7 + 1.2e-7 * x[0].max_abs() + 6e-8 * n.sqrt(),
            rel: 2e-6,
        }
    }
    #[inline(always)]
    fn cpu(&self, x: &[HostRow], y: &mut [f32]) {
        let (x, label) = (x[0].f32(), x[1].number());
        let loss = match x.get(label) {
            Some(logit) => {
                let max = rows::max(x);
                rows::exp_sum(x, max).ln() - (logit - max)
            }
            None => 0.0,
        };
        y.fill(loss);
    }
    fn shader(&self) -> (&'static str, Vec<Part>) {
        ("cross_entropy", vec![wgsl!("cross_entropy")])
    }
    fn params(&self) -> Vec<u32> {
        row_op::largest_start()
    }
}

impl RowOp for CrossEntropyGrad {
    const FLOPS: f64 = 6.0;
    const COST: usize = 8;
    const PRECISION: Precision = Precision::Full;

    fn name(&self) -> &'static str {
        "cross_entropy_grad"
    }
    fn doc(&self) -> OpDoc {
        OpDoc {
            formula: "`dx[r, j] = (softmax(x[r])[j] - (1 where j = label[r])) dy[r]`",
            shapes: "`x [.., classes]`, `label [..]`, `dy [..]`; `dx [.., classes]`",
            dtypes: "`x` and `dy` `f32`, `label` `u32`",
            gradient: "refused",
        }
    }
    fn infer(&self, x: &[Meta]) -> Result<Meta, String> {
        check(x, 3)?;
        if x[2].shape != x[1].shape || x[2].dtype != DType::F32 {
            return Err("expected dy of type f32 and of the labels' shape".to_string());
        }
        Ok(x[0].clone())
    }
    fn grad(&self, _: &Backward) -> Grads {
        row_op::once()
    }
    fn reference(&self, x: &[&[f64]], y: &mut [f64]) {
        let (row, label, dy) = (x[0], x[1][0] as usize, x[2][0]);
        if label >= row.len() {
            return;
        }
        let total = log_sum_exp(row);
        for (j, (y, x)) in y.iter_mut().zip(row).enumerate() {
            let hit = if j == label { 1.0 } else { 0.0 };
            *y = ((x - total).exp() - hit) * dy;
        }
    }
    fn tolerance(&self, x: &[&Array], _: &Array) -> Tolerance {
        let magnitude = 1.0 + x[0].max_abs() / 4.0;
        Tolerance {
            abs: 1.2e-6 * magnitude * x[2].max_abs(),
            rel: 4e-6,
        }
    }
    #[inline(always)]
    fn cpu(&self, x: &[HostRow], y: &mut [f32]) {
        let (x, label, dy) = (x[0].f32(), x[1].number(), x[2].f32());
        if label >= x.len() {
            return y.fill(0.0);
        }
        let total = rows::exp_of(x, rows::max(x), y);
        let dy = dy.first().copied().unwrap_or(0.0);
        for (j, y) in y.iter_mut().enumerate() {
            let hit = if j == label { 1.0 } else { 0.0 };
            *y = (*y / total - hit) * dy;
        }
    }
    fn shader(&self) -> (&'static str, Vec<Part>) {
        ("cross_entropy_grad", vec![wgsl!("cross_entropy_grad")])
    }
    fn params(&self) -> Vec<u32> {
        row_op::largest_start()
    }
}

impl Tensor {
    /// Computes the cross-entropy of each row of logits `self [.., classes]` with its label (`u32`,
    /// `[..]`): `ln(sum(e^x)) - x[label]`, in nats. Returns one loss per row, `[..]`.
    #[track_caller]
    pub fn cross_entropy(&self, labels: &Tensor) -> Tensor {
        Tensor::apply(
            Op::CrossEntropy(CrossEntropy),
            &[self, labels],
            Source::caller(),
        )
    }
}
