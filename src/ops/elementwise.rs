//! Elementwise ops: `y[i] = f(x0[i], x1[i], ..)`, where `f` is a row of a table.
//!
//! A row has the function's name, formula, types, definition, gradient and accuracy. Its WGSL
//! implementation has the same name and is in `shaders/lib/`. Inputs of different shapes are
//! broadcast by NumPy's rules before the op, by separate nodes. A new function needs a row, its
//! WGSL, and usually a method.

mod activation;
mod arithmetic;
mod broadcast;
mod compare;
mod fast;
mod half_precision;
mod methods;
mod ordering;
mod piecewise;
mod power;
mod rounding;
mod trigonometry;
#[macro_use]
mod row;
mod pixel;
mod position;
mod sample;
mod simplify;

use crate::graph::{Backward, Elementwise, Function, Grads, Graph, Meta, Node, Scalar};
use crate::ops::{Array, OpDef, OpDoc, OpKind, Precision, Simplified, Tolerance};

pub use broadcast::broadcast_all;
pub(crate) use fast::Fast;
pub(crate) use half_precision::{narrowing, widening};
pub(crate) use pixel::source_pixel;
pub(crate) use sample::random_function;

/// Iterates over all functions, for the tests, the doctor and the documentation.
pub fn functions() -> impl Iterator<Item = &'static Function> {
    let tables = [
        arithmetic::TABLE,
        compare::TABLE,
        power::TABLE,
        rounding::TABLE,
        trigonometry::TABLE,
        activation::TABLE,
        piecewise::TABLE,
        sample::TABLE,
        pixel::TABLE,
        position::TABLE,
        half_precision::TABLE,
    ];
    tables.into_iter().flatten().copied()
}

impl OpDef for Elementwise {
    fn name(&self) -> &'static str {
        self.function.name
    }

    fn doc(&self) -> OpDoc {
        OpDoc {
            formula: self.function.formula,
            shapes: "all of the same shape",
            dtypes: "the row's",
            gradient: "the row's",
        }
    }

    fn infer(&self, x: &[Meta]) -> Result<Meta, String> {
        let f = self.function;
        if x.len() != f.inputs.len() {
            return Err(format!(
                "expected {} inputs, found {}",
                f.inputs.len(),
                x.len()
            ));
        }
        for (i, (meta, want)) in x.iter().zip(f.inputs).enumerate() {
            // Functions of f32 also read half precision.
            if meta.dtype != *want && meta.dtype.computed() != *want {
                let have = meta.dtype;
                return Err(format!(
                    "input {i} must be {want}, found {have}; see `Tensor::cast`"
                ));
            }
        }
        let shape = x.first().map(|m| m.shape.clone()).unwrap_or_default();
        if x.iter().any(|m| m.shape != shape) {
            return Err("the shapes do not broadcast to a common shape".to_string());
        }
        Ok(Meta::new(shape, f.output))
    }

    fn grad(&self, b: &Backward) -> Grads {
        (self.function.grad)(b, &self.constants)
    }

    fn reference(&self, x: &[&Array], y: &mut Array) {
        let constants: Vec<f64> = self.constants.iter().map(|c| c.0).collect();
        let mut args = vec![0.0; x.len()];
        for (i, y) in y.data.iter_mut().enumerate() {
            for (arg, x) in args.iter_mut().zip(x) {
                *arg = x.data[i];
            }
            *y = (self.function.reference)(i, &args, &constants);
        }
    }

    fn tolerance(&self, x: &[&Array], _: &Array) -> Tolerance {
        let largest = x.first().map_or(0.0, |x| x.max_abs());
        let t = Tolerance::ulp(self.function.ulp + self.function.ulp_per_x * largest);
        Tolerance {
            abs: t.abs.max(self.function.abs),
            ..t
        }
    }

    fn flops(&self, _: &[Meta], y: &Meta) -> f64 {
        y.shape.len() as f64
    }

    fn precision(&self) -> Precision {
        self.function.precision
    }

    fn kind(&self) -> OpKind<'_> {
        OpKind::Elementwise {
            function: self.function,
            constants: self.constants.iter().map(|c: &Scalar| c.0).collect(),
        }
    }

    fn indices(&self, _: &[Meta]) -> Option<(usize, usize)> {
        let classes = self.constants.first()?.0 as usize;
        (self.function.name == "one_hot").then_some((0, classes))
    }

    fn simplify(&self, graph: &Graph, node: &Node) -> Option<Simplified> {
        simplify::simplify(self, graph, node)
    }
}
