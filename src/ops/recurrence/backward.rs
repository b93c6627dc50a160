//! The gradients of all steps of a recurrent layer, from the last to the first.

use crate::graph::{Backward, Cell, Grads, Meta, RecurrenceGrad};
use crate::kernel::Variant;
use crate::ops::sized_op::SizedOp;
use crate::ops::{Array, HostRef, LowerContext, OpDef, OpDoc, OpKind, Precision, Tolerance};
use crate::{DType, Shape};

use super::{Sizes, cpu, kernels, reference, reserve_layout};

impl RecurrenceGrad {
    /// Returns the number of rows of the result per sample.
    pub(super) fn rows(&self, time: usize) -> usize {
        time + usize::from(self.state)
    }

    pub(super) fn sizes(&self, x: &[Meta]) -> Result<Sizes, String> {
        let wrong = || {
            "expected the reserve space, w, the mask and the gradient of the outputs".to_string()
        };
        let [reserve, w, mask, dy] = x else {
            return Err(wrong());
        };
        let (&[batch, time], &[rows, hidden]) = (mask.shape.dims(), w.shape.dims()) else {
            return Err(wrong());
        };
        let layout = reserve_layout(self.of, time);
        let fits = rows == self.of.cell.gates() * hidden
            && self.of.record
            && reserve.shape == Shape::from([batch, layout.records(), hidden])
            && dy.shape == Shape::from([batch, layout.outputs(), hidden])
            && x.iter().all(|x| x.dtype == DType::F32);
        match fits {
            true => Ok(Sizes {
                batch,
                time,
                hidden,
            }),
            false => Err(wrong()),
        }
    }
}

impl OpDef for RecurrenceGrad {
    fn name(&self) -> &'static str {
        match self.of.cell {
            Cell::Tanh | Cell::Relu => "rnn_grad",
            Cell::Lstm => "lstm_grad",
            Cell::Gru => "gru_grad",
        }
    }

    fn doc(&self) -> OpDoc {
        OpDoc {
            formula: match self.of.cell {
                Cell::Tanh | Cell::Relu => {
                    "the gradients of all steps of `rnn`, from the last to the first"
                }
                Cell::Lstm => "the gradients of all steps of `lstm`, from the last to the first",
                Cell::Gru => "the gradients of all steps of `gru`, from the last to the first",
            },
            shapes: "the states, `w`, `mask`, the gradient of the states; `[batch, time, planes hidden]`",
            dtypes: "`f32`",
            gradient: "refused",
        }
    }

    fn infer(&self, x: &[Meta]) -> Result<Meta, String> {
        let Sizes {
            batch,
            time,
            hidden,
        } = self.sizes(x)?;
        let width = self.of.cell.planes() * hidden;
        Ok(Meta::new([batch, self.rows(time), width], DType::F32))
    }

    fn grad(&self, _: &Backward) -> Grads {
        Err("has no second derivative; differentiate the loss only once".to_string())
    }

    fn reference(&self, x: &[&Array], y: &mut Array) {
        reference::backward(self, x, y);
    }

    fn tolerance(&self, x: &[&Array], y: &Array) -> Tolerance {
        let (sums, time) = (x[1].shape.rows() as f64, x[2].shape.last() as f64);
        let state = x[0].max_abs().max(1.0);
        let largest = x[1].max_abs().max(1.0) * y.max_abs().max(x[3].max_abs()) * state;
        Tolerance {
            abs: 6e-8 * (sums + 16.0) * time * largest,
            rel: 1e-6,
        }
    }

    fn flops(&self, x: &[Meta], _: &Meta) -> f64 {
        let steps = x[2].shape.len() as f64;
        steps * (2.0 * x[1].shape.len() as f64 + 20.0 * x[1].shape.last() as f64)
    }

    fn precision(&self) -> Precision {
        Precision::Full
    }

    fn kind(&self) -> OpKind<'_> {
        OpKind::Kernel(self)
    }
}

impl SizedOp for RecurrenceGrad {
    type Sizes = Sizes;

    fn sizes_of(&self, x: &[Meta]) -> Result<Sizes, String> {
        self.sizes(x)
    }
    fn iterations(&self, s: &Sizes) -> usize {
        self.of.cell.gates() * s.hidden
    }
    fn variants(&self, s: Sizes, cx: &LowerContext) -> Vec<Variant> {
        vec![kernels::backward(self, s, cx)]
    }
    fn compute(&self, s: Sizes, x: &[HostRef], y: &mut [f32]) {
        cpu::backward(self, s, x, y);
    }
}
