//! The forward op of convolution.

use crate::graph::{Backward, Conv, ConvInputGrad, ConvWeightGrad, Grads, Meta, Op};
use crate::kernel::Variant;
use crate::ops::{
    Array, Fusion, HostRef, KernelOp, LowerContext, OpDef, OpDoc, OpKind, Precision, Tolerance,
};
use crate::{DType, Shape, Source, Tensor};

use super::{Geometry, cpu, geometry, kernels};

impl Conv {
    fn geometry(&self, x: &[&Shape]) -> Result<Geometry, String> {
        match x {
            [x, w] => Geometry::new(self, x, w),
            _ => Err(format!("expected 2 inputs, found {}", x.len())),
        }
    }
}

impl OpDef for Conv {
    fn name(&self) -> &'static str {
        "conv"
    }
    fn doc(&self) -> OpDoc {
        OpDoc {
            formula: "`y[n, o, i, j] = sum over c, p, q of x[n, c, i s + p d - pad, j s' + q d' - pad'] w[o, c, p, q]`, with stride `s`, dilation `d`, and `pad` zeros around `x`",
            shapes: "`x [n, c, h, w]`, `w [oc, c / groups, kh, kw]`; `y [n, oc, oh, ow]`",
            dtypes: "`f32`",
            gradient: "`conv_input_grad` for `x`, `conv_weight_grad` for `w`",
        }
    }
    fn infer(&self, x: &[Meta]) -> Result<Meta, String> {
        let (x, w) = geometry::two(x)?;
        Ok(Meta::new(self.geometry(&[x, w])?.y(), DType::F32))
    }
    fn grad(&self, b: &Backward) -> Grads {
        let (x, w) = (&b.x[0], &b.x[1]);
        let pair = |shape: Shape| match shape.dims() {
            [_, _, h, w] => [*h, *w],
            _ => [0, 0],
        };
        let dx = Op::ConvInputGrad(ConvInputGrad {
            conv: *self,
            size: pair(x.shape()),
        });
        let dw = Op::ConvWeightGrad(ConvWeightGrad {
            conv: *self,
            kernel: pair(w.shape()),
        });
        Ok(vec![
            Some(Tensor::apply(dx, &[b.dy, w], Source::caller())),
            Some(Tensor::apply(dw, &[b.dy, x], Source::caller())),
        ])
    }
    fn reference(&self, x: &[&Array], y: &mut Array) {
        let [x, w] = x else { return };
        if let Ok(g) = self.geometry(&[&x.shape, &w.shape]) {
            g.each(|i, k, o| y.data[o] += x.data[i] * w.data[k]);
        }
    }
    fn tolerance(&self, x: &[&Array], _: &Array) -> Tolerance {
        let terms = x[1].shape.iter().skip(1).product();
        Geometry::tolerance(terms, x[0].max_abs() * x[1].max_abs())
    }
    fn flops(&self, x: &[Meta], _: &Meta) -> f64 {
        let g = self.geometry(&[&x[0].shape, &x[1].shape]);
        g.map_or(0.0, |g| 2.0 * g.products())
    }
    fn precision(&self) -> Precision {
        Precision::Half
    }
    fn kind(&self) -> OpKind<'_> {
        OpKind::Kernel(self)
    }
}

impl KernelOp for Conv {
    fn fusion(&self, x: &[Meta]) -> Fusion {
        let shapes: Vec<&Shape> = x.iter().map(|x| &x.shape).collect();
        let result = self.geometry(&shapes).map(|g| g.y());
        // A row of the product has the pixels of a channel.
        Fusion::of_rows(result.map_or(0, |r| r.iter().skip(2).product()))
    }
    fn kernels(&self, cx: &LowerContext) -> Vec<Variant> {
        let g = self.geometry(&[&cx.x[0].shape, &cx.x[1].shape]);
        g.map_or(Vec::new(), |g| kernels::forward(&g, cx))
    }
    fn cpu(&self, x: &[HostRef], _: &Meta, y: &mut [u32]) {
        let [x, w] = x else { return };
        if let Ok(g) = self.geometry(&[&x.meta.shape, &w.meta.shape]) {
            cpu::forward(&g, x.f32(), w.f32(), bytemuck::cast_slice_mut(y));
        }
    }
}
