//! The training specification: the model and how to train it, without a device or data.

use std::collections::HashSet;

use crate::data::Dataset;
use crate::graph::{Adapter, Init, Role, Variable, VariableId};
use crate::loss::{Loss, Target};
use crate::metrics::Metric;
use crate::nn::{Lora, Module, Parameter, Visitor};
use crate::optim::{Clip, Optimizer, State};
use crate::schedule::Schedule;
use crate::{DType, Error, Result, Shape};

use super::group::Grouped;
use super::lora;

pub(super) struct TrainSpec {
    pub model: Box<dyn Module>,
    pub loss: Box<dyn Loss>,
    pub optimizer: Box<dyn Optimizer>,
    pub metrics: Vec<Box<dyn Metric>>,
    pub schedule: Schedule,
    pub clip: Clip,
    /// The penalty on the gradient: `l1 sign(p) + l2 p`.
    pub penalty: (f64, f64),
    /// The decay of the moving average of weights.
    pub ema: Option<f64>,
    /// The number of batches of a step.
    pub accumulate: u64,
    /// The number of parts that each batch is trained in, to stay within a memory limit.
    pub parts: u64,
    /// The patterns of parameters that are not trained; `*` matches any text.
    pub frozen: Vec<String>,
    /// The parameter groups.
    pub groups: Vec<Grouped>,
    /// The patterns of weights that get adapters.
    pub lora: Vec<(String, Lora)>,
    /// The adapters, once the model is declared.
    pub adapters: Vec<(VariableId, Adapter)>,
    pub seed: u64,
    /// The storage type of activations that the backward pass reads.
    pub precision: DType,
    /// Whether a step returns the norm of its gradients.
    pub gradient_norm: bool,
    /// Whether the data has weights of its samples.
    pub sample_weights: bool,
}

/// The model's variables in order, and the ids of their parameters.
pub(super) struct Declared {
    pub variables: Vec<Variable>,
    pub bound: Vec<u64>,
    pub adapters: Vec<(VariableId, Adapter)>,
}

impl TrainSpec {
    /// Checks the settings of a step.
    pub fn check(&self) -> Result<()> {
        self.clip.check()?;
        for (what, factor) in [("l1", self.penalty.0), ("l2", self.penalty.1)] {
            if !(factor >= 0.0 && factor.is_finite()) {
                return Err(Error::argument(what, factor, "a number of at least 0"));
            }
        }
        if let Some(decay) = self.ema.filter(|decay| !(0.0..1.0).contains(decay)) {
            return Err(Error::argument("ema", decay, "at least 0 and below 1"));
        }
        if !self.precision.is_float() {
            return Err(Error::argument(
                "precision",
                self.precision,
                "f32, f16 or bf16",
            ));
        }
        match self.accumulate {
            0 => Err(Error::argument("accumulate_gradients", 0, "at least 1")),
            _ => Ok(()),
        }
    }

    /// Returns whether the loss's mean is weighted by labels or samples, so that batches are
    /// weighted by them as well.
    pub fn is_weighted(&self) -> bool {
        self.sample_weights || self.loss.label_weight(0).is_some()
    }

    /// Returns the number of batches, or parts of batches, whose gradients a step sums.
    pub fn batches_per_step(&self) -> u64 {
        self.accumulate.saturating_mul(self.parts).max(1)
    }

    /// Returns the variables of the model and the optimizer. The order is the same for every graph:
    /// parameters, then each kind of optimizer state in the order of the parameters.
    pub fn declare(&self) -> Result<Declared> {
        let mut variables: Vec<Variable> = Vec::new();
        let mut bound: Vec<u64> = Vec::new();
        let (mut seen, mut names) = (HashSet::new(), HashSet::new());
        let mut twice: Option<String> = None;
        let mut take = |name: String, p: &Parameter| {
            if !seen.insert(p.id()) {
                return;
            }
            if !names.insert(name.clone()) {
                twice.get_or_insert(name.clone());
            }
            let frozen = self.frozen.iter().any(|pattern| matches(pattern, &name));
            let role = match p.role() {
                Role::Parameter if frozen => Role::Buffer,
                role => role.clone(),
            };
            bound.push(p.id());
            variables.push(p.variable(name, role));
        };
        self.model.visit(&mut Visitor::new(&mut take));
        let mut of_loss = |name: String, p: &Parameter| take(format!("loss.{name}"), p);
        self.loss.visit(&mut Visitor::new(&mut of_loss));
        if let Some(name) = twice {
            return Err(Error::model(
                "the model",
                format!("expected unique parameter names, found {name:?} twice"),
            ));
        }
        known("freeze", &variables, self.frozen.iter())?;
        let adapters = lora::declare(&self.lora, &mut variables)?;
        known("group", &variables, self.groups.iter().map(|g| &g.pattern))?;
        self.declare_states(&mut variables);
        Ok(Declared {
            variables,
            bound,
            adapters,
        })
    }

    /// Appends the states of each parameter, one kind after the other.
    fn declare_states(&self, variables: &mut Vec<Variable>) {
        let trained = variables.iter().filter(|v| v.role == Role::Parameter);
        let trained: Vec<(Variable, Vec<State>)> = trained
            .map(|v| (v.clone(), self.states(&v.name, v.shape())))
            .collect();
        let mut kinds: Vec<&str> = Vec::new();
        for state in trained.iter().flat_map(|(_, states)| states) {
            if !kinds.contains(&state.name) {
                kinds.push(state.name);
            }
        }
        for kind in kinds {
            let with = trained.iter().filter_map(|(p, states)| {
                let state = states.iter().find(|s| s.name == kind)?;
                Some(Variable {
                    name: state_name(kind, &p.name),
                    role: Role::OptimizerState(kind.to_string()),
                    init: Init::Constant(state.first),
                    ..p.clone()
                })
            });
            variables.extend(with.collect::<Vec<_>>());
        }
    }

    /// Returns the states of a parameter: those of its optimizer, then its moving average and its
    /// accumulated gradient, if there are such.
    fn states(&self, name: &str, shape: &Shape) -> Vec<State> {
        let mut states = self.optimizer_of(self.group_of(name)).states(shape);
        if self.ema.is_some() {
            states.push(State::zero(EMA));
        }
        if self.batches_per_step() > 1 {
            states.push(State::zero(ACCUMULATED));
        }
        states
    }
}

/// The name of the moving averages, as a kind of state.
pub(super) const EMA: &str = "ema";

/// The name of the gradients accumulated over the batches of a step, as a kind of state.
pub(super) const ACCUMULATED: &str = "accumulated";

/// Returns an error for a pattern that matches no name, because it is misspelt.
fn known<'a>(
    what: &str,
    variables: &[Variable],
    patterns: impl Iterator<Item = &'a String>,
) -> Result<()> {
    for pattern in patterns {
        if !variables.iter().any(|v| matches(pattern, &v.name)) {
            let names: Vec<&str> = variables.iter().map(|v| v.name.as_str()).collect();
            let names = names.join(", ");
            let reason = format!(
                "expected the name of a parameter, found {pattern:?}; the names are {names}"
            );
            return Err(Error::model(what, reason));
        }
    }
    Ok(())
}

/// Returns the name of a parameter's optimizer state.
pub(super) fn state_name(state: &str, parameter: &str) -> String {
    format!("optimizer.{state}.{parameter}")
}

/// Returns whether a name matches a pattern, in which each `*` matches any text.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(mut name) = name.strip_prefix(first) else {
        return false;
    };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        match name.find(part) {
            Some(at) => name = &name[at + part.len()..],
            None => return false,
        }
    }
    name.ends_with(last)
}

/// The type of the data: the shape of a sample and the kind of targets.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct DataSpec {
    pub sample: Shape,
    pub target: Target,
    pub arrays: Arrays,
}

/// What the data has beside features and targets.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Arrays {
    /// The names of arrays and the shapes of a sample of each.
    pub named: Vec<(String, Shape)>,
    /// The shape of a sample's weights.
    pub weights: Option<Shape>,
    /// By name, what the loss compares outputs with.
    pub targets: Vec<(String, Target)>,
}

impl Arrays {
    /// Those of a data set; the loss's are still unknown.
    pub fn of(set: &Dataset) -> Self {
        let named = set.array_names().filter_map(|name| {
            let shape = set.array_shape(name)?.clone();
            Some((name.to_string(), shape))
        });
        Arrays {
            named: named.collect(),
            weights: set.weights_shape().cloned(),
            targets: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn stars_stand_for_anything() {
        for (pattern, name) in [
            ("0.weight", "0.weight"),
            ("*", ""),
            ("*", "0.weight"),
            ("encoder.*", "encoder."),
            ("encoder.*", "encoder.0.weight"),
            ("*.bias", "0.bias"),
            (
                "encoder.*.attention.*.weight",
                "encoder.11.attention.query.weight",
            ),
            ("a*a", "aa"),
            ("*a*b*", "xaxbx"),
        ] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("0.weight", "10.weight"),
            ("encoder.*", "encoder"),
            ("*.bias", "0.bias_ih"),
            ("a*a", "a"),
            ("*a*b*", "ba"),
            ("", "a"),
        ] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }
}
