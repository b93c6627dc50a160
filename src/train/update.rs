//! Traces the end of a training step: gradients, their accumulation, penalties, clipping, the
//! optimizer's update, and the moving averages of weights.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use crate::autodiff::gradients;
use crate::graph::{Assign, Graph, Phase, Role, VariableId};
use crate::ops;
use crate::optim;
use crate::{DType, Error, Result, Shape, Tensor};

use super::feed::SCALARS;
use super::spec::{ACCUMULATED, EMA, TrainSpec, state_name};
use super::trace::{GRADIENT_NORM, output};

/// A parameter that the loss depends on.
struct Used {
    id: VariableId,
    name: String,
    parameter: Tensor,
    gradient: Tensor,
}

/// The position of a batch within a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// A batch of a step that is not the last: its gradients are accumulated.
    Some,
    /// The last batch of a step, or the only one.
    Whole,
}

/// Appends the gradients and the update, for a batch of `batch` samples.
pub(super) fn update(
    train_spec: &TrainSpec,
    shared: &Rc<RefCell<Graph>>,
    (loss, batch): (&Tensor, usize),
    part: Part,
) -> Result<()> {
    let mut used = differentiate(shared, loss)?;
    shared.borrow_mut().phase = Phase::Update;
    let given = Given::trace(train_spec, shared);
    let named = Named::of(shared);
    if train_spec.batches_per_step() > 1 {
        accumulate((shared, &named), &mut used, batch, part, &given)?;
    }
    if part == Part::Whole {
        change(train_spec, (shared, &named), used, &given)?;
    }
    shared.borrow_mut().phase = Phase::Forward;
    Ok(())
}

fn differentiate(shared: &Rc<RefCell<Graph>>, loss: &Tensor) -> Result<Vec<Used>> {
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
    let mut used = Vec::new();
    for (((id, name), parameter), gradient) in trained.into_iter().zip(parameters).zip(grads) {
        // A parameter that the loss does not depend on keeps its value, as in PyTorch.
        let Some(gradient) = gradient else { continue };
        if let Some(node) = gradient.id() {
            let assign = Assign { variable: id, node };
            shared.borrow_mut().gradients.push(assign);
        }
        used.push(Used {
            id,
            name,
            parameter,
            gradient,
        });
    }
    match used.is_empty() {
        true => Err(Error::model(
            "the model",
            "expected at least one trained parameter, found none",
        )),
        false => Ok(used),
    }
}

/// The scalars of a step as tensors; see [`TrainSpec::scalars`].
struct Given {
    /// The optimizer's scalars, without a group and for each group.
    groups: Vec<Vec<Tensor>>,
    /// The weights of the old average and of the new weights.
    average: Option<(Tensor, Tensor)>,
    /// The weight of the batch, if a step has several batches and the loss weights its labels.
    weight: Option<Tensor>,
    /// 1 divided by the samples, or the weight, of a step of several batches.
    share: Option<Tensor>,
}

impl Given {
    fn trace(train_spec: &TrainSpec, shared: &Rc<RefCell<Graph>>) -> Self {
        let rate = train_spec.optimizer.learning_rate();
        let each = train_spec.optimizer.scalars(1, rate).len();
        let groups = train_spec.groups.len() + 1;
        let (averages, sums) = (train_spec.ema.is_some(), train_spec.batches_per_step() > 1);
        let weighted = sums && train_spec.is_weighted();
        let parts = usize::from(sums) + usize::from(weighted);
        let count = each * groups + 2 * usize::from(averages) + parts;
        let all = ops::input(shared, SCALARS, [count], DType::F32);
        let mut next = (0..count).map(|i| all.narrow(0, i, 1).reshape(Shape::scalar()));
        let mut some = |n: usize| next.by_ref().take(n).collect::<Vec<Tensor>>();
        let groups = (0..groups).map(|_| some(each)).collect();
        let average = match some(2 * usize::from(averages)).as_slice() {
            [keep, take] => Some((keep.clone(), take.clone())),
            _ => None,
        };
        Given {
            groups,
            average,
            weight: some(usize::from(weighted)).pop(),
            share: some(usize::from(sums)).pop(),
        }
    }
}

/// The variables of a graph by name.
struct Named(HashMap<String, VariableId>);

impl Named {
    fn of(shared: &Rc<RefCell<Graph>>) -> Self {
        let graph = shared.borrow();
        let all = graph.variables.iter().enumerate();
        let mut named = HashMap::new();
        for (i, variable) in all {
            let id = VariableId(i as u32);
            named.entry(variable.name.clone()).or_insert(id);
        }
        Named(named)
    }

    /// Returns a parameter's state variable of a kind, and its value.
    fn state(
        &self,
        shared: &Rc<RefCell<Graph>>,
        kind: &str,
        of: &str,
    ) -> Option<(VariableId, Tensor)> {
        let id = *self.0.get(&state_name(kind, of))?;
        Some((id, ops::variable(shared, id)))
    }
}

fn assign(shared: &Rc<RefCell<Graph>>, variable: VariableId, value: &Tensor) {
    if let Some(node) = value.id() {
        let assign = Assign { variable, node };
        shared.borrow_mut().assigns.push(assign);
    }
}

/// Accumulates this batch's gradients. The last batch uses the mean over all samples of the step as
/// its gradients, and resets the sums. Batches are weighted by their samples, or by their labels'
/// weights if the loss's mean is weighted. So a step of several batches equals that of one large
/// batch, even if the last is smaller.
fn accumulate(
    (shared, named): (&Rc<RefCell<Graph>>, &Named),
    used: &mut [Used],
    batch: usize,
    part: Part,
    given: &Given,
) -> Result<()> {
    for u in used {
        let Some((id, sum)) = named.state(shared, ACCUMULATED, &u.name) else {
            return Err(Error::internal("accumulating", "a gradient without a sum"));
        };
        let sum = match &given.weight {
            Some(weight) => sum + &u.gradient * weight,
            None => sum + &u.gradient * batch as f64,
        };
        match (part, &given.share) {
            (Part::Whole, Some(share)) => {
                u.gradient = &sum * share;
                assign(shared, id, &sum.zeros_like());
            }
            _ => assign(shared, id, &sum),
        }
    }
    Ok(())
}

/// Penalties, clipping, the optimizer's update, and the moving averages.
fn change(
    train_spec: &TrainSpec,
    (shared, named): (&Rc<RefCell<Graph>>, &Named),
    used: Vec<Used>,
    given: &Given,
) -> Result<()> {
    let (l1, l2) = train_spec.penalty;
    let penalised = |u: &Used| {
        let mut gradient = u.gradient.clone();
        if l1 > 0.0 {
            gradient = gradient + u.parameter.sign() * l1;
        }
        match l2 > 0.0 {
            true => gradient + &u.parameter * l2,
            false => gradient,
        }
    };
    let gradients: Vec<Tensor> = used.iter().map(penalised).collect();
    if train_spec.gradient_norm
        && let Some(norm) = optim::global_norm(&gradients)
    {
        output(shared, GRADIENT_NORM, &norm)?;
    }
    let gradients = train_spec.clip.apply(gradients);
    for (u, gradient) in used.into_iter().zip(gradients) {
        let group = train_spec.group_of(&u.name);
        let optimizer = train_spec.optimizer_of(group);
        let kinds = optimizer.states(&u.parameter.shape());
        let (ids, states): (Vec<_>, Vec<_>) = kinds
            .iter()
            .filter_map(|s| named.state(shared, s.name, &u.name))
            .unzip();
        let updated = optimizer.update(optim::Update {
            parameter: &u.parameter,
            gradient,
            states,
            scalars: given.groups.get(group).cloned().unwrap_or_default(),
        });
        shared.borrow_mut().take_error()?;
        assign(shared, u.id, &updated.parameter);
        for (id, value) in ids.into_iter().zip(&updated.states) {
            assign(shared, id, value);
        }
        if let (Some((keep, take)), Some((id, old))) =
            (&given.average, named.state(shared, EMA, &u.name))
        {
            assign(shared, id, &(old * keep + &updated.parameter * take));
        }
    }
    Ok(())
}
