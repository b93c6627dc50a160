//! Views: reshape, permute, broadcast_to, slice and flip. They copy nothing. A reshape has the same
//! bytes, and the kernels that use the other views read through a [`View`].

use crate::graph::{
    Backward, BroadcastTo, Flip, Grads, Graph, Meta, Node, Permute, Reshape, Slice,
};
use crate::kernel::View;
use crate::ops::{Array, OpDef, OpDoc, OpKind, Precision, Simplified, Tolerance, ViewOp};
use crate::{Shape, Tensor};

mod methods;
pub(super) mod simplify;

fn only<T: Clone>(x: &[T]) -> Result<T, String> {
    match x {
        [x] => Ok(x.clone()),
        _ => Err(format!("expected 1 input, found {}", x.len())),
    }
}

impl OpDef for Reshape {
    fn name(&self) -> &'static str {
        "reshape"
    }
    fn doc(&self) -> OpDoc {
        OpDoc {
            formula: "the same elements in the same order",
            shapes: "`x` of any shape; `y` of another shape with as many elements",
            dtypes: "any",
            gradient: "`dy` in the shape of `x`",
        }
    }
    fn infer(&self, x: &[Meta]) -> Result<Meta, String> {
        let x = only(x)?;
        if x.shape.len() != self.to.len() {
            let (have, want) = (x.shape.len(), self.to.len());
            return Err(format!(
                "{} has {want} elements, but the input has {have}",
                self.to
            ));
        }
        Ok(Meta::new(self.to.clone(), x.dtype))
    }
    fn grad(&self, b: &Backward) -> Grads {
        Ok(vec![Some(b.dy.reshape(b.x[0].shape()))])
    }
    fn reference(&self, x: &[&Array], y: &mut Array) {
        y.data.copy_from_slice(&x[0].data);
    }
    fn tolerance(&self, _: &[&Array], _: &Array) -> Tolerance {
        Tolerance::EXACT
    }
    fn flops(&self, _: &[Meta], _: &Meta) -> f64 {
        0.0
    }
    fn precision(&self) -> Precision {
        Precision::Full
    }
    fn kind(&self) -> OpKind<'_> {
        OpKind::Alias
    }
    fn simplify(&self, graph: &Graph, node: &Node) -> Option<Simplified> {
        simplify::reshape(self, graph, node)
    }
}

/// Implements [`OpDef`] for an op that only reads its input in another order.
macro_rules! view {
    ($op:ident, $name:literal, $doc:expr, infer = $infer:expr, grad = $grad:expr, view = $view:expr, simplify = $simplify:expr) => {
        impl OpDef for $op {
            fn name(&self) -> &'static str {
                $name
            }
            fn doc(&self) -> OpDoc {
                $doc
            }
            fn infer(&self, x: &[Meta]) -> Result<Meta, String> {
                let x = only(x)?;
                let f: fn(&$op, &Shape) -> Result<Shape, String> = $infer;
                Ok(Meta::new(f(self, &x.shape)?, x.dtype))
            }
            fn grad(&self, b: &Backward) -> Grads {
                let f: fn(&$op, &Backward) -> Tensor = $grad;
                Ok(vec![Some(f(self, b))])
            }
            fn reference(&self, x: &[&Array], y: &mut Array) {
                let view = self.view(&View::contiguous(&x[0].shape));
                for (i, y) in y.data.iter_mut().enumerate() {
                    *y = x[0].data[view.at(i)];
                }
            }
            fn tolerance(&self, _: &[&Array], _: &Array) -> Tolerance {
                Tolerance::EXACT
            }
            fn flops(&self, _: &[Meta], _: &Meta) -> f64 {
                0.0
            }
            fn precision(&self) -> Precision {
                Precision::Full
            }
            fn kind(&self) -> OpKind<'_> {
                OpKind::View(self)
            }
            fn simplify(&self, graph: &Graph, node: &Node) -> Option<Simplified> {
                let f: fn(&$op, &Graph, &Node) -> Option<Simplified> = $simplify;
                f(self, graph, node)
            }
        }
        impl ViewOp for $op {
            fn view(&self, x: &View) -> View {
                let f: fn(&$op, &View) -> View = $view;
                f(self, x)
            }
        }
    };
}

view!(
    Permute,
    "permute",
    OpDoc {
        formula: "`y[i_0, i_1, ..] = x[j_0, j_1, ..]` with `j_axes[k] = i_k`: permutes the axes",
        shapes: "`x` of any shape; `y` with its axes permuted",
        dtypes: "any",
        gradient: "`dy` with the inverse permutation",
    },
    infer = |op, x| {
        let mut seen = op.axes.clone();
        seen.sort_unstable();
        if seen != (0..x.rank()).collect::<Vec<_>>() {
            return Err(format!(
                "{:?} does not name each of the {} axes once",
                op.axes,
                x.rank()
            ));
        }
        Ok(op.axes.iter().map(|&a| x[a]).collect::<Vec<_>>().into())
    },
    grad = |op, b| {
        let mut back = vec![0; op.axes.len()];
        for (i, &a) in op.axes.iter().enumerate() {
            back[a] = i;
        }
        b.dy.permute(&back)
    },
    view = |op, x| View {
        dims: op.axes.iter().map(|&a| x.dims[a]).collect(),
        strides: op.axes.iter().map(|&a| x.strides[a]).collect(),
        offset: x.offset,
    },
    simplify = simplify::permute
);

view!(
    BroadcastTo,
    "broadcast_to",
    OpDoc {
        formula: "repeats axes of size 1 and adds new axes at the front, by NumPy's rules",
        shapes: "`x` of any shape; `y` of a larger one",
        dtypes: "any",
        gradient: "the sum of `dy` over the repeated axes",
    },
    infer = |op, x| match x.broadcast(&op.to) {
        Some(shape) if shape == op.to => Ok(shape),
        _ => Err(format!("{x} does not broadcast to {}", op.to)),
    },
    grad = |_, b| b.dy.sum_to(&b.x[0].shape()),
    view = |op, x| {
        let new = op.to.rank() - x.dims.len();
        let stride = |i: usize| match i.checked_sub(new) {
            Some(k) if x.dims[k] == op.to[i] => x.strides[k],
            _ => 0,
        };
        View {
            dims: op.to.to_vec(),
            strides: (0..op.to.rank()).map(stride).collect(),
            offset: x.offset,
        }
    },
    simplify = simplify::broadcast_to
);

view!(
    Slice,
    "slice",
    OpDoc {
        formula: "`y[i, ..] = x[start + step i, ..]` along each axis",
        shapes: "`x` of any shape; `y` with as many axes, none of them longer",
        dtypes: "any",
        gradient: "`dy` at the positions of the slice, zeros elsewhere",
    },
    infer = |op, x| {
        if op.start.len() != x.rank() {
            return Err(format!(
                "expected all axes, found {} of {}",
                op.start.len(),
                x.rank()
            ));
        }
        for (axis, &size) in x.iter().enumerate() {
            let (start, len, step) = (op.start[axis], op.len[axis], op.step[axis]);
            let fits = match len.checked_sub(1) {
                None => start <= size,
                Some(last) => step
                    .checked_mul(last)
                    .and_then(|e| e.checked_add(start))
                    .is_some_and(|e| e < size),
            };
            if !fits || step == 0 {
                return Err(format!(
                    "axis {axis} has {size} elements; {len} from {start} with step {step} are out of range"
                ));
            }
        }
        Ok(op.len.clone().into())
    },
    grad = |op, b| b.dy.pad_into(&op.start, &op.step, &b.x[0].shape()),
    view = |op, x| View {
        dims: op.len.clone(),
        strides: by(&x.strides, &op.step).collect(),
        offset: moved(x.offset, by(&x.strides, &op.start)),
    },
    simplify = simplify::slice
);

view!(
    Flip,
    "flip",
    OpDoc {
        formula: "`y[i] = x[n - 1 - i]` along each of the flipped axes",
        shapes: "`x` of any shape; `y` as `x`",
        dtypes: "any",
        gradient: "`dy` flipped back",
    },
    infer = |op, x| match op.axes.iter().find(|&&a| a >= x.rank()) {
        Some(axis) => Err(format!("there is no axis {axis}")),
        None => Ok(x.clone()),
    },
    grad = |op, b| b.dy.apply_flip(op.clone(), crate::Source::caller()),
    view = |op, x| {
        let mut view = x.clone();
        for &axis in &op.axes {
            let (last, stride) = (x.dims[axis].saturating_sub(1), x.strides[axis]);
            view.strides[axis] = -stride;
            view.offset = moved(view.offset, [stride * last as isize].into_iter());
        }
        view
    },
    simplify = |_, _, _| None
);

/// Multiplies strides by steps or coordinates.
fn by(strides: &[isize], times: &[usize]) -> impl Iterator<Item = isize> {
    strides.iter().zip(times).map(|(s, t)| s * *t as isize)
}

/// Adds all these to an offset. The result is inside the tensor unless the view is empty.
fn moved(offset: usize, by: impl Iterator<Item = isize>) -> usize {
    (offset as isize + by.sum::<isize>()).max(0) as usize
}
