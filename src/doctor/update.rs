//! Optimizer updates of several parameters, which the planner merges into one step.

use std::cell::RefCell;
use std::rc::Rc;

use crate::autodiff::gradients;
use crate::exec::reference::Values;
use crate::graph::{Assign, Graph, Init, Meta, Mode, Output, Phase, Role, Variable, VariableId};
use crate::ops::{self, Array};
use crate::optim::{self, Clip, Optimizer, State};
use crate::random::Stream;
use crate::{DType, Error, Result, Shape, Source, Tensor};

/// The shapes of the parameters, with and without padding between them.
const SHAPES: [&[usize]; 5] = [&[7, 3], &[3], &[], &[8, 16], &[257]];

/// The batch size.
const BATCH: usize = 4;

/// The update of several parameters in the third training step.
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
        update(
            "amsgrad",
            || Box::new(optim::Adam::new(1e-2).amsgrad(true)),
            Some(1.0),
        ),
        update(
            "nadam",
            || Box::new(optim::NAdam::new(1e-2).weight_decay(0.01)),
            None,
        ),
        update(
            "radam",
            || Box::new(optim::RAdam::new(1e-2).weight_decay(0.01)),
            None,
        ),
        update("rmsprop", || Box::new(optim::RmsProp::new(1e-2)), None),
        update(
            "rmsprop_momentum",
            || Box::new(optim::RmsProp::new(1e-2).momentum(0.9)),
            None,
        ),
        update("adagrad", || Box::new(optim::Adagrad::new(1e-2)), None),
        update("adadelta", || Box::new(optim::Adadelta::new(1.0)), None),
        update("adamax", || Box::new(optim::Adamax::new(1e-2)), None),
        update(
            "lion",
            || Box::new(optim::Lion::new(1e-3).weight_decay(0.1)),
            None,
        ),
        update("lamb", || Box::new(optim::Lamb::new(1e-2)), None),
        update("muon", || Box::new(optim::Muon::new(1e-2)), None),
    ]
}

impl Update {
    /// Traces a loss of all parameters, its gradients and the update.
    pub fn trace(&self) -> Result<(Graph, Values)> {
        let optimizer = (self.optimizer)();
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
        let states: Vec<Vec<State>> = SHAPES
            .iter()
            .map(|shape| optimizer.states(&Shape::from(*shape)))
            .collect();
        let mut memory: Vec<Vec<VariableId>> = vec![Vec::new(); SHAPES.len()];
        let kinds = states.iter().map(Vec::len).max().unwrap_or(0);
        // The variables of a kind are adjacent, as in training.
        for kind in 0..kinds {
            for (i, shape) in all.clone() {
                if let Some(state) = states[i].get(kind) {
                    let role = Role::OptimizerState(state.name.to_string());
                    let name = format!("{i}.weight.{}", state.name);
                    // Second moments are not negative.
                    memory[i].push(declare(name, shape, role, 0.0));
                }
            }
        }
        let mut loss: Option<Tensor> = None;
        let mut p: Vec<Tensor> = Vec::new();
        for (i, (&id, shape)) in parameters.iter().zip(SHAPES).enumerate() {
            // A gradient is a sum over the batch in its own kernel, as in training.
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
        let clip = Clip {
            norm: self.clip,
            value: None,
        };
        for (i, gradient) in clip.apply(grads).into_iter().enumerate() {
            let ids = memory[i].clone();
            let updated = optimizer.update(optim::Update {
                parameter: &p[i],
                gradient,
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
