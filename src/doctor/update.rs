//! Optimizers' updates of several parameters, which the planner makes one step of.

use std::cell::RefCell;
use std::rc::Rc;

use crate::autodiff::gradients;
use crate::exec::reference::Values;
use crate::graph::{Assign, Graph, Init, Meta, Mode, Output, Phase, Role, Variable, VariableId};
use crate::ops::{self, Array};
use crate::optim::{self, Optimizer, clip_factor};
use crate::random::Stream;
use crate::{DType, Error, Result, Shape, Source, Tensor};

/// The parameters' shapes: with padding between them, and without.
const SHAPES: [&[usize]; 5] = [&[7, 3], &[3], &[], &[8, 16], &[257]];

/// Samples in a batch.
const BATCH: usize = 4;

/// The update of a few parameters, at the third step of training.
pub(super) struct Update {
    pub name: &'static str,
    optimizer: fn() -> Box<dyn Optimizer>,
    clip: Option<f64>,
}

pub(super) fn updates() -> Vec<Update> {
    let update = |name, optimizer, clip| Update {
        name,
        optimizer,
        clip,
    };
    vec![
        update("sgd", || Box::new(optim::Sgd::new(0.1)), None),
        update(
            "sgd_momentum",
            || Box::new(optim::Sgd::new(0.1).momentum(0.9).weight_decay(0.01)),
            None,
        ),
        update(
            "sgd_nesterov",
            || Box::new(optim::Sgd::new(0.1).nesterov(0.9)),
            None,
        ),
        update("adam", || Box::new(optim::Adam::new(1e-2)), None),
        update(
            "adam_clipped",
            || Box::new(optim::Adam::new(1e-2).weight_decay(0.01)),
            Some(1.0),
        ),
        update("adamw", || Box::new(optim::AdamW::new(1e-2)), None),
    ]
}

impl Update {
    /// A loss of all parameters, its gradients, and the update.
    pub fn trace(&self) -> Result<(Graph, Values)> {
        let optimizer = (self.optimizer)();
        let states = optimizer.states();
        let graph = Rc::new(RefCell::new(Graph::new(Mode::Train)));
        let mut values = Values::default();
        let mut stream = Stream::new(7);
        let mut draw = |shape: &Shape, low: f64| {
            let n = shape.len();
            let one = |_| f64::from((low + f64::from(stream.uniform())) as f32);
            Array::new(shape.clone(), (0..n).map(one).collect())
        };
        let mut declare = |name: String, shape: &[usize], role, low: f64| {
            let mut g = graph.borrow_mut();
            let shape = Shape::from(shape);
            values.variables.push(draw(&shape, low));
            g.variables.push(Variable {
                name,
                meta: Meta::new(shape, DType::F32),
                role,
                init: Init::Unset,
                source: Source::caller(),
            });
            VariableId(g.variables.len() as u32 - 1)
        };
        let all = SHAPES.iter().enumerate();
        let parameters: Vec<VariableId> = all
            .clone()
            .map(|(i, shape)| declare(format!("{i}.weight"), shape, Role::Parameter, -0.5))
            .collect();
        let mut memory: Vec<Vec<VariableId>> = Vec::new();
        for state in &states {
            let role = || Role::OptimizerState((*state).to_string());
            // Moments of the second order are not negative.
            let one = |(i, shape): (usize, &&[usize])| {
                declare(format!("{i}.weight.{state}"), shape, role(), 0.0)
            };
            memory.push(all.clone().map(one).collect());
        }
        let mut loss: Option<Tensor> = None;
        let mut p: Vec<Tensor> = Vec::new();
        for (i, (&id, shape)) in parameters.iter().zip(SHAPES).enumerate() {
            // As in training, a gradient is a sum over the batch, in a kernel of its own.
            let (name, batch) = (format!("x{i}"), [&[BATCH], shape].concat());
            let x = ops::input(&graph, &name, batch, DType::F32);
            values.inputs.insert(name, draw(&x.shape(), -0.5));
            p.push(ops::variable(&graph, id));
            let term = (&p[i] * &x).square().sum(&[]);
            loss = Some(match loss {
                Some(sum) => sum + term,
                None => term,
            });
        }
        let loss = loss.ok_or_else(|| Error::internal("the doctor", "no parameter"))?;
        add_output(&graph, "loss", &loss)?;
        let grads: Vec<Tensor> = gradients(&loss, &p)?.into_iter().flatten().collect();
        for (&variable, g) in parameters.iter().zip(&grads) {
            let node = node(g)?;
            graph.borrow_mut().gradients.push(Assign { variable, node });
        }
        graph.borrow_mut().phase = Phase::Update;
        let numbers = optimizer.scalars(3, optimizer.learning_rate());
        let given = ops::input(&graph, "scalars", [numbers.len()], DType::F32);
        let held = numbers.iter().map(|&n| f64::from(n as f32)).collect();
        let held = Array::new([numbers.len()], held);
        values.inputs.insert("scalars".to_string(), held);
        let scalars: Vec<Tensor> = (0..numbers.len())
            .map(|i| given.narrow(0, i, 1).reshape(Shape::scalar()))
            .collect();
        let factor = self.clip.and_then(|max| clip_factor(&grads, max));
        for (i, gradient) in grads.into_iter().enumerate() {
            let ids = memory
                .iter()
                .filter_map(|of_state| of_state.get(i).copied());
            let ids: Vec<VariableId> = ids.collect();
            let updated = optimizer.update(optim::Update {
                parameter: &p[i],
                gradient: match &factor {
                    Some(factor) => gradient * factor,
                    None => gradient,
                },
                states: ids.iter().map(|&id| ops::variable(&graph, id)).collect(),
                scalars: scalars.clone(),
            });
            let new = std::iter::once((parameters[i], updated.parameter));
            for (variable, tensor) in new.chain(ids.into_iter().zip(updated.states)) {
                let node = node(&tensor)?;
                graph.borrow_mut().assigns.push(Assign { variable, node });
            }
        }
        let mut graph = graph.replace(Graph::new(Mode::Eval));
        graph.take_error()?;
        Ok((graph, values))
    }
}

fn node(tensor: &Tensor) -> Result<crate::graph::NodeId> {
    let broken = || Error::internal("the doctor", "a broken tensor");
    tensor.id().ok_or_else(broken)
}

fn add_output(graph: &Rc<RefCell<Graph>>, name: &str, tensor: &Tensor) -> Result<()> {
    let node = node(tensor)?;
    let name = name.to_string();
    graph.borrow_mut().outputs.push(Output { name, node });
    Ok(())
}
