//! Resampling of images: average pooling and upsampling.
//!
//! `y[.., i, j] = sum over r, c of A[i, r] B[j, c] x[.., r, c]`, f32. Each row of `A` and `B` has
//! the weights of a few adjacent elements, its *taps* (see [`Resampling`] and `axis`). The input is
//! `x [.., h, w]`, the result is `[.., oh, ow]`.
//!
//! The gradient is the transpose: `dx[.., r, c] = sum over i, j of A[i, r] B[j, c] dy[.., i, j]`.
//! Each element is gathered from its *users*, in order.

mod axis;
mod cpu;

use crate::graph::{Backward, Grads, Meta, Op, Resample, ResampleGrad, Resampling};
use crate::kernel::{Binding, Kernel, Part, Variant, add_parts, emit_epilogue, prelude, wgsl};
use crate::ops::{
    Array, Fusion, HostRef, KernelOp, LowerContext, OpDef, OpDoc, OpKind, Precision, Tolerance,
    grid,
};
use crate::{DType, Shape, Source, Tensor};

use axis::Axis;

/// The sizes of a resampling.
struct Geometry {
    /// The number of images of one channel.
    planes: usize,
    axes: [Axis; 2],
}

impl Geometry {
    fn new(kind: &Resampling, x: &Shape) -> Result<Geometry, String> {
        let Some((lead, size)) = x.split_last_chunk::<2>() else {
            return Err(format!("expected images [.., h, w], found {x}"));
        };
        Ok(Geometry {
            planes: lead.iter().product(),
            axes: [Axis::new(kind, size[0], 0)?, Axis::new(kind, size[1], 1)?],
        })
    }

    fn output(&self, x: &Shape) -> Shape {
        let rank = x.rank();
        x.with_axis(rank - 2, self.axes[0].to())
            .with_axis(rank - 1, self.axes[1].to())
    }

    /// Returns the kernel with an invocation for each of `count` elements.
    fn kernel(&self, kind: &Resampling, gradient: bool, cx: &LowerContext) -> Vec<Variant> {
        let Some(epilogue) = cx.epilogue else {
            return Vec::new();
        };
        let [h, w] = &self.axes;
        let (label, shell, count) = match gradient {
            false => ("resample", wgsl!("resample"), h.to() * w.to()),
            true => ("resample_grad", wgsl!("resample_grad"), h.n() * w.n()),
        };
        let count = self.planes * count;
        let iterations = |axis: &Axis| match gradient {
            false => axis.most_taps(),
            true => axis.most_users(),
        };
        if !cx.allows(iterations(h) * (iterations(w) + 1)) {
            return Vec::new();
        }
        let mut params = [h.words(), w.words()].concat();
        params.extend([count as u32, 0, 0, 0]);
        let mut bindings = vec![Binding::Read(cx.inputs[0]), Binding::Uniform(params)];
        let epilogue = emit_epilogue(epilogue, 1, bindings.len() as u32);
        bindings.extend(epilogue.bindings);
        let mut parts = vec![
            prelude(1),
            wgsl!("lib/index"),
            wgsl!("lib/resample"),
            taps(kind),
            shell,
        ];
        add_parts(&mut parts, epilogue.parts);
        vec![
            Kernel {
                label,
                parts,
                overrides: vec![("WG", grid::LINEAR_WORKGROUP)],
                bindings,
                workgroups: grid::linear(cx.limits, count),
            }
            .into(),
        ]
    }
}

/// Returns the functions that compute the taps and their weights.
fn taps(kind: &Resampling) -> Part {
    match kind {
        Resampling::Average { .. } => wgsl!("lib/resample_average"),
        Resampling::Adaptive { .. } => wgsl!("lib/resample_adaptive"),
        Resampling::Nearest { .. } => wgsl!("lib/resample_nearest"),
        Resampling::Linear { .. } => wgsl!("lib/resample_linear"),
    }
}

/// Returns the tolerance for the errors of the weights and the sums.
fn tolerance(x: &Array) -> Tolerance {
    Tolerance {
        abs: 1e-6 * x.max_abs(),
        rel: 1e-6,
    }
}

impl OpDef for Resample {
    fn name(&self) -> &'static str {
        match self.kind {
            Resampling::Average { .. } => "avg_pool",
            Resampling::Adaptive { .. } => "adaptive_avg_pool",
            Resampling::Nearest { .. } => "upsample_nearest",
            Resampling::Linear { .. } => "upsample_bilinear",
        }
    }
    fn doc(&self) -> OpDoc {
        OpDoc {
            formula: match self.kind {
                Resampling::Average { .. } => "the mean of each window",
                Resampling::Adaptive { .. } => {
                    "the mean of each of `oh` by `ow` windows: from `floor(i h / oh)` to `ceil((i + 1) h / oh)`"
                }
                Resampling::Nearest { .. } => {
                    "`y[.., i, j] = x[.., floor(i h / oh), floor(j w / ow)]`"
                }
                Resampling::Linear { .. } => "linear interpolation between the four nearest pixels",
            },
            shapes: "`x [.., h, w]`; `y [.., oh, ow]`",
            dtypes: "`f32`",
            gradient: "`dy`, distributed by the same weights",
        }
    }
    fn infer(&self, x: &[Meta]) -> Result<Meta, String> {
        match x {
            [x] if x.dtype == DType::F32 => {
                let g = Geometry::new(&self.kind, &x.shape)?;
                Ok(Meta::new(g.output(&x.shape), DType::F32))
            }
            _ => Err("expected one f32 tensor".to_string()),
        }
    }
    fn grad(&self, b: &Backward) -> Grads {
        let shape = b.x[0].shape();
        let op = Op::ResampleGrad(ResampleGrad {
            kind: self.kind,
            size: shape.last_chunk::<2>().copied().unwrap_or([0, 0]),
        });
        Ok(vec![Some(Tensor::apply(op, &[b.dy], Source::caller()))])
    }
    fn reference(&self, x: &[&Array], y: &mut Array) {
        let Ok(g) = Geometry::new(&self.kind, &x[0].shape) else {
            return;
        };
        g.each(|i, weight, o| y.data[o] += weight * x[0].data[i]);
    }
    fn tolerance(&self, x: &[&Array], _: &Array) -> Tolerance {
        tolerance(x[0])
    }
    fn flops(&self, x: &[Meta], y: &Meta) -> f64 {
        2.0 * x[0].shape.len().max(y.shape.len()) as f64
    }
    fn precision(&self) -> Precision {
        Precision::Half
    }
    fn kind(&self) -> OpKind<'_> {
        OpKind::Kernel(self)
    }
}

impl Geometry {
    /// Calls `f` with the index in `x`, the weight and the index in `y` of each tap, as in the
    /// definition.
    fn each(&self, mut f: impl FnMut(usize, f64, usize)) {
        let [a, b] = self.axes.each_ref().map(Axis::matrix);
        let [h, w] = &self.axes;
        for plane in 0..self.planes {
            for (i, a) in a.iter().enumerate() {
                for (j, b) in b.iter().enumerate() {
                    for (r, a) in a.iter().enumerate().filter(|(_, a)| **a != 0.0) {
                        for (c, b) in b.iter().enumerate().filter(|(_, b)| **b != 0.0) {
                            let x = (plane * h.n() + r) * w.n() + c;
                            f(x, a * b, (plane * h.to() + i) * w.to() + j);
                        }
                    }
                }
            }
        }
    }
}

impl KernelOp for Resample {
    fn fusion(&self, _: &[Meta]) -> Fusion {
        Fusion::EPILOGUE
    }
    fn kernels(&self, cx: &LowerContext) -> Vec<Variant> {
        let g = Geometry::new(&self.kind, &cx.x[0].shape);
        g.map_or(Vec::new(), |g| g.kernel(&self.kind, false, cx))
    }
    fn cpu(&self, x: &[HostRef], _: &Meta, y: &mut [u32]) {
        if let Ok(g) = Geometry::new(&self.kind, &x[0].meta.shape) {
            cpu::resample(&g.axes, x[0].f32(), bytemuck::cast_slice_mut(y));
        }
    }
}

impl ResampleGrad {
    /// Returns the shape of the resampled tensor.
    fn x(&self, dy: &Shape) -> Option<Shape> {
        let (lead, _) = dy.split_last_chunk::<2>()?;
        Some(Shape::from([lead, &self.size].concat()))
    }

    fn geometry(&self, dy: &Shape) -> Result<(Geometry, Shape), String> {
        let x = self.x(dy);
        let x = x.ok_or_else(|| format!("expected images [.., h, w], found {dy}"))?;
        let g = Geometry::new(&self.kind, &x)?;
        let want = g.output(&x);
        match want == *dy {
            true => Ok((g, x)),
            false => Err(format!("resampling {x} gives {want}, but dy is {dy}")),
        }
    }
}

impl OpDef for ResampleGrad {
    fn name(&self) -> &'static str {
        match self.kind {
            Resampling::Average { .. } => "avg_pool_grad",
            Resampling::Adaptive { .. } => "adaptive_avg_pool_grad",
            Resampling::Nearest { .. } => "upsample_nearest_grad",
            Resampling::Linear { .. } => "upsample_bilinear_grad",
        }
    }
    fn doc(&self) -> OpDoc {
        OpDoc {
            formula: "`dx[.., r, c]` is the sum of all `dy` that use it, times its weights",
            shapes: "`dy [.., oh, ow]`; `dx [.., h, w]`",
            dtypes: "`f32`",
            gradient: "the resampling itself",
        }
    }
    fn infer(&self, x: &[Meta]) -> Result<Meta, String> {
        match x {
            [dy] if dy.dtype == DType::F32 => {
                Ok(Meta::new(self.geometry(&dy.shape)?.1, DType::F32))
            }
            _ => Err("expected one f32 tensor".to_string()),
        }
    }
    fn grad(&self, b: &Backward) -> Grads {
        Ok(vec![Some(b.dy.resample(self.kind))])
    }
    fn reference(&self, x: &[&Array], dx: &mut Array) {
        if let Ok((g, _)) = self.geometry(&x[0].shape) {
            g.each(|i, weight, o| dx.data[i] += weight * x[0].data[o]);
        }
    }
    fn tolerance(&self, x: &[&Array], dx: &Array) -> Tolerance {
        // An element has at most as many users as the enlargement.
        let users = (x[0].data.len() / dx.data.len().max(1)).max(1) as f64;
        let one = tolerance(x[0]);
        Tolerance {
            abs: one.abs * users.max(4.0),
            ..one
        }
    }
    fn flops(&self, x: &[Meta], dx: &Meta) -> f64 {
        2.0 * x[0].shape.len().max(dx.shape.len()) as f64
    }
    fn precision(&self) -> Precision {
        Precision::Full
    }
    fn kind(&self) -> OpKind<'_> {
        OpKind::Kernel(self)
    }
}

impl KernelOp for ResampleGrad {
    fn fusion(&self, _: &[Meta]) -> Fusion {
        Fusion::EPILOGUE
    }
    fn kernels(&self, cx: &LowerContext) -> Vec<Variant> {
        let g = self.geometry(&cx.x[0].shape);
        g.map_or(Vec::new(), |(g, _)| g.kernel(&self.kind, true, cx))
    }
    fn cpu(&self, x: &[HostRef], _: &Meta, dx: &mut [u32]) {
        if let Ok((g, _)) = self.geometry(&x[0].meta.shape) {
            cpu::resample_grad(&g.axes, x[0].f32(), bytemuck::cast_slice_mut(dx));
        }
    }
}

impl Tensor {
    /// Resamples the last two axes: average pooling or upsampling.
    #[track_caller]
    pub fn resample(&self, kind: Resampling) -> Tensor {
        let op = Op::Resample(Resample { kind });
        Tensor::apply(op, &[self], Source::caller())
    }
}
