//! Einstein summation: sums of products of tensors over the axes named in an equation.
//!
//! It is not an op. Operands are multiplied from left to right. Each pair is a batched matrix
//! product of permuted and reshaped tensors, or an elementwise product if it sums over no axis of
//! both. Axes that only one operand has, and that are not needed later, are summed first.

mod equation;

use std::collections::BTreeMap;

use crate::graph::{Matmul, Op};
use crate::ops::concat::none_given;
use crate::{DType, Shape, Source, Tensor};

use equation::{Equation, Label, name};

impl Tensor {
    /// Computes sums of products, as `torch.einsum`. For example, `"bij,bjk->bik"` is a batched
    /// matrix product, `"ii->i"` a diagonal, `"ij->"` a sum and `"i,j->ij"` an outer product.
    ///
    /// Axes with the same name must have the same size, or size 1, which broadcasts. The result is
    /// summed over the names that it lacks. `...` stands for any leading, inner or trailing axes,
    /// which broadcast. Without `->`, the result has the axes of `...` and then the names that
    /// occur once, in alphabetical order. Operands and result are `f32`.
    #[track_caller]
    pub fn einsum(equation: &str, operands: &[&Tensor]) -> Tensor {
        let caller = Source::caller();
        let Some(&first) = operands.first() else {
            return none_given("einsum", caller);
        };
        let shapes: Vec<Shape> = operands.iter().map(|x| x.shape()).collect();
        let wrong = |reason: String| {
            let reason = format!("{equation:?}: {reason}");
            Tensor::record_error_of(operands, "einsum", reason, caller)
        };
        if operands.iter().any(|x| x.id().is_none()) {
            // Moves the error from the graph in which it was recorded.
            let op = Op::Matmul(Matmul {
                ta: false,
                tb: false,
            });
            return Tensor::apply(op, operands, caller);
        }
        if let Some(x) = operands.iter().find(|x| x.dtype().computed() != DType::F32) {
            return wrong(format!(
                "expected f32, found {}; see `Tensor::cast`",
                x.dtype()
            ));
        }
        let Equation {
            operands: labels,
            output,
        } = match Equation::read(equation, &shapes) {
            Ok(equation) => equation,
            Err(reason) => return wrong(reason),
        };
        let sizes = match sizes(&labels, &shapes) {
            Ok(sizes) => sizes,
            Err(reason) => return wrong(reason),
        };
        let mut terms = Vec::with_capacity(operands.len());
        for (x, axes) in operands.iter().zip(labels) {
            match Term::new(x, axes, &sizes) {
                Ok(term) => terms.push(term),
                Err(reason) => return wrong(reason),
            }
        }
        let mut terms = terms.into_iter();
        let mut product = terms.next().unwrap_or(Term {
            x: first.clone(),
            axes: Vec::new(),
        });
        while let Some(term) = terms.next() {
            let later = terms.as_slice().iter().flat_map(|t| &t.axes);
            let keep: Vec<Label> = output.iter().chain(later).copied().collect();
            product = product.times(term, &keep, caller);
        }
        product.only(&output).ordered(&output, caller)
    }
}

/// Returns the size of each label.
fn sizes(labels: &[Vec<Label>], shapes: &[Shape]) -> Result<BTreeMap<Label, usize>, String> {
    let mut sizes: BTreeMap<Label, usize> = BTreeMap::new();
    let all = labels.iter().zip(shapes).enumerate();
    for (i, (&label, &size)) in
        all.flat_map(|(i, (axes, shape))| axes.iter().zip(shape.iter()).map(move |pair| (i, pair)))
    {
        let known = sizes.entry(label).or_insert(size);
        match (*known, size) {
            (a, b) if a == b || b == 1 => {}
            (1, _) => *known = size,
            (other, _) => {
                let name = name(label);
                return Err(format!(
                    "{name} is {size} in operand {i}, and {other} before"
                ));
            }
        }
    }
    Ok(sizes)
}

/// A tensor with a distinct name for each axis.
struct Term {
    x: Tensor,
    axes: Vec<Label>,
}

impl Term {
    /// Creates the term of an operand: takes diagonals for repeated names, and drops the axes that
    /// are broadcast.
    fn new(x: &Tensor, axes: Vec<Label>, sizes: &BTreeMap<Label, usize>) -> Result<Term, String> {
        let shape = x.shape();
        let repeats =
            |(&label, &size): (&Label, &usize)| size == 1 && sizes.get(&label) != Some(&1);
        let mut term = Term {
            x: x.clone(),
            axes: axes.clone(),
        };
        let kept = axes.iter().zip(shape.iter()).filter(|pair| !repeats(*pair));
        let (labels, dims): (Vec<Label>, Vec<usize>) = kept.map(|(l, d)| (*l, *d)).unzip();
        if labels.len() < axes.len() {
            for label in &axes {
                let count = |axes: &[Label]| axes.iter().filter(|l| *l == label).count();
                if count(&labels) > 0 && count(&labels) < count(&axes) {
                    let name = name(*label);
                    return Err(format!("{name} has two sizes within one operand"));
                }
            }
            term = Term {
                x: x.reshape(dims),
                axes: labels,
            };
        }
        while let Some((i, j)) = twice(&term.axes) {
            term = term.diagonal(i, j);
        }
        Ok(term)
    }

    fn size(&self, axis: usize) -> usize {
        self.x.dim(axis as isize)
    }

    /// Merges axes `i < j` into one: takes the elements with the same index along both.
    fn diagonal(self, i: usize, j: usize) -> Term {
        let n = self.size(i);
        let rest: Vec<usize> = (0..self.axes.len()).filter(|&a| a != i && a != j).collect();
        let order = [&rest[..], &[i, j]].concat();
        let mut dims: Vec<usize> = rest.iter().map(|&a| self.size(a)).collect();
        let mut axes: Vec<Label> = rest.iter().map(|&a| self.axes[a]).collect();
        axes.push(self.axes[i]);
        dims.push(n * n);
        let flat = self.x.permute(&order).reshape(dims.clone());
        // Every (n + 1)st element of n rows of n.
        let (start, mut step) = (vec![0; dims.len()], vec![1; dims.len()]);
        if let (Some(last), Some(step)) = (dims.last_mut(), step.last_mut()) {
            (*last, *step) = (n, n + 1);
        }
        let x = flat.slice(&start, &dims, &step);
        Term { x, axes }
    }

    /// Sums over all axes but those in `keep`.
    fn only(self, keep: &[Label]) -> Term {
        let dropped = |a: &usize| !keep.contains(&self.axes[*a]);
        let over: Vec<isize> = (0..self.axes.len())
            .filter(dropped)
            .map(|a| a as isize)
            .collect();
        match over.is_empty() {
            true => self,
            false => Term {
                x: self.x.sum(&over),
                axes: self.axes.into_iter().filter(|l| keep.contains(l)).collect(),
            },
        }
    }

    /// Permutes the axes to this order.
    fn ordered(&self, to: &[Label], caller: Source) -> Tensor {
        let at = |label: &Label| self.axes.iter().position(|l| l == label);
        match to.iter().map(at).collect::<Option<Vec<usize>>>() {
            Some(order) => self.x.permute(&order),
            None => {
                let reason = "an axis is missing".to_string();
                self.x.record_error("einsum", reason, caller)
            }
        }
    }

    fn sizes(&self, labels: &[Label]) -> Vec<usize> {
        let size = |label: &Label| self.axes.iter().position(|l| l == label);
        labels
            .iter()
            .filter_map(size)
            .map(|a| self.size(a))
            .collect()
    }

    /// Multiplies two terms, and sums over all axes but those in `keep`.
    fn times(self, other: Term, keep: &[Label], caller: Source) -> Term {
        let wanted = |mine: &Term, others: &Term| -> Vec<Label> {
            let needed = |l: &&Label| keep.contains(l) || others.axes.contains(l);
            mine.axes.iter().filter(needed).copied().collect()
        };
        let (left, right) = (wanted(&self, &other), wanted(&other, &self));
        let (a, b) = (self.only(&left), other.only(&right));
        let of = |axes: &[Label], f: &dyn Fn(&Label) -> bool| -> Vec<Label> {
            axes.iter().filter(|l| f(l)).copied().collect()
        };
        let batch = of(&a.axes, &|l| b.axes.contains(l) && keep.contains(l));
        let over = of(&a.axes, &|l| b.axes.contains(l) && !keep.contains(l));
        let rows = of(&a.axes, &|l| !b.axes.contains(l));
        let columns = of(&b.axes, &|l| !a.axes.contains(l));
        let axes = [&batch[..], &rows, &columns].concat();
        if over.is_empty() || (rows.is_empty() && columns.is_empty()) {
            let all = [&axes[..], &over].concat();
            let x = a.spread(&all, caller) * b.spread(&all, caller);
            return Term { x, axes: all }.only(keep);
        }
        let product = |labels: &[Label], term: &Term| term.sizes(labels).iter().product::<usize>();
        let (m, n, k) = (
            product(&rows, &a),
            product(&columns, &b),
            product(&over, &a),
        );
        let lead = match batch.is_empty() {
            true => Vec::new(),
            false => vec![product(&batch, &a)],
        };
        // A matrix that is stored transposed is read without a copy.
        let (ta, tb) = (
            a.axes == [&batch[..], &over, &rows].concat(),
            b.axes == [&batch[..], &columns, &over].concat(),
        );
        let (ta, tb) = (ta && !rows.is_empty(), tb && !columns.is_empty());
        let matrix = |term: &Term, order: [&[Label]; 3], dims: [usize; 2]| {
            let x = term.ordered(&order.concat(), caller);
            x.reshape_at([&lead[..], &dims].concat().into(), caller)
        };
        let left = match ta {
            true => matrix(&a, [&batch, &over, &rows], [k, m]),
            false => matrix(&a, [&batch, &rows, &over], [m, k]),
        };
        let right = match tb {
            true => matrix(&b, [&batch, &columns, &over], [n, k]),
            false => matrix(&b, [&batch, &over, &columns], [k, n]),
        };
        let y = Tensor::apply(Op::Matmul(Matmul { ta, tb }), &[&left, &right], caller);
        let to = [a.sizes(&batch), a.sizes(&rows), b.sizes(&columns)].concat();
        let x = match y.id() {
            Some(_) => y.reshape_at(to.into(), caller),
            None => y,
        };
        Term { x, axes }
    }

    /// Permutes the axes to this order. Missing axes get size 1.
    fn spread(&self, to: &[Label], caller: Source) -> Tensor {
        let missing: Vec<Label> = to
            .iter()
            .filter(|l| !self.axes.contains(l))
            .copied()
            .collect();
        let mut dims = self.x.shape().to_vec();
        dims.resize(dims.len() + missing.len(), 1);
        let all = Term {
            x: self.x.reshape_at(dims.into(), caller),
            axes: [&self.axes[..], &missing].concat(),
        };
        all.ordered(to, caller)
    }
}

/// Returns two axes with the same name, if there are any.
fn twice(axes: &[Label]) -> Option<(usize, usize)> {
    let later = |i: usize| axes[i + 1..].iter().position(|l| *l == axes[i]);
    (0..axes.len()).find_map(|i| later(i).map(|j| (i, i + 1 + j)))
}
