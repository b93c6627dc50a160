//! Batched matrix product: `y[.., i, j] = sum_p a[.., i, p] b[.., p, j]`.
//!
//! The inputs are `a [.., m, k]` and `b [.., k, n]` (or stored transposed, `[.., k, m]` and
//! `[.., n, k]`) with equal leading axes; the result is `[.., m, n]`, f32. Every kernel adds over
//! `p` in ascending order with `fma`, so all of them give the same bits.

use crate::graph::{Backward, Grads, Graph, Matmul, Meta, Node, NodeId, Op};
use crate::kernel::Variant;
use crate::ops::gemm::{PARALLEL_FROM, Strides, gemm};
use crate::ops::{
    Array, Epilogue, Fusion, HostRef, KernelOp, LowerContext, OpDef, OpDoc, OpKind, Precision,
    Simplified, Tolerance, threads,
};
use crate::{DType, Shape, Source, Tensor};

mod kernels;
mod matrix;

pub(super) use kernels::{Product, store};
pub(super) use matrix::{Matrix, View, Walk};

/// The sizes of a batched product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sizes {
    pub batch: usize,
    pub m: usize,
    pub n: usize,
    pub k: usize,
}

impl Matmul {
    fn sizes(self, a: &Shape, b: &Shape) -> Option<Sizes> {
        let (lead, a) = a.split_last_chunk::<2>()?;
        let (lead_b, b) = b.split_last_chunk::<2>()?;
        let [m, k] = if self.ta { [a[1], a[0]] } else { *a };
        let [k_b, n] = if self.tb { [b[1], b[0]] } else { *b };
        let batch = lead.iter().product();
        (lead == lead_b && k == k_b).then_some(Sizes { batch, m, n, k })
    }
}

impl OpDef for Matmul {
    fn name(&self) -> &'static str {
        "matmul"
    }

    fn doc(&self) -> OpDoc {
        OpDoc {
            formula: "`y[.., i, j] = sum over p of a[.., i, p] b[.., p, j]`",
            shapes: "`a [.., m, k]`, `b [.., k, n]`, either stored transposed; `y [.., m, n]`",
            dtypes: "`f32`",
            gradient: "`da = dy b^T`, `db = a^T dy`",
        }
    }

    fn infer(&self, x: &[Meta]) -> Result<Meta, String> {
        let [a, b] = x else {
            return Err(format!("expected 2 inputs, found {}", x.len()));
        };
        if a.dtype.computed() != DType::F32 || b.dtype.computed() != DType::F32 {
            return Err("both inputs must be f32, f16 or bf16".to_string());
        }
        let Some(Sizes { m, n, .. }) = self.sizes(&a.shape, &b.shape) else {
            let stored = |t, s: &str| {
                if t {
                    format!("{s}, stored transposed")
                } else {
                    s.to_string()
                }
            };
            return Err(format!(
                "the shapes do not fit: expected {} on the left and {} on the right, with the same leading axes",
                stored(self.ta, "[.., m, k]"),
                stored(self.tb, "[.., k, n]"),
            ));
        };
        let mut dims = a.shape.to_vec();
        let rank = dims.len();
        dims[rank - 2] = m;
        dims[rank - 1] = n;
        Ok(Meta::new(dims, DType::F32))
    }

    fn grad(&self, g: &Backward) -> Grads {
        let (a, b, dy) = (&g.x[0], &g.x[1], g.dy);
        let product = |x: &Tensor, y: &Tensor, ta, tb| {
            Some(Tensor::apply(
                Op::Matmul(Matmul { ta, tb }),
                &[x, y],
                Source::caller(),
            ))
        };
        // Y = A B gives dA = dY B^T and dB = A^T dY, each stored like its input.
        let da = match self.ta {
            false => product(dy, b, false, !self.tb),
            true => product(b, dy, self.tb, true),
        };
        let db = match self.tb {
            false => product(a, dy, !self.ta, false),
            true => product(dy, a, true, self.ta),
        };
        Ok(vec![da, db])
    }

    fn reference(&self, x: &[&Array], y: &mut Array) {
        let Some(Sizes { batch, m, n, k }) = self.sizes(&x[0].shape, &x[1].shape) else {
            return;
        };
        let (a, b) = (&x[0].data, &x[1].data);
        for t in 0..batch {
            for i in 0..m {
                for j in 0..n {
                    let at = |p| t * m * k + if self.ta { p * m + i } else { i * k + p };
                    let bt = |p| t * k * n + if self.tb { j * k + p } else { p * n + j };
                    y.data[(t * m + i) * n + j] = (0..k).map(|p| a[at(p)] * b[bt(p)]).sum();
                }
            }
        }
    }

    fn tolerance(&self, x: &[&Array], _: &Array) -> Tolerance {
        // Each of the k additions rounds by at most half a unit of a partial sum. A partial sum is
        // at most k times the largest product; for independent signs, both grow like sqrt(k)
        // instead.
        let k = self.sizes(&x[0].shape, &x[1].shape).map_or(0, |s| s.k) as f64;
        let largest = x[0].max_abs() * x[1].max_abs();
        Tolerance {
            abs: 6e-8 * (k + 2.0) * largest,
            rel: 1e-6,
        }
    }

    fn flops(&self, x: &[Meta], y: &Meta) -> f64 {
        let k = self.sizes(&x[0].shape, &x[1].shape).map_or(0, |s| s.k);
        2.0 * k as f64 * y.shape.len() as f64
    }

    fn precision(&self) -> Precision {
        Precision::Half
    }

    fn kind(&self) -> OpKind<'_> {
        OpKind::Kernel(self)
    }

    /// Replaces the product of a transposed matrix by a product that reads the matrix itself.
    fn simplify(&self, graph: &Graph, node: &Node) -> Option<Simplified> {
        let swaps = |id: NodeId| match &graph.node(id).op {
            Op::Permute(p) => {
                let n = p.axes.len();
                let swapped = n >= 2
                    && p.axes[..n - 2].iter().copied().eq(0..n - 2)
                    && p.axes[n - 2..] == [n - 1, n - 2];
                swapped
                    .then(|| graph.node(id).inputs.first().copied())
                    .flatten()
            }
            _ => None,
        };
        let (&a, &b) = (node.inputs.first()?, node.inputs.get(1)?);
        match (swaps(a), swaps(b)) {
            (None, None) => None,
            (x, y) => {
                let op = Op::Matmul(Matmul {
                    ta: self.ta ^ x.is_some(),
                    tb: self.tb ^ y.is_some(),
                });
                Some(Simplified::Op(op, vec![x.unwrap_or(a), y.unwrap_or(b)]))
            }
        }
    }
}

impl KernelOp for Matmul {
    fn fusion(&self, x: &[Meta]) -> Fusion {
        // Each tile of columns computes the left matrix again, so a prologue pays only for few
        // columns.
        const MAX_PROLOGUE_COLUMNS: usize = 64;
        let sizes = match x {
            [a, b] => self.sizes(&a.shape, &b.shape),
            _ => None,
        };
        let n = sizes.map_or(0, |s| s.n);
        match sizes.is_some_and(|s| s.n <= MAX_PROLOGUE_COLUMNS && s.k > 0) {
            // Kernels with a prologue store single elements.
            true => Fusion {
                prologue: true,
                epilogue: Epilogue::Scalars,
                ..Fusion::of_rows(n)
            },
            false => Fusion::of_rows(n),
        }
    }

    fn kernels(&self, cx: &LowerContext) -> Vec<Variant> {
        match self.sizes(&cx.x[0].shape, &cx.x[1].shape) {
            Some(s) => {
                let stored = |transposed, stride| Matrix::Stored { transposed, stride };
                let product = Product {
                    cx,
                    s,
                    a: (stored(self.ta, s.m * s.k), cx.inputs[0]),
                    b: (stored(self.tb, s.k * s.n), cx.inputs[1]),
                    before: Vec::new(),
                    scratch: Vec::new(),
                    small_first: false,
                };
                product.variants()
            }
            None => Vec::new(),
        }
    }

    fn cpu(&self, x: &[HostRef], _: &Meta, y: &mut [u32]) {
        let [a, b] = x else { return };
        let Some(Sizes { batch, m, n, k }) = self.sizes(&a.meta.shape, &b.meta.shape) else {
            return;
        };
        let y: &mut [f32] = bytemuck::cast_slice_mut(y);
        let (sa, sb) = (Strides::of(m, k, self.ta), Strides::of(k, n, self.tb));
        let one = |t: usize, y: &mut [f32]| {
            let a = &a.f32()[t * m * k..(t + 1) * m * k];
            let b = &b.f32()[t * k * n..(t + 1) * k * n];
            gemm((m, n, k), (a, sa), (b, sb), y);
        };
        let pays = batch > 1 && threads::pays(batch * m * n * k, PARALLEL_FROM);
        threads::for_pieces(y, m * n, pays, |(t, y)| one(t, y));
    }
}

impl Tensor {
    /// Computes the matrix product of `self [.., m, k]` and `other [.., k, n]`, which is
    /// `[.., m, n]`. Leading axes broadcast. A right matrix without leading axes multiplies every
    /// row on the left.
    ///
    /// # Example
    /// ```
    /// use wgrad::Device;
    ///
    /// let y = wgrad::eval(&Device::cpu(), |g| {
    ///     let a = g.tensor([2, 2], [1.0, 2.0, 3.0, 4.0]);
    ///     a.matmul(&g.tensor([2, 1], [1.0, 10.0]))
    /// })?;
    /// assert_eq!((y.shape, y.data), ([2, 1].into(), vec![21.0, 43.0]));
    /// # Ok::<(), wgrad::Error>(())
    /// ```
    #[track_caller]
    pub fn matmul(&self, other: &Tensor) -> Tensor {
        self.matmul_with(other, false, false)
    }

    /// Computes the product with `other` stored transposed, `[.., n, k]`, such as the weights of a
    /// linear layer.
    #[track_caller]
    pub fn matmul_t(&self, other: &Tensor) -> Tensor {
        self.matmul_with(other, false, true)
    }

    #[track_caller]
    fn matmul_with(&self, other: &Tensor, ta: bool, tb: bool) -> Tensor {
        let caller = Source::caller();
        let op = Op::Matmul(Matmul { ta, tb });
        let (a, b) = (self.shape(), other.shape());
        if a.rank() < 2 || b.rank() < 2 {
            return Tensor::apply(op, &[self, other], caller);
        }
        if b.rank() == 2 && a.rank() > 2 && !ta {
            // One tall matrix instead of many: no weight is repeated, and its gradient is one
            // product.
            let tall = self.reshape_at(Shape::from([a.rows(), a.last()]), caller);
            let y = Tensor::apply(op, &[&tall, other], caller);
            let to = a.with_axis(a.rank() - 1, y.shape().last());
            return if y.id().is_some() {
                y.reshape_at(to, caller)
            } else {
                y
            };
        }
        let lead = |s: &Shape| Shape::from(&s[..s.rank() - 2]);
        let Some(common) = lead(&a).broadcast(&lead(&b)) else {
            return Tensor::apply(op, &[self, other], caller);
        };
        let full = |s: &Shape| Shape::from([&common[..], &s[s.rank() - 2..]].concat());
        let (x, y) = (
            self.broadcast_at(&full(&a), caller),
            other.broadcast_at(&full(&b), caller),
        );
        Tensor::apply(op, &[&x, &y], caller)
    }
}
