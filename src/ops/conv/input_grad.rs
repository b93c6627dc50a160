//! The gradient of convolution with respect to its input, which is the transposed convolution.

use crate::graph::{Backward, ConvInputGrad, ConvWeightGrad, Grads, Meta, Op};
use crate::kernel::Variant;
use crate::ops::{
    Array, Fusion, HostRef, KernelOp, LowerContext, OpDef, OpDoc, OpKind, Precision, Tolerance,
};
use crate::{DType, Shape, Source, Tensor};

use super::{Geometry, cpu, geometry, kernels};

impl ConvInputGrad {
    fn geometry(&self, x: &[&Shape]) -> Result<Geometry, String> {
        let [dy, w] = x else {
            return Err(format!("expected 2 inputs, found {}", x.len()));
        };
        let (&[n, channels, ..], &[_, c, ..]) = (dy.dims(), w.dims()) else {
            return Err(format!(
                "expected images [n, oc, oh, ow] and weights [oc, c / groups, kh, kw], found {dy} and {w}"
            ));
        };
        let [height, width] = self.size;
        let x = Shape::from([n, c.saturating_mul(self.conv.groups), height, width]);
        let g = Geometry::new(&self.conv, &x, w)?;
        if g.y() != **dy {
            return Err(format!(
                "the convolution of {x} gives {}, but the images are {dy} of {channels} channels",
                g.y()
            ));
        }
        Ok(g)
    }
}

impl OpDef for ConvInputGrad {
    fn name(&self) -> &'static str {
        "conv_input_grad"
    }
    fn doc(&self) -> OpDoc {
        OpDoc {
            formula: "the transposed convolution: each element of `dx` is the sum of `dy w` over the windows that contain it",
            shapes: "`dy [n, oc, oh, ow]`, `w [oc, c / groups, kh, kw]`; `dx [n, c, h, w]`",
            dtypes: "`f32`",
            gradient: "`conv` for `dy`, `conv_weight_grad` for `w`",
        }
    }
    fn infer(&self, x: &[Meta]) -> Result<Meta, String> {
        let (dy, w) = geometry::two(x)?;
        Ok(Meta::new(self.geometry(&[dy, w])?.x(), DType::F32))
    }
    fn grad(&self, b: &Backward) -> Grads {
        let (dy, w) = (&b.x[0], &b.x[1]);
        let kernel = match w.shape().dims() {
            [_, _, h, w] => [*h, *w],
            _ => [0, 0],
        };
        let dw = Op::ConvWeightGrad(ConvWeightGrad {
            conv: self.conv,
            kernel,
        });
        Ok(vec![
            Some(b.dy.conv2d(w, self.conv)),
            Some(Tensor::apply(dw, &[dy, b.dy], Source::caller())),
        ])
    }
    fn reference(&self, x: &[&Array], y: &mut Array) {
        let [dy, w] = x else { return };
        if let Ok(g) = self.geometry(&[&dy.shape, &w.shape]) {
            g.each(|i, k, o| y.data[i] += dy.data[o] * w.data[k]);
        }
    }
    fn tolerance(&self, x: &[&Array], _: &Array) -> Tolerance {
        let [m, _, kh, kw] = x[1].shape[..] else {
            return Tolerance::EXACT;
        };
        let terms = m / self.conv.groups.max(1) * kh * kw;
        Geometry::tolerance(terms, x[0].max_abs() * x[1].max_abs())
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

impl KernelOp for ConvInputGrad {
    fn fusion(&self, x: &[Meta]) -> Fusion {
        let shapes: Vec<&Shape> = x.iter().map(|x| &x.shape).collect();
        let result = self.geometry(&shapes).map(|g| g.x());
        // A row of the product has the pixels of a channel.
        Fusion::of_rows(result.map_or(0, |r| r.iter().skip(2).product()))
    }
    fn kernels(&self, cx: &LowerContext) -> Vec<Variant> {
        let g = self.geometry(&[&cx.x[0].shape, &cx.x[1].shape]);
        g.map_or(Vec::new(), |g| kernels::input_grad(&g, cx))
    }
    fn cpu(&self, x: &[HostRef], _: &Meta, dx: &mut [u32]) {
        let [dy, w] = x else { return };
        if let Ok(g) = self.geometry(&[&dy.meta.shape, &w.meta.shape]) {
            cpu::input_grad(&g, dy.f32(), w.f32(), bytemuck::cast_slice_mut(dx));
        }
    }
}
