//! Trials: the cases and the optimizer updates that the doctor runs.

use std::collections::BTreeSet;

use crate::Result;
use crate::exec::reference::Values;
use crate::graph::{Graph, Mode};

use super::case::Case;
use super::cases;
use super::traced::values;
use super::update::{Update, updates};

/// A graph to run once, with the values of its inputs.
pub struct Trial {
    /// The op that the trial checks, or the kind of trial.
    pub op: String,
    /// The name of the trial.
    pub name: String,
    /// The steps and variants to run in addition to the first variants; `None` for all.
    pub(super) variants: Option<BTreeSet<(usize, usize)>>,
    kind: Kind,
}

enum Kind {
    Case(Box<Case>),
    Update(Update),
}

/// Returns all trials: the cases that must not fail, and the updates.
pub fn trials() -> Vec<Trial> {
    let right = cases::all().into_iter().filter(|c| c.error.is_none());
    let cases = right.map(|case| Trial {
        op: case.op.clone(),
        name: case.name.clone(),
        variants: None,
        kind: Kind::Case(Box::new(case)),
    });
    let updates = updates().into_iter().map(|update| Trial {
        op: "update".to_string(),
        name: update.name.to_string(),
        variants: None,
        kind: Kind::Update(update),
    });
    cases.chain(updates).collect()
}

impl Trial {
    /// Returns whether a variant of a step runs. The first one always runs, because later steps use
    /// its result.
    pub fn runs(&self, step: usize, variant: usize) -> bool {
        let wanted = |v: &BTreeSet<_>| v.contains(&(step, variant));
        variant == 0 || self.variants.as_ref().is_none_or(wanted)
    }

    /// Returns the graph, forward and backward, and the values of its inputs and variables.
    pub fn trace(&self) -> Result<(Graph, Values)> {
        match &self.kind {
            Kind::Case(case) => {
                let traced = case.trace()?;
                traced.add_outputs(case)?;
                let mut graph = traced.graph.replace(Graph::new(Mode::Eval));
                graph.take_error()?;
                let values = values(&graph, &case.draw(0), 0);
                Ok((graph, values))
            }
            Kind::Update(update) => update.trace(),
        }
    }
}
