//! Tracing: from a training specification to the graph of a training step, of an evaluation or of
//! a prediction.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use crate::graph::{Adapter, Graph, Meta, Mode, Output, Variable, VariableId};
use crate::loss::{Target, functional};
use crate::ops;
use crate::passes::mixed_precision;
use crate::{DType, Error, Result, Tensor};

use super::feed::{Feed, batch_meta, offered};
use super::spec::{Arrays, DataSpec, EMA, TrainSpec, state_name};
use super::update::{Part, update};

/// The purpose of a graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Train,
    /// The batches of an accumulated step except the last: their gradients are summed.
    Accumulate,
    Evaluate,
    Predict,
}

/// The name of the loss among a graph's outputs.
pub(super) const LOSS: &str = "loss";

/// The name of the gradients' norm among a graph's outputs.
pub(super) const GRADIENT_NORM: &str = "gradient_norm";

/// The name of the model's output in a graph.
pub(super) const OUTPUT: &str = "output";

/// Returns the name in a graph of an output that the model has named.
pub(super) fn named_output(name: &str) -> String {
    format!("{OUTPUT}.{name}")
}

/// Returns the outputs that the model has named, in order.
fn named_outputs(shared: &Rc<RefCell<Graph>>) -> Vec<(String, Tensor)> {
    let graph = shared.borrow();
    let outputs = graph.batch.outputs.iter();
    outputs
        .map(|(name, node)| (name.clone(), Tensor::new(Rc::clone(shared), *node)))
        .collect()
}

/// The prefix of the names of a metric's outputs, followed by the indices of the metric and of the
/// output.
const METRIC: &str = "metric.";

/// Returns the name of an output of a metric.
pub(super) fn metric_name(metric: usize, part: usize) -> String {
    format!("{METRIC}{metric}.{part}")
}

/// Returns the index of the metric of an output.
pub(super) fn metric_of(output: &str) -> Option<usize> {
    let (number, _) = output.strip_prefix(METRIC)?.split_once('.')?;
    number.parse().ok()
}

/// Traces the graph for a batch of `batch` samples. `variables` begins with those of the
/// specification.
pub(super) fn trace(
    train_spec: &TrainSpec,
    purpose: Purpose,
    spec: &DataSpec,
    (feed, batch): (&Feed, usize),
    (variables, bound): (&[Variable], &[u64]),
) -> Result<Graph> {
    let part = match purpose {
        Purpose::Train => Some(Part::Whole),
        Purpose::Accumulate => Some(Part::Some),
        Purpose::Evaluate | Purpose::Predict => None,
    };
    let mode = part.map_or(Mode::Eval, |_| Mode::Train);
    let shared = Rc::new(RefCell::new(start(train_spec, mode, variables, bound)));
    if purpose == Purpose::Predict {
        let meta = batch_meta(spec, batch);
        let x = ops::input(&shared, super::feed::FEATURES, meta.shape, meta.dtype);
        shared.borrow_mut().batch.arrays = offered(spec, batch);
        let y = train_spec.model.forward(&x);
        output(&shared, OUTPUT, &y)?;
        for (name, tensor) in named_outputs(&shared) {
            output(&shared, &named_output(&name), &tensor)?;
        }
        return finish(shared);
    }
    let (x, t) = feed.trace(&shared, spec, batch);
    let y = train_spec.model.forward(&x);
    take_error(&shared, &y)?;
    let t = match spec.target {
        Target::Values { .. } => t.reshape(train_spec.loss.prediction(&y).shape()),
        Target::Labels { .. } | Target::Framed { .. } => t,
    };
    let loss = functional::mean_of(train_spec.loss.as_ref(), &y, &t);
    output(&shared, LOSS, &loss)?;
    for (i, metric) in train_spec.metrics.iter().enumerate() {
        let numbers = metric.collect(&y, &t, train_spec.loss.as_ref());
        for (part, tensor) in numbers.iter().enumerate() {
            let name = metric_name(i, part);
            output(&shared, &name, tensor)?;
            shared.borrow_mut().returned.push(name);
        }
    }
    if let Some(part) = part {
        update(train_spec, &shared, (&loss, batch), part)?;
    }
    let graph = finish(shared)?;
    match part {
        Some(_) if train_spec.precision.is_half() => mixed_precision(&graph, train_spec.precision),
        _ => Ok(graph),
    }
}

/// Traces the model's output for a type of sample, and the arrays that the data must have.
pub(super) fn probe(
    train_spec: &TrainSpec,
    (sample, arrays): (&crate::Shape, Arrays),
    (variables, bound): (&[Variable], &[u64]),
) -> Result<(Graph, DataSpec)> {
    // Any batch size would do; 2 is the smallest that no rule can confuse with a missing axis.
    const BATCH: usize = 2;
    let shared = Rc::new(RefCell::new(start(
        train_spec,
        Mode::Eval,
        variables,
        bound,
    )));
    let mut dims = vec![BATCH];
    dims.extend_from_slice(sample);
    let x = ops::input(&shared, super::feed::FEATURES, dims, DType::F32);
    let mut spec = DataSpec {
        sample: sample.clone(),
        target: Target::Values { width: 0 },
        arrays,
    };
    shared.borrow_mut().batch.arrays = offered(&spec, BATCH);
    let y = train_spec.model.forward(&x);
    take_error(&shared, &y)?;
    output(&shared, OUTPUT, &y)?;
    let meta = y.meta();
    if meta.shape.first() != Some(&BATCH) {
        let reason = format!(
            "expected an output whose first axis is the batch of {BATCH}, found {}",
            meta.shape
        );
        return Err(Error::model("the model", reason));
    }
    let refuse = |reason| Error::model(format!("the loss {}", train_spec.loss.name()), reason);
    spec.target = train_spec.loss.target(&meta).map_err(refuse)?;
    let metas: Vec<(String, Meta)> = {
        let named = named_outputs(&shared);
        named
            .into_iter()
            .map(|(name, y)| (name, y.meta()))
            .collect()
    };
    for (name, meta) in &metas {
        if meta.shape.first() != Some(&BATCH) {
            let reason = format!(
                "its output {name:?} has the shape {}; expected the batch first",
                meta.shape
            );
            return Err(Error::model("the model", reason));
        }
    }
    spec.arrays.targets = train_spec.loss.named_targets(&metas).map_err(refuse)?;
    for (name, target) in &spec.arrays.targets {
        let wanted = target.meta(1).shape.len();
        let have = spec.arrays.named.iter().find(|(n, _)| n == name);
        match have {
            Some((_, shape)) if shape.len() == wanted => {}
            Some((_, shape)) => {
                let reason = format!(
                    "expected {wanted} numbers per sample in the array {name:?}, found {shape}"
                );
                return Err(refuse(reason));
            }
            None => {
                let reason = format!(
                    "expected an array {name:?} in the data, which has none of this name; see `Dataset::with_array`"
                );
                return Err(refuse(reason));
            }
        }
    }
    Ok((finish(shared)?, spec))
}

fn start(train_spec: &TrainSpec, mode: Mode, variables: &[Variable], bound: &[u64]) -> Graph {
    let mut graph = Graph::new(mode);
    // Evaluation uses the moving average, if there is one.
    let averages = match (mode, train_spec.ema) {
        (Mode::Eval, Some(_)) => averages(variables),
        _ => HashMap::new(),
    };
    let seen = |id: VariableId| averages.get(&id).copied().unwrap_or(id);
    let adapters = train_spec.adapters.iter().map(|(id, adapter)| {
        let (a, b) = (seen(adapter.a), seen(adapter.b));
        (*id, Adapter { a, b, ..*adapter })
    });
    graph.adapters = adapters.collect();
    graph.variables = variables.to_vec();
    graph.bound = bound
        .iter()
        .enumerate()
        .map(|(i, &p)| (p, seen(VariableId(i as u32))))
        .collect();
    graph
}

/// By variable, the variable of its moving average.
fn averages(variables: &[Variable]) -> HashMap<VariableId, VariableId> {
    let ids = || variables.iter().enumerate();
    let by_name: HashMap<&str, VariableId> = ids()
        .rev()
        .map(|(i, v)| (v.name.as_str(), VariableId::new(i)))
        .collect();
    let average = |name: &str| by_name.get(state_name(EMA, name).as_str()).copied();
    ids()
        .filter_map(|(i, v)| Some((VariableId::new(i), average(&v.name)?)))
        .collect()
}

/// Returns the first error made while tracing. A tensor that was created from no other (an empty
/// `concat`, for example) has its own graph, whose error is returned.
fn take_error(shared: &Rc<RefCell<Graph>>, tensor: &Tensor) -> Result<()> {
    shared.borrow_mut().take_error()?;
    match Rc::ptr_eq(shared, &tensor.shared_graph()) {
        true => Ok(()),
        false => tensor.graph_mut().take_error(),
    }
}

pub(super) fn output(shared: &Rc<RefCell<Graph>>, name: &str, tensor: &Tensor) -> Result<()> {
    // The host reads whole words.
    let tensor = match tensor.id() {
        Some(_) => tensor.cast(tensor.dtype().computed()),
        None => tensor.clone(),
    };
    take_error(shared, &tensor)?;
    let mut graph = shared.borrow_mut();
    match tensor.id() {
        Some(node) => graph.outputs.push(Output {
            name: name.to_string(),
            node,
        }),
        None => {
            return Err(Error::internal(
                "tracing",
                format!("{name} is broken without an error"),
            ));
        }
    }
    Ok(())
}

/// Returns the graph; remaining tensor handles become useless.
fn finish(shared: Rc<RefCell<Graph>>) -> Result<Graph> {
    let mut graph = shared.replace(Graph::new(Mode::Eval));
    graph.take_error()?;
    Ok(graph)
}
