//! Computes the expected results of a device: the reference's values, and a tolerance for each
//! element.
//!
//! The values of some nodes are known (from the device's memory); others are computed from these. A
//! device rounds the values between fused nodes as it likes. So the nodes on the path get errors
//! within their op's own tolerance, and the effect on the result is measured: first for each node
//! alone, and then for all nodes together, with random errors. This replaces an error analysis of
//! every possible chain.

use std::collections::HashMap;

use crate::exec::reference::{Values, evaluate_node};
use crate::graph::{Elementwise, Graph, NodeId, Op, Scalar};
use crate::ops::{Array, Tolerance};
use crate::random::Stream;
use crate::{DType, Error, Result};

/// The number of draws of errors with random signs. Two more draws have all errors up and all
/// errors down.
const DRAWS: u64 = 6;

/// A node's value by the reference, with its tolerance.
#[derive(Clone, Debug)]
pub struct Expected {
    /// The node.
    pub node: NodeId,
    /// Its value.
    pub value: Array,
    /// The tolerance of each element.
    pub allowed: Vec<f64>,
}

/// The element with the largest error, in units of the tolerance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// The index of the element.
    pub index: usize,
    /// The device's value.
    pub got: f64,
    /// The reference's value.
    pub want: f64,
    /// The distance in units of the tolerance: it passes up to 1, and is infinite for NaN.
    pub error: f64,
}

impl Difference {
    /// Returns whether the error exceeds the tolerance.
    pub fn is_failure(&self) -> bool {
        self.error.is_nan() || self.error > 1.0
    }
}

impl Expected {
    /// Returns the element of `got` with the largest error; `None` if there is nothing to compare.
    ///
    /// An infinite element equals only itself. Elements whose reference is NaN are ignored.
    pub fn furthest(&self, got: &Array) -> Option<Difference> {
        let mut worst: Option<Difference> = None;
        let all = got.data.iter().zip(&self.value.data).zip(&self.allowed);
        for (index, ((&got, &want), &allowed)) in all.enumerate() {
            if want.is_nan() {
                continue;
            }
            let off = difference(got, want);
            let error = match off {
                _ if off == 0.0 => 0.0,
                _ if want.is_infinite() => f64::INFINITY,
                _ if off.is_nan() => f64::INFINITY,
                _ => off / allowed,
            };
            // An infinite error within an infinite tolerance is not a failure.
            let error = if error.is_nan() { 0.0 } else { error };
            if worst.is_none_or(|w| error > w.error) {
                worst = Some(Difference {
                    index,
                    got,
                    want,
                    error,
                });
            }
        }
        worst
    }
}

/// Returns the distance of two numbers. Equal infinities have the distance 0.
fn difference(a: f64, b: f64) -> f64 {
    match a == b {
        true => 0.0,
        false => (a - b).abs(),
    }
}

/// Computes the expected values of `outputs` from `known` values. Nodes that are not known and need
/// inputs or variables take them from `values`.
pub fn expected(
    graph: &Graph,
    outputs: &[NodeId],
    known: HashMap<NodeId, Array>,
    values: &Values,
) -> Result<Vec<Expected>> {
    let order = order(graph, outputs, &known);
    let mut exact: Vec<Option<Array>> = vec![None; graph.nodes().len()];
    for (id, value) in known {
        if let Some(place) = exact.get_mut(id.index()) {
            *place = Some(value);
        }
    }
    for &id in &order {
        let value = as_held(graph, id, evaluate(graph, id, values, &exact)?);
        exact[id.index()] = Some(value);
    }
    let mut all = Vec::with_capacity(outputs.len());
    for &node in outputs {
        let value = exact.get(node.index()).cloned().flatten();
        let value = value.ok_or_else(|| Error::internal("checking", "a value is missing"))?;
        let own = match order.contains(&node) {
            true => own(graph, node, &exact, &value),
            // A copy of a known value.
            false => vec![0.0; value.data.len()],
        };
        all.push(Expected {
            node,
            value,
            allowed: own,
        });
    }
    let mut feeds = vec![false; graph.nodes().len()];
    for input in order.iter().flat_map(|&id| &graph.node(id).inputs) {
        feeds[input.index()] = true;
    }
    let mut way = Way {
        graph,
        outputs,
        order: &order,
        feeds,
        values,
        exact: &exact,
        results: exact.clone(),
    };
    let (alone, together) = (way.alone()?, way.together()?);
    for ((expected, alone), together) in all.iter_mut().zip(alone).zip(together) {
        let came = alone.iter().zip(&together);
        for (allowed, (alone, together)) in expected.allowed.iter_mut().zip(came) {
            *allowed += f64::max(*alone, 2.0 * together);
        }
    }
    Ok(all)
}

/// Returns the nodes that must be computed, in order.
fn order(graph: &Graph, outputs: &[NodeId], known: &HashMap<NodeId, Array>) -> Vec<NodeId> {
    let mut needed = vec![false; graph.nodes().len()];
    let mut stack: Vec<NodeId> = outputs.to_vec();
    while let Some(id) = stack.pop() {
        if !known.contains_key(&id) && !std::mem::replace(&mut needed[id.index()], true) {
            stack.extend(&graph.node(id).inputs);
        }
    }
    graph.ids().filter(|id| needed[id.index()]).collect()
}

/// The path from the known values to the outputs.
struct Way<'a> {
    graph: &'a Graph,
    outputs: &'a [NodeId],
    /// The nodes to compute, in order.
    order: &'a [NodeId],
    /// By node: whether another node on the path reads it.
    feeds: Vec<bool>,
    values: &'a Values,
    /// By node: its value without errors.
    exact: &'a [Option<Array>],
    /// By node: its value with the errors of a draw; between two draws, without errors.
    results: Vec<Option<Array>>,
}

impl Way<'_> {
    /// Returns, for each output and element, the sum of the changes by the errors of each node
    /// alone.
    ///
    /// To first order, errors `e_i` of the nodes change `y` by the sum of `dy/dx_i e_i`, which is
    /// at most the sum of `|dy/dx_i| |e_i|`. If each element of a result depends on one element of
    /// each node, this function computes that sum. Draws of all errors together cannot replace it.
    /// If there are as many errors as in `|x|^2 sign(x) s`, all of the same size, they cancel in
    /// every draw for some of a thousand elements, and the bound would be 0.
    fn alone(&mut self) -> Result<Vec<Vec<f64>>> {
        let mut sum = self.zeros();
        for &id in self.order {
            if self.feeds[id.index()] {
                let off = self.run(Some(id), &mut || true)?;
                for (sum, off) in sum.iter_mut().flatten().zip(off.iter().flatten().flatten()) {
                    *sum += off;
                }
            }
        }
        Ok(sum)
    }

    /// Returns, for each output and element, the largest change by the errors of all nodes
    /// together, in a few draws. Together, errors may cross a threshold that none crosses alone,
    /// such as the bound of a comparison.
    fn together(&mut self) -> Result<Vec<Vec<f64>>> {
        let mut most = self.zeros();
        for draw in 0..DRAWS + 2 {
            let mut stream = Stream::new(draw).child(3000);
            let off = self.run(None, &mut || match draw {
                DRAWS => true,
                _ if draw > DRAWS => false,
                _ => stream.below(2) == 0,
            })?;
            let Some(off) = off else { break };
            for (most, off) in most.iter_mut().flatten().zip(off.iter().flatten()) {
                *most = f64::max(*most, *off);
            }
        }
        Ok(most)
    }

    fn zeros(&self) -> Vec<Vec<f64>> {
        let len = |id: &NodeId| self.graph.meta(*id).shape.len();
        self.outputs.iter().map(|id| vec![0.0; len(id)]).collect()
    }

    /// Returns, for each output and element, the change by the errors of node `only`, or of all
    /// nodes that others read. `up` returns the direction for each element in turn. Returns `None`
    /// if nothing changes.
    fn run(
        &mut self,
        only: Option<NodeId>,
        up: &mut dyn FnMut() -> bool,
    ) -> Result<Option<Vec<Vec<f64>>>> {
        let graph = self.graph;
        let mut off = self.zeros();
        let mut moved: Vec<NodeId> = Vec::new();
        for &id in self.order {
            let inputs = &graph.node(id).inputs;
            let changed = inputs.iter().any(|input| moved.contains(input));
            if changed {
                let y = evaluate(graph, id, self.values, &self.results)?;
                for (node, off) in self.outputs.iter().zip(&mut off) {
                    let exact = self.exact[id.index()].as_ref().filter(|_| *node == id);
                    let exact = exact.iter().flat_map(|a| &a.data);
                    for ((off, y), exact) in off.iter_mut().zip(&y.data).zip(exact) {
                        *off = f64::max(*off, difference(*y, *exact));
                    }
                }
                self.results[id.index()] = Some(y);
                moved.push(id);
            }
            let errs = only.map_or(self.feeds[id.index()], |only| only == id);
            if !errs || !graph.meta(id).dtype.is_float() {
                continue;
            }
            let Some(mut y) = self.results[id.index()].take() else {
                continue;
            };
            let tolerance = tolerance(graph, id, &self.results, &y);
            if tolerance != Tolerance::EXACT {
                for v in &mut y.data {
                    *v = nudge(*v, tolerance, up());
                }
                if !changed {
                    moved.push(id);
                }
            }
            self.results[id.index()] = Some(y);
        }
        for id in &moved {
            self.results[id.index()].clone_from(&self.exact[id.index()]);
        }
        Ok((!moved.is_empty()).then_some(off))
    }
}

/// Returns the value with its whole error, up or down. Subnormal values may be flushed to zero.
/// Infinite values have no error.
fn nudge(v: f64, tolerance: Tolerance, up: bool) -> f64 {
    if v.is_infinite() {
        return v;
    }
    let most = tolerance.abs + tolerance.rel * v.abs();
    match up {
        true => v + most,
        false if v.abs() < f64::from(f32::MIN_POSITIVE) => 0.0,
        false => v - most,
    }
}

/// Evaluates a node from its inputs, with the op's constants rounded to `f32` as on a device.
fn evaluate(
    graph: &Graph,
    id: NodeId,
    values: &Values,
    results: &[Option<Array>],
) -> Result<Array> {
    let node = graph.node(id);
    let Op::Elementwise(Elementwise {
        function,
        constants,
    }) = &node.op
    else {
        return evaluate_node(graph, id, values, results);
    };
    let round = |(c, dtype): (&Scalar, &DType)| match dtype {
        DType::F32 => Scalar(f64::from(c.0 as f32)),
        _ => *c,
    };
    let op = Op::Elementwise(Elementwise {
        function,
        constants: constants
            .iter()
            .zip(function.constants)
            .map(round)
            .collect(),
    });
    let mut x = Vec::with_capacity(node.inputs.len());
    for input in &node.inputs {
        let value = results.get(input.index()).and_then(Option::as_ref);
        x.push(value.ok_or_else(|| Error::internal("checking", "an input is missing"))?);
    }
    let mut y = Array::zeros(node.meta.shape.clone());
    op.def().reference(&x, &mut y);
    Ok(y)
}

/// Limits the value to the range of `f32`: constants are rounded, and values that are too large
/// become infinite.
fn as_held(graph: &Graph, id: NodeId, mut y: Array) -> Array {
    let node = graph.node(id);
    if node.meta.dtype.is_float() {
        let constant = matches!(node.op, Op::Constant(_));
        for v in &mut y.data {
            let held = f64::from(*v as f32);
            if constant || held.is_infinite() {
                *v = held;
            }
        }
    }
    y
}

fn tolerance(graph: &Graph, id: NodeId, results: &[Option<Array>], y: &Array) -> Tolerance {
    let node = graph.node(id);
    let x = node
        .inputs
        .iter()
        .filter_map(|x| results[x.index()].as_ref());
    node.op.def().tolerance(&x.collect::<Vec<_>>(), y)
}

/// Returns, for each element, the tolerance of the op itself. Integers and booleans are exact.
fn own(graph: &Graph, id: NodeId, exact: &[Option<Array>], y: &Array) -> Vec<f64> {
    let t = match graph.meta(id).dtype.is_float() {
        true => tolerance(graph, id, exact, y),
        false => Tolerance { abs: 0.0, rel: 0.0 },
    };
    y.data.iter().map(|y| t.abs + t.rel * y.abs()).collect()
}

#[cfg(test)]
#[path = "expected_tests.rs"]
mod tests;
