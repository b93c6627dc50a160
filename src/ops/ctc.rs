//! Connectionist temporal classification (Graves et al., 2006): the negative logarithm of the
//! probability that the frames of a sample produce its labels, in any alignment.
//!
//! The inputs are log-probabilities `x [batch, time, classes]` f32, labels `[batch, s]`, the number
//! of frames of each sample `[batch]` and its number of labels `[batch]`, all u32. The result has
//! one loss per sample, `[batch]`. A path has one class per frame. Repeated classes are merged,
//! then blanks are removed. So a sample with `n` labels has `2 n + 1` states, with a blank before,
//! between and after the labels. A path stays in its state, takes the next state, or skips a blank
//! between labels that differ. The sum over all paths is a recursion over time, in logarithms.
//!
//! If no path fits, the loss is infinite, or 0 if the op has this option, and the gradient is 0. No
//! path fits if there are fewer frames than labels and the blanks between equal ones, or if a label
//! is the blank or not a class. Lengths that exceed the tensors are clamped. A log-probability
//! below -1e30 counts as a probability of 0.
//!
//! The gradient recomputes the forward recursion and adds a backward recursion: `dx[b, t, c]` is
//! `-dy` times the probability that a path with these labels has class `c` at `t`.

mod cpu;
mod kernels;
mod reference;

use crate::graph::{Backward, Ctc, CtcGrad, Grads, Meta, Op};
use crate::kernel::Variant;
use crate::ops::sized_op::SizedOp;
use crate::ops::{
    Array, HostRef, LowerContext, OpDef, OpDoc, OpKind, Precision, Tolerance, row_op,
};
use crate::{DType, Shape, Source, Tensor};

/// The logarithm of 0, finite because a shader may assume that no value is infinite.
const NONE: f32 = -1e30;

/// A sum of logarithms below this value contains `NONE`.
const POSSIBLE: f32 = -1e29;

/// The sizes of the tensors.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    batch: usize,
    time: usize,
    classes: usize,
    labels: usize,
}

impl Sizes {
    /// Returns the number of states of a sample with all labels.
    fn states(self) -> usize {
        2 * self.labels + 1
    }
}

impl Ctc {
    fn sizes(&self, x: &[Meta]) -> Result<Sizes, String> {
        let [x, labels, lengths @ ..] = x else {
            return Err(format!("expected 4 inputs, found {}", x.len()));
        };
        if lengths.len() != 2 {
            return Err(format!("expected 4 inputs, found {}", 2 + lengths.len()));
        }
        let numbers = labels.dtype == DType::U32 && lengths.iter().all(|l| l.dtype == DType::U32);
        if x.dtype != DType::F32 || !numbers {
            return Err(
                "the log-probabilities must be f32, the labels and both lengths u32".to_string(),
            );
        }
        let (&[batch, time, classes], &[rows, s]) = (x.shape.dims(), labels.shape.dims()) else {
            return Err(
                "log-probabilities must be [batch, time, classes], labels [batch, s]".to_string(),
            );
        };
        let each = Shape::from([batch]);
        if rows != batch || lengths.iter().any(|l| l.shape != each) {
            return Err(
                "log-probabilities [batch, time, classes] require labels [batch, s] and lengths [batch]"
                    .to_string(),
            );
        }
        if time == 0 || self.blank as usize >= classes {
            return Err(format!(
                "expected at least 1 frame, and a class for the blank, which is {}",
                self.blank
            ));
        }
        Ok(Sizes {
            batch,
            time,
            classes,
            labels: s,
        })
    }
}

/// Returns the largest error of a sum of logarithms over all frames. Each frame adds the rounding
/// of a number that grows with the frames, and the errors of an exponential and a logarithm.
fn off(x: &Array) -> f64 {
    let time = x.shape.dims().get(1).copied().unwrap_or(1) as f64;
    let possible = |x: &&f64| **x > f64::from(NONE);
    let largest = x
        .data
        .iter()
        .filter(possible)
        .fold(1.0, |m, x| f64::max(m, x.abs()));
    time * (1.2e-6 + 6e-8 * time * largest)
}

impl OpDef for Ctc {
    fn name(&self) -> &'static str {
        "ctc_loss"
    }
    fn doc(&self) -> OpDoc {
        OpDoc {
            formula: "`y = -ln(sum of the probabilities of all paths with these labels)`",
            shapes: "`x [batch, time, classes]`, labels `[batch, s]`, frames `[batch]`, counts `[batch]`; `y [batch]`",
            dtypes: "`f32`, `u32`, `u32`, `u32`; `f32`",
            gradient: "`dx[b, t, c] = -dy p(class c at t, given the labels)`",
        }
    }
    fn infer(&self, x: &[Meta]) -> Result<Meta, String> {
        Ok(Meta::new([self.sizes(x)?.batch], DType::F32))
    }
    fn grad(&self, b: &Backward) -> Grads {
        let [x, labels, frames, lengths] = b.x else {
            return Err("expected inputs, found none".to_string());
        };
        let op = Op::CtcGrad(CtcGrad { of: *self });
        let dx = Tensor::apply(op, &[x, labels, frames, lengths, b.dy], Source::caller());
        Ok(vec![Some(dx), None, None, None])
    }
    fn reference(&self, x: &[&Array], y: &mut Array) {
        reference::forward(self, x, y);
    }
    fn tolerance(&self, x: &[&Array], _: &Array) -> Tolerance {
        Tolerance {
            abs: off(x[0]),
            rel: 1e-6,
        }
    }
    fn flops(&self, x: &[Meta], _: &Meta) -> f64 {
        match self.sizes(x) {
            Ok(s) => 12.0 * (s.batch * s.time * s.states()) as f64,
            Err(_) => 0.0,
        }
    }
    fn precision(&self) -> Precision {
        Precision::Full
    }
    fn kind(&self) -> OpKind<'_> {
        OpKind::Kernel(self)
    }
}

impl SizedOp for Ctc {
    type Sizes = Sizes;

    fn sizes_of(&self, x: &[Meta]) -> Result<Sizes, String> {
        self.sizes(x)
    }
    fn variants(&self, s: Sizes, cx: &LowerContext) -> Vec<Variant> {
        vec![kernels::forward(self, s, cx)]
    }
    fn compute(&self, s: Sizes, x: &[HostRef], y: &mut [f32]) {
        cpu::forward(self, s, x, y);
    }
}

impl CtcGrad {
    fn sizes(&self, x: &[Meta]) -> Result<Sizes, String> {
        let [of @ .., dy] = x else {
            return Err("expected 5 inputs, found none".to_string());
        };
        let sizes = self.of.sizes(of)?;
        match *dy == Meta::new([sizes.batch], DType::F32) {
            true => Ok(sizes),
            false => Err("dy must be f32 [batch]".to_string()),
        }
    }
}

impl OpDef for CtcGrad {
    fn name(&self) -> &'static str {
        "ctc_loss_grad"
    }
    fn doc(&self) -> OpDoc {
        OpDoc {
            formula: "`dx[b, t, c] = -dy p(class c at t, given the labels)`",
            shapes: "`x [batch, time, classes]`, labels `[batch, s]`, frames `[batch]`, counts `[batch]`, `dy [batch]`; `dx [batch, time, classes]`",
            dtypes: "`f32`, `u32`, `u32`, `u32`, `f32`; `f32`",
            gradient: "refused",
        }
    }
    fn infer(&self, x: &[Meta]) -> Result<Meta, String> {
        self.sizes(x)?;
        Ok(x[0].clone())
    }
    fn grad(&self, _: &Backward) -> Grads {
        row_op::once()
    }
    fn reference(&self, x: &[&Array], y: &mut Array) {
        reference::backward(&self.of, x, y);
    }
    fn tolerance(&self, x: &[&Array], _: &Array) -> Tolerance {
        // The error of a probability whose logarithm is the sum of three such sums.
        Tolerance {
            abs: 3.0 * off(x[0]) * x[4].max_abs(),
            rel: 1e-6,
        }
    }
    fn flops(&self, x: &[Meta], _: &Meta) -> f64 {
        match self.sizes(x) {
            Ok(s) => 30.0 * (s.batch * s.time * s.states()) as f64,
            Err(_) => 0.0,
        }
    }
    fn precision(&self) -> Precision {
        Precision::Full
    }
    fn kind(&self) -> OpKind<'_> {
        OpKind::Kernel(self)
    }
}

impl SizedOp for CtcGrad {
    type Sizes = Sizes;

    fn sizes_of(&self, x: &[Meta]) -> Result<Sizes, String> {
        self.sizes(x)
    }
    fn variants(&self, s: Sizes, cx: &LowerContext) -> Vec<Variant> {
        vec![kernels::backward(&self.of, s, cx)]
    }
    fn compute(&self, s: Sizes, x: &[HostRef], y: &mut [f32]) {
        cpu::backward(&self.of, s, x, y);
    }
}

impl Tensor {
    /// Computes the CTC loss of each sample, `[batch]`, in nats: the negative logarithm of the
    /// probability that its frames produce its labels (Graves et al., 2006). `self` has
    /// log-probabilities `[batch, time, classes]`, such as the result of [`Tensor::log_softmax`].
    /// `labels` are `[batch, s]`, and the two `lengths`, of frames and of labels, are `[batch]`,
    /// all u32. Values past a sample's lengths are ignored.
    ///
    /// It agrees with `torch.nn.functional.ctc_loss` without a reduction, except for the order of
    /// the axes and the gradient of an infinite loss, which is 0 here and NaN in PyTorch.
    #[track_caller]
    pub fn ctc_loss(&self, labels: &Tensor, lengths: [&Tensor; 2], options: Ctc) -> Tensor {
        let [frames, count] = lengths;
        let inputs = [self, labels, frames, count];
        Tensor::apply(Op::Ctc(options), &inputs, Source::caller())
    }
}
