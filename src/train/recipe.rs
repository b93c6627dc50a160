//! What is trained and how: everything that tracing a graph needs, but no device and no data.

use crate::graph::{Init, Role, Variable};
use crate::loss::{Loss, Target};
use crate::metrics::Metric;
use crate::nn::{Module, Parameter, Visitor};
use crate::optim::Optimizer;
use crate::schedule::Schedule;
use crate::{Error, Result, Shape};

pub(super) struct Recipe {
    pub model: Box<dyn Module>,
    pub loss: Box<dyn Loss>,
    pub optimizer: Box<dyn Optimizer>,
    pub metrics: Vec<Box<dyn Metric>>,
    pub schedule: Schedule,
    pub clip: Option<f64>,
    /// Names of parameters that are not trained; a `*` at the end stands for anything.
    pub frozen: Vec<String>,
    pub seed: u64,
}

/// The model's variables in order, and the numbers of the parameters they stand for.
pub(super) struct Declared {
    pub variables: Vec<Variable>,
    pub bound: Vec<u64>,
}

impl Recipe {
    /// The variables of the model and the optimizer. The same order for every graph: parameters, then
    /// each kind of optimizer state in the order of the parameters.
    pub fn declare(&self) -> Result<Declared> {
        let mut variables: Vec<Variable> = Vec::new();
        let mut bound: Vec<u64> = Vec::new();
        let mut twice: Option<String> = None;
        let mut take = |name: String, p: &Parameter| {
            if bound.contains(&p.id()) {
                return;
            }
            if variables.iter().any(|v| v.name == name) {
                twice.get_or_insert(name.clone());
            }
            let trained =
                p.is_trained() && !self.frozen.iter().any(|pattern| matches(pattern, &name));
            bound.push(p.id());
            variables.push(p.variable(name, trained));
        };
        self.model.visit(&mut Visitor::new(&mut take));
        if let Some(name) = twice {
            return Err(Error::model(
                "the model",
                format!("two parameters are called {name:?}"),
            ));
        }
        for pattern in &self.frozen {
            if !variables.iter().any(|v| matches(pattern, &v.name)) {
                let names: Vec<&str> = variables.iter().map(|v| v.name.as_str()).collect();
                let reason = format!(
                    "no parameter is called {pattern:?}; there are {}",
                    names.join(", ")
                );
                return Err(Error::model("freeze", reason));
            }
        }
        let trained: Vec<Variable> = variables
            .iter()
            .filter(|v| v.role == Role::Parameter)
            .cloned()
            .collect();
        for state in self.optimizer.states() {
            variables.extend(trained.iter().map(|p| Variable {
                name: state_name(state, &p.name),
                role: Role::OptimizerState(state.to_string()),
                init: Init::Constant(0.0),
                ..p.clone()
            }));
        }
        Ok(Declared { variables, bound })
    }
}

/// The name of a kind of optimizer state of a parameter.
pub(super) fn state_name(state: &str, parameter: &str) -> String {
    format!("optimizer.{state}.{parameter}")
}

fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => name.starts_with(prefix),
        None => name == pattern,
    }
}

/// What the data looks like: a sample's shape and the kind of targets.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct DataSpec {
    pub sample: Shape,
    pub target: Target,
}
