//! A case as a graph with its gradients, and the values of its inputs.

use std::cell::RefCell;
use std::rc::Rc;

use crate::autodiff::gradients;
use crate::exec::reference::Values;
use crate::graph::{Graph, Op, Output};
use crate::ops::{self, Array};
use crate::random::Stream;
use crate::{DType, Error, Result, Tensor};

use super::case::Case;

/// A traced case.
pub struct Traced {
    /// The graph, without outputs.
    pub graph: Rc<RefCell<Graph>>,
    /// The arguments: inputs named `x0`, `x1`, and so on.
    pub x: Vec<Tensor>,
    /// The expression's value.
    pub y: Tensor,
}

impl Traced {
    /// Makes a tensor an output of the graph.
    pub fn output(&self, name: impl Into<String>, tensor: &Tensor) -> Result<()> {
        let broken = || Error::internal("a case", "a broken tensor without an error");
        let node = tensor.id().ok_or_else(broken)?;
        let name = name.into();
        self.graph.borrow_mut().outputs.push(Output { name, node });
        Ok(())
    }

    /// Returns the loss `sum(y r)`, where `r` is an input of the shape of `y`. The gradient of the
    /// loss with respect to `y` is `r`.
    pub fn loss(&self) -> Tensor {
        let r = ops::input(&self.graph, "r", self.y.shape(), DType::F32);
        (&self.y * &r).sum(&[])
    }

    /// Adds the gradients of the arguments that vary as outputs `d0`, `d1`, and so on. Returns the
    /// indices of these arguments.
    pub fn add_gradients(&self, case: &Case) -> Result<Vec<usize>> {
        let varies = |i: &usize| case.arguments.get(*i).is_some_and(|a| a.varies);
        let varying: Vec<usize> = (0..self.x.len()).filter(varies).collect();
        let wrt: Vec<Tensor> = varying.iter().map(|&i| self.x[i].clone()).collect();
        let found = gradients(&self.loss(), &wrt)?;
        let mut with_gradient = Vec::new();
        for (&i, dx) in varying.iter().zip(&found) {
            if let Some(dx) = dx {
                self.output(format!("d{i}"), dx)?;
                with_gradient.push(i);
            }
        }
        Ok(with_gradient)
    }

    /// Adds the value as the output `y`, and the gradients if the expression has any.
    pub fn add_outputs(&self, case: &Case) -> Result<()> {
        self.output("y", &self.y)?;
        if self.y.dtype().is_float() && case.no_gradient.is_none() {
            self.add_gradients(case)?;
        }
        Ok(())
    }
}

/// Returns the values of a run: the arguments, the cotangent, and a key for random numbers.
pub fn values(graph: &Graph, arguments: &[Array], seed: u64) -> Values {
    let mut values = Values::default();
    for (i, x) in arguments.iter().enumerate() {
        values.inputs.insert(format!("x{i}"), x.clone());
    }
    for node in graph.nodes() {
        let Op::Input(input) = &node.op else { continue };
        let mut stream = Stream::new(seed).child(1000);
        let cotangent = |_| f64::from(2.0 * stream.uniform() - 1.0);
        let n = input.shape.len();
        let data = match input.name.as_str() {
            "r" => (0..n).map(cotangent).collect(),
            ops::KEY => vec![seed as f64, 5.0],
            _ => continue,
        };
        let array = Array::new(input.shape.clone(), data);
        values.inputs.insert(input.name.clone(), array);
    }
    values
}
