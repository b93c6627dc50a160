//! The gradient of convolution with respect to its weights.

use crate::graph::{Backward, ConvInputGrad, ConvWeightGrad, Grads, Meta, Op};
use crate::kernel::Variant;
use crate::ops::{
    Array, Fusion, HostRef, KernelOp, LowerContext, OpDef, OpDoc, OpKind, Precision, Tolerance,
};
use crate::{DType, Shape, Source, Tensor};

use super::{Geometry, cpu, geometry, kernels};

impl ConvWeightGrad {
    fn geometry(&self, x: &[&Shape]) -> Result<Geometry, String> {
        let [dy, x] = x else {
            return Err(format!("expected 2 inputs, found {}", x.len()));
        };
        let (&[_, oc, ..], &[_, channels, ..]) = (dy.dims(), x.dims()) else {
            return Err(format!(
                "expected images [n, oc, oh, ow] and [n, c, h, w], found {dy} and {x}"
            ));
        };
        let [kh, kw] = self.kernel;
        let w = Shape::from([oc, channels / self.conv.groups.max(1), kh, kw]);
        let g = Geometry::new(&self.conv, x, &w)?;
        match g.y() == **dy {
            true => Ok(g),
            false => Err(format!(
                "the convolution of {x} gives {}, but dy is {dy}",
                g.y()
            )),
        }
    }
}

impl OpDef for ConvWeightGrad {
    fn name(&self) -> &'static str {
        "conv_weight_grad"
    }
    fn doc(&self) -> OpDoc {
        OpDoc {
            formula: "`dw[o, c, p, q] = sum over n, i, j of dy[n, o, i, j] x[n, c, i s + p d - pad, j s' + q d' - pad']`, with the symbols of `conv`",
            shapes: "`dy [n, oc, oh, ow]`, `x [n, c, h, w]`; `dw [oc, c / groups, kh, kw]`",
            dtypes: "`f32`",
            gradient: "`conv` for `dy`, `conv_input_grad` for `x`",
        }
    }
    fn infer(&self, x: &[Meta]) -> Result<Meta, String> {
        let (dy, x) = geometry::two(x)?;
        Ok(Meta::new(self.geometry(&[dy, x])?.w(), DType::F32))
    }
    fn grad(&self, b: &Backward) -> Grads {
        let (dy, x) = (&b.x[0], &b.x[1]);
        let size = match x.shape().dims() {
            [_, _, h, w] => [*h, *w],
            _ => [0, 0],
        };
        let dx = Op::ConvInputGrad(ConvInputGrad {
            conv: self.conv,
            size,
        });
        Ok(vec![
            Some(x.conv2d(b.dy, self.conv)),
            Some(Tensor::apply(dx, &[dy, b.dy], Source::caller())),
        ])
    }
    fn reference(&self, x: &[&Array], y: &mut Array) {
        let [dy, x] = x else { return };
        if let Ok(g) = self.geometry(&[&dy.shape, &x.shape]) {
            g.each(|i, k, o| y.data[k] += dy.data[o] * x.data[i]);
        }
    }
    fn tolerance(&self, x: &[&Array], _: &Array) -> Tolerance {
        let [n, _, oh, ow] = x[0].shape[..] else {
            return Tolerance::EXACT;
        };
        Geometry::tolerance(n * oh * ow, x[0].max_abs() * x[1].max_abs())
    }
    fn flops(&self, x: &[Meta], _: &Meta) -> f64 {
        let g = self.geometry(&[&x[0].shape, &x[1].shape]);
        g.map_or(0.0, |g| 2.0 * g.products())
    }
    fn precision(&self) -> Precision {
        Precision::Full
    }
    fn kind(&self) -> OpKind<'_> {
        OpKind::Kernel(self)
    }
}

impl KernelOp for ConvWeightGrad {
    fn fusion(&self, _: &[Meta]) -> Fusion {
        Fusion {
            reads_half: true,
            ..Fusion::EPILOGUE
        }
    }
    fn kernels(&self, cx: &LowerContext) -> Vec<Variant> {
        let g = self.geometry(&[&cx.x[0].shape, &cx.x[1].shape]);
        g.map_or(Vec::new(), |g| kernels::weight_grad(&g, cx))
    }
    fn cpu(&self, x: &[HostRef], _: &Meta, dw: &mut [u32]) {
        let [dy, x] = x else { return };
        if let Ok(g) = self.geometry(&[&dy.meta.shape, &x.meta.shape]) {
            cpu::weight_grad(&g, dy.f32(), x.f32(), bytemuck::cast_slice_mut(dw));
        }
    }
}
