//! Activations that `f16` cannot represent, which are searched for in the first batch of a training
//! in that precision.
//!
//! An activation that is too large is rounded to infinity, which may not affect the loss visibly.
//! The first batch reveals inputs and weights of an unsuitable scale. Values that become too large
//! later make the loss NaN or infinite.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use crate::exec::Program;
use crate::graph::{Graph, Mode, NodeId, Op, Output};
use crate::plan::Layout;
use crate::{DType, Error, Result, Source, Tensor};

use super::feed::Feed;
use super::program::{MemoryStrategy, PlanKey, Planned, Planner};
use super::session::Session;
use super::trace::metric_name;
use super::trainer::Trainer;

/// The largest magnitude of `f16`.
const LARGEST: f64 = 65_504.0;

/// The magnitude from which numbers are rounded to infinity.
const INFINITE: f64 = 65_520.0;

/// A value that is rounded to `f16`, with its op and line.
struct Rounded {
    name: String,
    at: Source,
}

/// Adds the largest magnitude of each value that the graph rounds to `f16`, as its only outputs.
fn magnitudes(graph: Graph) -> Result<(Graph, Vec<Rounded>)> {
    let rounded: Vec<NodeId> = graph
        .ids()
        .filter(|id| {
            let node = graph.node(*id);
            matches!(node.op, Op::Elementwise(_)) && node.meta.dtype == DType::F16
        })
        .filter_map(|id| graph.node(id).inputs.first().copied())
        .filter(|id| graph.meta(*id).dtype == DType::F32 && !graph.meta(*id).shape.is_empty())
        .collect();
    let described = rounded.iter().map(|id| {
        let node = graph.node(*id);
        let layer = match node.scope.as_str() {
            "" => String::new(),
            scope => format!(" (layer {scope})"),
        };
        Rounded {
            name: format!("{}{layer}", node.op.name()),
            at: node.source,
        }
    });
    let described = described.collect();
    let mut graph = graph;
    graph.outputs.clear();
    graph.returned.clear();
    graph.assigns.clear();
    graph.gradients.clear();
    let shared = Rc::new(RefCell::new(graph));
    for (i, id) in rounded.into_iter().enumerate() {
        let largest = Tensor::new(Rc::clone(&shared), id).abs().max(&[]);
        shared.borrow_mut().take_error()?;
        if let Some(node) = largest.id() {
            let name = metric_name(i, 0);
            shared.borrow_mut().outputs.push(Output { name, node });
        }
    }
    Ok((shared.replace(Graph::new(Mode::Eval)), described))
}

/// Returns an error if an activation of a training's first batch, or part of one, exceeds the range
/// of `f16`.
pub(super) fn check(
    trainer: &mut Trainer,
    (plan_key, rows): (PlanKey, &[u32]),
    (key, scalars): (u64, &[f64]),
) -> Result<()> {
    let Some(set) = trainer.session()?.set(plan_key.set) else {
        return Ok(());
    };
    trainer.sync()?;
    let plan_key = PlanKey { set: 0, ..plan_key };
    let sets = [("range".to_string(), set)];
    let planner: Planner = trainer.planner(&sets);
    let graph = planner.trace(plan_key, &[Feed::Streamed], planner.variables)?;
    let (graph, rounded) = magnitudes(graph)?;
    if rounded.is_empty() {
        return Ok(());
    }
    let layout = Layout::new(planner.variables);
    let plan = Arc::new(planner.lower(&graph, &layout)?);
    let planned = Planned {
        program: Program {
            layout: Arc::new(layout),
            plans: vec![plan],
        },
        keys: vec![plan_key],
        strategy: MemoryStrategy::NONE,
        feeds: vec![Feed::Streamed],
    };
    let mut session = Session::open(planner, planned, &trainer.weights)?;
    session.run(plan_key, rows, (0, key), scalars)?;
    let results = session.results(true)?;
    let found = results.iter().flat_map(|batch| &batch.metrics);
    let found = found.map(|m| m.first().and_then(|m| m.first()).copied().unwrap_or(0.0));
    for (rounded, largest) in rounded.iter().zip(found) {
        if largest >= INFINITE || largest.is_nan() {
            let Rounded { name, at } = rounded;
            return Err(Error::NonFinite {
                step: trainer.position.step + 1,
                what: format!(
                    "the largest magnitude of the output of {name}, of which f16 holds up to {LARGEST} (bf16 has the \
                     range of f32),"
                ),
                value: largest,
                at: Some(*at),
            });
        }
    }
    Ok(())
}
