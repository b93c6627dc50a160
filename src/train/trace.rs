//! Tracing: from a recipe to the graph of a training step, of an evaluation or of a prediction.

use std::cell::RefCell;
use std::rc::Rc;

use crate::autodiff::gradients;
use crate::graph::{Assign, Graph, Mode, Output, Phase, Role, Variable, VariableId};
use crate::loss::Target;
use crate::ops;
use crate::optim::{Update, clip_factor};
use crate::{DType, Error, Result, Tensor};

use super::feed::{Feed, SCALARS, batch_meta};
use super::recipe::{DataSpec, Recipe, state_name};

/// What a graph is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Train,
    Evaluate,
    Predict,
}

/// The graph for a batch of `batch` samples. `variables` begins with the recipe's own.
pub(super) fn trace(
    recipe: &Recipe,
    purpose: Purpose,
    spec: &DataSpec,
    (feed, batch): (&Feed, usize),
    (variables, bound): (&[Variable], &[u64]),
) -> Result<Graph> {
    let mode = if purpose == Purpose::Train {
        Mode::Train
    } else {
        Mode::Eval
    };
    let shared = Rc::new(RefCell::new(start(recipe, mode, variables, bound)));
    if purpose == Purpose::Predict {
        let meta = batch_meta(spec, batch);
        let x = ops::input(&shared, super::feed::FEATURES, meta.shape, meta.dtype);
        let y = recipe.model.forward(&x);
        output(&shared, "output", &y)?;
        return finish(shared);
    }
    let (x, t) = feed.trace(&shared, spec, batch);
    let y = recipe.model.forward(&x);
    shared.borrow_mut().take_error()?;
    let t = match spec.target {
        Target::Values { .. } => t.reshape(y.shape()),
        Target::Labels { .. } => t,
    };
    let loss = recipe.loss.mean(&y, &t);
    output(&shared, "loss", &loss)?;
    for metric in &recipe.metrics {
        output(
            &shared,
            metric.name(),
            &metric.mean(&y, &t, recipe.loss.as_ref()),
        )?;
    }
    if purpose == Purpose::Train {
        update(recipe, &shared, &loss)?;
    }
    finish(shared)
}

/// What the model gives for one kind of sample, and what its loss compares it with.
pub(super) fn probe(
    recipe: &Recipe,
    sample: &crate::Shape,
    (variables, bound): (&[Variable], &[u64]),
) -> Result<(Graph, Target)> {
    // Any batch size would do; 2 is the smallest that no rule can mistake for a missing axis.
    const BATCH: usize = 2;
    let shared = Rc::new(RefCell::new(start(recipe, Mode::Eval, variables, bound)));
    let mut dims = vec![BATCH];
    dims.extend_from_slice(sample);
    let x = ops::input(&shared, super::feed::FEATURES, dims, DType::F32);
    let y = recipe.model.forward(&x);
    output(&shared, "output", &y)?;
    let meta = y.meta();
    if meta.shape.first() != Some(&BATCH) {
        let reason = format!(
            "for a batch of {BATCH} it gives {}; the first axis must stay the batch",
            meta.shape
        );
        return Err(Error::model("the model", reason));
    }
    let target = recipe.loss.target(&meta);
    let target = target
        .map_err(|reason| Error::model(format!("the loss {}", recipe.loss.name()), reason))?;
    Ok((finish(shared)?, target))
}

fn start(recipe: &Recipe, mode: Mode, variables: &[Variable], bound: &[u64]) -> Graph {
    let mut graph = Graph::new(mode);
    graph.adapters = recipe.adapters.iter().copied().collect();
    graph.variables = variables.to_vec();
    graph.bound = bound
        .iter()
        .enumerate()
        .map(|(i, &p)| (p, VariableId(i as u32)))
        .collect();
    graph
}

fn output(shared: &Rc<RefCell<Graph>>, name: &str, tensor: &Tensor) -> Result<()> {
    let mut graph = shared.borrow_mut();
    graph.take_error()?;
    match tensor.id() {
        Some(node) => graph.outputs.push(Output {
            name: name.to_string(),
            node,
        }),
        None => {
            return Err(Error::internal(
                "tracing",
                format!("{name} is broken without a mistake"),
            ));
        }
    }
    Ok(())
}

/// The graph itself; the handles that are still around are of no more use.
fn finish(shared: Rc<RefCell<Graph>>) -> Result<Graph> {
    let mut graph = shared.replace(Graph::new(Mode::Eval));
    graph.take_error()?;
    Ok(graph)
}

/// Appends gradients, clipping and the optimizer's update.
fn update(recipe: &Recipe, shared: &Rc<RefCell<Graph>>, loss: &Tensor) -> Result<()> {
    let trained: Vec<(VariableId, String)> = {
        let graph = shared.borrow();
        let all = graph.variables.iter().enumerate();
        let trained = all.filter(|(_, v)| v.role == Role::Parameter);
        trained
            .map(|(i, v)| (VariableId(i as u32), v.name.clone()))
            .collect()
    };
    let parameters: Vec<Tensor> = trained
        .iter()
        .map(|(id, _)| ops::variable(shared, *id))
        .collect();
    let grads = gradients(loss, &parameters)?;
    let mut used: Vec<(VariableId, String, Tensor, Tensor)> = Vec::new();
    for (((id, name), p), g) in trained.into_iter().zip(&parameters).zip(grads) {
        // A parameter that the loss does not depend on keeps its value, as in PyTorch.
        let Some(g) = g else { continue };
        if let Some(node) = g.id() {
            shared
                .borrow_mut()
                .gradients
                .push(Assign { variable: id, node });
        }
        used.push((id, name, p.clone(), g));
    }
    if used.is_empty() {
        return Err(Error::model("the model", "has no parameter to train"));
    }
    shared.borrow_mut().phase = Phase::Update;
    let count = recipe
        .optimizer
        .scalars(1, recipe.optimizer.learning_rate())
        .len();
    let groups = recipe.groups.len() + 1;
    let all = ops::input(shared, SCALARS, [count * groups], DType::F32);
    let scalars: Vec<Tensor> = (0..count * groups)
        .map(|i| all.narrow(0, i, 1).reshape(crate::Shape::scalar()))
        .collect();
    let factor = recipe
        .clip
        .and_then(|max| clip_factor(&used.iter().map(|u| u.3.clone()).collect::<Vec<_>>(), max));
    for (id, name, parameter, gradient) in used {
        let states = recipe.optimizer.states();
        let mut ids = Vec::with_capacity(states.len());
        for state in &states {
            let wanted = state_name(state, &name);
            let at = shared
                .borrow()
                .variables
                .iter()
                .position(|v| v.name == wanted);
            ids.extend(at.map(|i| VariableId(i as u32)));
        }
        let gradient = match &factor {
            Some(factor) => gradient * factor,
            None => gradient,
        };
        let group = recipe.group_of(&name);
        let scalars = scalars.chunks(count.max(1)).nth(group);
        let updated = recipe.optimizer_of(group).update(Update {
            parameter: &parameter,
            gradient,
            states: ids.iter().map(|&id| ops::variable(shared, id)).collect(),
            scalars: scalars.unwrap_or_default().to_vec(),
        });
        let mut graph = shared.borrow_mut();
        graph.take_error()?;
        let new =
            std::iter::once((id, updated.parameter)).chain(ids.into_iter().zip(updated.states));
        for (variable, tensor) in new {
            if let Some(node) = tensor.id() {
                graph.assigns.push(Assign { variable, node });
            }
        }
    }
    shared.borrow_mut().phase = Phase::Forward;
    Ok(())
}
