//! Max pooling: `y[.., i, j] = max over p, q of x[.., i s + p d - pad, j s' + q d' - pad']`.
//!
//! The input is `x [.., h, w]`, the result is `y [.., oh, ow]`, f32. Padding is never the maximum;
//! a window that is all padding gives negative infinity. The gradient goes to the first of equal
//! elements, in row-major order, as in PyTorch. It is gathered: each element of `x` reads the
//! windows that contain it, so no sum has an order that depends on the device.

mod cpu;

use crate::graph::{Backward, Grads, MaxPool, MaxPoolGrad, Meta, Op};
use crate::kernel::{Binding, Kernel, Variant, add_parts, emit_epilogue, prelude, stored, wgsl};
use crate::ops::conv::windows;
use crate::ops::{
    Array, Fusion, HostRef, KernelOp, LowerContext, OpDef, OpDoc, OpKind, Precision, Tolerance,
    grid,
};
use crate::{DType, Shape, Source, Tensor};

/// The sizes of a pooling.
#[derive(Clone, Copy)]
struct Geometry {
    pool: MaxPool,
    /// The number of images of one channel.
    planes: usize,
    size: [usize; 2],
    out: [usize; 2],
}

impl Geometry {
    fn new(pool: &MaxPool, x: &Shape) -> Result<Geometry, String> {
        let Some((lead, size)) = x.split_last_chunk::<2>() else {
            return Err(format!("expected images [.., h, w], found {x}"));
        };
        for axis in 0..2 {
            let (k, p) = (pool.kernel[axis], pool.padding[axis]);
            if p > k / 2 {
                return Err(format!(
                    "the padding is {p}, but must be at most half of the kernel's size, {k}"
                ));
            }
        }
        Ok(Geometry {
            pool: *pool,
            planes: lead.iter().product(),
            size: *size,
            out: windows(*size, pool.kernel, pool.stride, pool.padding, pool.dilation)?,
        })
    }

    fn output(&self, x: &Shape) -> Shape {
        let rank = x.rank();
        x.with_axis(rank - 2, self.out[0])
            .with_axis(rank - 1, self.out[1])
    }

    /// Returns the index in an image of the largest element of the window `(i, j)`, the first of
    /// equal ones, as in the definition.
    fn largest(&self, x: &[f64], i: usize, j: usize) -> Option<usize> {
        let mut best: Option<(usize, f64)> = None;
        let place = |o: usize, k: usize, axis: usize| {
            let at = o * self.pool.stride[axis] + k * self.pool.dilation[axis];
            at.checked_sub(self.pool.padding[axis])
                .filter(|at| *at < self.size[axis])
        };
        for p in 0..self.pool.kernel[0] {
            let Some(row) = place(i, p, 0) else { continue };
            for q in 0..self.pool.kernel[1] {
                let Some(column) = place(j, q, 1) else {
                    continue;
                };
                let at = row * self.size[1] + column;
                if let Some(&value) = x.get(at)
                    && best.is_none_or(|(_, most)| value > most)
                {
                    best = Some((at, value));
                }
            }
        }
        best.map(|(at, _)| at)
    }

    /// Returns the largest number of windows that contain an element.
    fn overlap(&self) -> usize {
        let along = |axis: usize| self.pool.kernel[axis].div_ceil(self.pool.stride[axis]);
        along(0) * along(1)
    }

    /// Returns whether the windows are disjoint and without padding.
    fn are_apart(&self) -> bool {
        let p = &self.pool;
        let apart = |a: usize| (p.kernel[a] - 1) * p.dilation[a] < p.stride[a];
        p.padding == [0, 0] && apart(0) && apart(1)
    }

    /// Returns the kernel `label` with an invocation for each of `count` elements.
    fn kernel(&self, label: &'static str, cx: &LowerContext) -> Vec<Variant> {
        let Some(epilogue) = cx.epilogue else {
            return Vec::new();
        };
        let p = &self.pool;
        let window = p.kernel[0] * (p.kernel[1] + 1);
        let cell = p.stride[0] * (p.stride[1] + 1);
        let iterations = match label {
            "max_pool" => window,
            "max_pool_grad" => {
                let reach = |a: usize| (p.kernel[a] - 1) * p.dilation[a] + 1;
                let seen = [0, 1].map(|a| reach(a).div_ceil(p.stride[a]));
                seen[0] * (seen[1] * (window + 1) + 1)
            }
            _ => window + cell,
        };
        if !cx.allows(iterations) {
            return Vec::new();
        }
        let (shell, grid) = match label {
            "max_pool" => (wgsl!("max_pool"), self.out),
            "max_pool_grad" => (wgsl!("max_pool_grad"), self.size),
            _ => {
                let cells = [0, 1].map(|axis| self.size[axis].div_ceil(p.stride[axis]));
                (wgsl!("max_pool_grad_cells"), cells)
            }
        };
        let count = self.planes * grid[0] * grid[1];
        let inverse = |n: usize| (1.0 / n.max(1) as f32).to_bits();
        let pairs = [
            self.size, self.out, p.kernel, p.stride, p.padding, p.dilation, grid,
        ];
        let mut params: Vec<u32> = pairs.iter().flatten().map(|&n| n as u32).collect();
        let inverses = [grid, p.stride];
        params.extend(inverses.iter().flatten().map(|&n| inverse(n)));
        params.extend([count as u32, f32::NEG_INFINITY.to_bits()]);
        let mut bindings: Vec<Binding> = cx.inputs.iter().map(|&x| Binding::Read(x)).collect();
        bindings.push(Binding::Uniform(params));
        let epilogue = emit_epilogue(epilogue, 1, bindings.len() as u32);
        bindings.extend(epilogue.bindings);
        let mut parts = vec![prelude(1), wgsl!("lib/index"), wgsl!("lib/divide")];
        for (binding, (name, &place)) in (0..).zip(["x", "dy"].iter().zip(&cx.inputs)) {
            add_parts(&mut parts, stored(name, binding, cx.dtype(place), false));
        }
        parts.extend([wgsl!("lib/pool"), shell]);
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

impl OpDef for MaxPool {
    fn name(&self) -> &'static str {
        "max_pool"
    }
    fn doc(&self) -> OpDoc {
        OpDoc {
            formula: "`y[.., i, j] = max over p, q of x[.., i s + p d - pad, j s' + q d' - pad']`, with stride `s`, dilation `d` and padding `pad`",
            shapes: "`x [.., h, w]`; `y [.., oh, ow]`",
            dtypes: "`f32`",
            gradient: "`dy` to the largest element of each window, the first of equal ones",
        }
    }
    fn infer(&self, x: &[Meta]) -> Result<Meta, String> {
        match x {
            [x] if x.dtype.computed() == DType::F32 => {
                let g = Geometry::new(self, &x.shape)?;
                Ok(Meta::new(g.output(&x.shape), DType::F32))
            }
            _ => Err("expected one f32 tensor".to_string()),
        }
    }
    fn grad(&self, b: &Backward) -> Grads {
        let op = Op::MaxPoolGrad(MaxPoolGrad { pool: *self });
        Ok(vec![Some(Tensor::apply(
            op,
            &[&b.x[0], b.dy],
            Source::caller(),
        ))])
    }
    fn reference(&self, x: &[&Array], y: &mut Array) {
        let Ok(g) = Geometry::new(self, &x[0].shape) else {
            return;
        };
        let [oh, ow] = g.out;
        for (e, y) in y.data.iter_mut().enumerate() {
            let (plane, i, j) = (e / (oh * ow), e / ow % oh, e % ow);
            let image = &x[0].data[plane * g.size[0] * g.size[1]..][..g.size[0] * g.size[1]];
            *y = match g.largest(image, i, j) {
                Some(at) => image[at],
                None => f64::NEG_INFINITY,
            };
        }
    }
    fn tolerance(&self, _: &[&Array], _: &Array) -> Tolerance {
        Tolerance::EXACT
    }
    fn flops(&self, _: &[Meta], y: &Meta) -> f64 {
        (y.shape.len() * self.kernel[0] * self.kernel[1]) as f64
    }
    fn precision(&self) -> Precision {
        Precision::Half
    }
    fn kind(&self) -> OpKind<'_> {
        OpKind::Kernel(self)
    }
}

impl KernelOp for MaxPool {
    fn fusion(&self, _: &[Meta]) -> Fusion {
        Fusion {
            reads_half: true,
            ..Fusion::EPILOGUE
        }
    }
    fn kernels(&self, cx: &LowerContext) -> Vec<Variant> {
        let g = Geometry::new(self, &cx.x[0].shape);
        g.map_or(Vec::new(), |g| g.kernel("max_pool", cx))
    }
    fn cpu(&self, x: &[HostRef], _: &Meta, y: &mut [u32]) {
        if let Ok(g) = Geometry::new(self, &x[0].meta.shape) {
            cpu::max_pool(&g, x[0].f32(), bytemuck::cast_slice_mut(y));
        }
    }
}

impl OpDef for MaxPoolGrad {
    fn name(&self) -> &'static str {
        "max_pool_grad"
    }
    fn doc(&self) -> OpDoc {
        OpDoc {
            formula: "`dx` is the sum of `dy` over the windows of which it is the first largest element",
            shapes: "`x [.., h, w]`, `dy [.., oh, ow]`; `dx [.., h, w]`",
            dtypes: "`f32`",
            gradient: "refused",
        }
    }
    fn infer(&self, x: &[Meta]) -> Result<Meta, String> {
        match x {
            [x, dy] if [x, dy].iter().all(|x| x.dtype.computed() == DType::F32) => {
                let want = Geometry::new(&self.pool, &x.shape)?.output(&x.shape);
                match want == dy.shape {
                    true => Ok(Meta::new(x.shape.clone(), DType::F32)),
                    false => Err(format!(
                        "expected dy of shape {want} for images {}",
                        x.shape
                    )),
                }
            }
            _ => Err("expected x and dy, both f32".to_string()),
        }
    }
    fn grad(&self, _: &Backward) -> Grads {
        Err("has no second derivative; differentiate the loss only once".to_string())
    }
    fn reference(&self, x: &[&Array], dx: &mut Array) {
        let Ok(g) = Geometry::new(&self.pool, &x[0].shape) else {
            return;
        };
        let [oh, ow] = g.out;
        let image = g.size[0] * g.size[1];
        for (e, dy) in x[1].data.iter().enumerate() {
            let (plane, i, j) = (e / (oh * ow), e / ow % oh, e % ow);
            if let Some(at) = g.largest(&x[0].data[plane * image..][..image], i, j) {
                dx.data[plane * image + at] += dy;
            }
        }
    }
    fn tolerance(&self, x: &[&Array], _: &Array) -> Tolerance {
        let overlap = Geometry::new(&self.pool, &x[0].shape).map_or(1, |g| g.overlap());
        match overlap {
            1 => Tolerance::EXACT,
            n => Tolerance {
                abs: 6e-8 * n as f64 * x[1].max_abs(),
                rel: 1e-7,
            },
        }
    }
    fn flops(&self, x: &[Meta], _: &Meta) -> f64 {
        (x[1].shape.len() * self.pool.kernel[0] * self.pool.kernel[1]) as f64
    }
    fn precision(&self) -> Precision {
        Precision::Full
    }
    fn kind(&self) -> OpKind<'_> {
        OpKind::Kernel(self)
    }
}

impl KernelOp for MaxPoolGrad {
    fn fusion(&self, _: &[Meta]) -> Fusion {
        Fusion {
            reads_half: true,
            ..Fusion::EPILOGUE
        }
    }
    fn kernels(&self, cx: &LowerContext) -> Vec<Variant> {
        let g = Geometry::new(&self.pool, &cx.x[0].shape);
        g.map_or(Vec::new(), |g| {
            g.kernel(
                match g.are_apart() {
                    true => "max_pool_grad_cells",
                    false => "max_pool_grad",
                },
                cx,
            )
        })
    }
    fn cpu(&self, x: &[HostRef], _: &Meta, dx: &mut [u32]) {
        let [x, dy] = x else { return };
        if let Ok(g) = Geometry::new(&self.pool, &x.meta.shape) {
            cpu::max_pool_grad(&g, x.f32(), dy.f32(), bytemuck::cast_slice_mut(dx));
        }
    }
}

impl Tensor {
    /// Applies max pooling to the last two axes; see [`MaxPool`].
    #[track_caller]
    pub fn max_pool2d(&self, pool: MaxPool) -> Tensor {
        Tensor::apply(Op::MaxPool(pool), &[self], Source::caller())
    }
}
