//! What a device may compute: the reference's values, and how far off each element may be.
//!
//! Some nodes' values are known (as the device holds them); others follow from these. A device that
//! fuses rounds where it likes between them, so the errors of the nodes on the way are drawn at
//! random, each within its op's own tolerance, and what comes through is measured. That replaces an
//! error analysis of every possible chain.

use std::collections::HashMap;

use crate::exec::reference::{Values, evaluate_node};
use crate::graph::{Elementwise, Graph, NodeId, Op, Scalar};
use crate::ops::{Array, Tolerance};
use crate::random::Stream;
use crate::{DType, Error, Result};

/// How often the errors on the way are drawn with random signs; two more draws have them all up and
/// all down.
const DRAWS: u64 = 6;

/// A node's value by the reference, with what a device may be off.
#[derive(Clone, Debug)]
pub struct Expected {
    /// The node.
    pub node: NodeId,
    /// Its value.
    pub value: Array,
    /// By element: the error allowed.
    pub allowed: Vec<f64>,
}

/// The element that is furthest off, in tolerances.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// Which element.
    pub index: usize,
    /// What the device computed.
    pub got: f64,
    /// What the reference computed.
    pub want: f64,
    /// The distance in units of what is allowed: fine up to 1, infinite for NaN.
    pub error: f64,
}

impl Difference {
    /// Whether it is more than allowed.
    pub fn is_failure(&self) -> bool {
        self.error.is_nan() || self.error > 1.0
    }
}

impl Expected {
    /// The element of `got` that is furthest off; `None` where there is nothing to compare.
    ///
    /// Elements that `f32` cannot hold (infinite, NaN, too large) are left out: WGSL lets a shader
    /// assume that they do not occur, so there is nothing that must come out.
    pub fn furthest(&self, got: &Array) -> Option<Difference> {
        let mut worst: Option<Difference> = None;
        let all = got.data.iter().zip(&self.value.data).zip(&self.allowed);
        for (index, ((&got, &want), &allowed)) in all.enumerate() {
            if want.is_nan() || want.abs() > f64::from(f32::MAX) {
                continue;
            }
            let off = (got - want).abs();
            let error = match off {
                _ if off == 0.0 => 0.0,
                _ if off.is_nan() => f64::INFINITY,
                _ => off / allowed,
            };
            // Infinitely far off what may be infinitely far off is no failure.
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

/// The values of `outputs`, computed from `known` ones. Nodes that are not known and need inputs or
/// variables take those from `values`.
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
            // A copy of what is known.
            false => vec![0.0; value.data.len()],
        };
        all.push(Expected {
            node,
            value,
            allowed: own,
        });
    }
    let propagated = propagate(graph, outputs, &order, values, &exact)?;
    for (expected, off) in all.iter_mut().zip(propagated) {
        for (allowed, off) in expected.allowed.iter_mut().zip(off) {
            *allowed += 2.0 * off;
        }
    }
    Ok(all)
}

/// What must be computed, in order.
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

/// By output and element: the most that the errors of the nodes before it changed it by.
fn propagate(
    graph: &Graph,
    outputs: &[NodeId],
    order: &[NodeId],
    values: &Values,
    exact: &[Option<Array>],
) -> Result<Vec<Vec<f64>>> {
    let len = |id: &NodeId| graph.meta(*id).shape.len();
    let mut off: Vec<Vec<f64>> = outputs.iter().map(|id| vec![0.0; len(id)]).collect();
    let feeds: Vec<bool> = {
        let mut feeds = vec![false; graph.nodes().len()];
        for input in order.iter().flat_map(|&id| &graph.node(id).inputs) {
            feeds[input.index()] = true;
        }
        feeds
    };
    for draw in 0..DRAWS + 2 {
        let mut stream = Stream::new(draw).child(3000);
        let mut results = exact.to_vec();
        let mut moved = vec![false; graph.nodes().len()];
        for &id in order {
            let inputs = &graph.node(id).inputs;
            if inputs.iter().any(|input| moved[input.index()]) {
                moved[id.index()] = true;
                let y = evaluate(graph, id, values, &results)?;
                for (node, off) in outputs.iter().zip(&mut off) {
                    let exact = exact[id.index()].as_ref().filter(|_| *node == id);
                    let exact = exact.iter().flat_map(|a| &a.data);
                    for ((off, y), exact) in off.iter_mut().zip(&y.data).zip(exact) {
                        *off = f64::max(*off, (y - exact).abs());
                    }
                }
                results[id.index()] = Some(y);
            }
            if !feeds[id.index()] || !graph.meta(id).dtype.is_float() {
                continue;
            }
            let Some(mut y) = results[id.index()].take() else {
                continue;
            };
            let tolerance = tolerance(graph, id, &results, &y);
            if tolerance != Tolerance::EXACT {
                moved[id.index()] = true;
                for v in &mut y.data {
                    let up = match draw {
                        DRAWS => true,
                        _ if draw > DRAWS => false,
                        _ => stream.below(2) == 0,
                    };
                    *v = nudge(*v, tolerance, up);
                }
            }
            results[id.index()] = Some(y);
        }
        if !moved.contains(&true) {
            break;
        }
    }
    Ok(off)
}

/// The value with the whole error, up or down. What is subnormal may be flushed.
fn nudge(v: f64, tolerance: Tolerance, up: bool) -> f64 {
    let most = tolerance.abs + tolerance.rel * v.abs();
    match up {
        true => v + most,
        false if v.abs() < f64::from(f32::MIN_POSITIVE) => 0.0,
        false => v - most,
    }
}

/// A node from its inputs, with the op's numbers as a device gets them: rounded to `f32`.
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

/// The value as far as `f32` reaches: a constant is rounded, and what is too large is infinite.
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

/// By element: the error that the op itself is allowed. Integers and truth values are exact.
fn own(graph: &Graph, id: NodeId, exact: &[Option<Array>], y: &Array) -> Vec<f64> {
    let t = match graph.meta(id).dtype.is_float() {
        true => tolerance(graph, id, exact, y),
        false => Tolerance { abs: 0.0, rel: 0.0 },
    };
    y.data.iter().map(|y| t.abs + t.rel * y.abs()).collect()
}
