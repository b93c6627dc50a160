//! Features that a model uses as indices: they must be integers below the size of the table that
//! they index.
//!
//! A kernel cannot fail; for an invalid index it reads zeros or another row. So the host checks the
//! data before it is used.

use crate::data::Dataset;
use crate::exec::reference::{Values, evaluate};
use crate::graph::{ARRAY, Graph, Meta, Mode, Node, NodeId, Op, Output};
use crate::ops::Array;
use crate::{DType, Error, Result, Shape};

use super::feed::FEATURES;

/// A use of features as indices.
pub(super) struct Index {
    /// The exclusive upper bound of the indices.
    limit: usize,
    /// The op that uses them, and its line.
    user: String,
    /// A graph that computes the indices of two samples; `None` if all features are indices.
    graph: Option<Graph>,
    /// Whether the model computes them, so that its cast is meant to drop fractions.
    computed: bool,
}

/// Returns the uses of features as indices in the graph of a model, whose batch has two samples.
pub(super) fn indices(graph: &Graph) -> Vec<Index> {
    let used = |node: &Node| {
        let x: Vec<Meta> = node.inputs.iter().map(|x| graph.meta(*x).clone()).collect();
        let (input, limit) = node.op.def().indices(&x)?;
        let index = *node.inputs.get(input)?;
        let numbers = before_cast(graph, index)?;
        let layer = match node.scope.as_str() {
            "" => String::new(),
            scope => format!(" (layer {scope})"),
        };
        let part = computing(graph, numbers)?;
        let computes = |graph: &Graph| {
            let mut nodes = graph.nodes().iter();
            nodes.any(|node| matches!(node.op, Op::Elementwise(_)))
        };
        Some(Index {
            limit,
            user: format!("{} at {}{layer}", node.op.name(), node.source),
            computed: part.as_ref().is_some_and(computes),
            graph: part,
        })
    };
    graph.nodes().iter().filter_map(used).collect()
}

fn is_view(op: &Op) -> bool {
    matches!(
        op,
        Op::Reshape(_) | Op::Permute(_) | Op::BroadcastTo(_) | Op::Slice(_) | Op::Flip(_)
    )
}

/// Returns the node that a cast converted to the integers of a node, if there is such a cast.
fn before_cast(graph: &Graph, mut id: NodeId) -> Option<NodeId> {
    loop {
        let node = graph.node(id);
        let from = *node.inputs.first()?;
        match &node.op {
            op if is_view(op) => id = from,
            Op::Elementwise(_) if node.meta.dtype == DType::U32 => {
                let cast = node.inputs.len() == 1 && graph.meta(from).dtype == DType::F32;
                return cast.then_some(from);
            }
            _ => return None,
        }
    }
}

/// Returns the graph that computes a node from features alone: `Some(None)` if the node is all
/// features, and `None` if it depends on other inputs.
fn computing(graph: &Graph, root: NodeId) -> Option<Option<Graph>> {
    let mut needed = vec![false; graph.nodes().len()];
    let (mut stack, mut plain) = (vec![root], true);
    while let Some(id) = stack.pop() {
        if std::mem::replace(needed.get_mut(id.index())?, true) {
            continue;
        }
        let node = graph.node(id);
        plain &= match &node.op {
            Op::Input(input) => input.name == FEATURES,
            op => matches!(op, Op::Reshape(_)),
        };
        match &node.op {
            Op::Input(input) if input.name == FEATURES || input.name.starts_with(ARRAY) => {}
            Op::Constant(_) | Op::Elementwise(_) | Op::Pad(_) | Op::Concat(_) => {}
            op if is_view(op) => {}
            _ => return None,
        }
        stack.extend(&node.inputs);
    }
    if plain {
        return Some(None);
    }
    let mut part = Graph::new(Mode::Eval);
    let mut places: Vec<Option<NodeId>> = vec![None; graph.nodes().len()];
    for id in graph.ids().filter(|id| needed[id.index()]) {
        let mut node = graph.node(id).clone();
        for input in &mut node.inputs {
            *input = places.get(input.index()).copied().flatten()?;
        }
        let place = part.push(node);
        *places.get_mut(id.index())? = Some(place);
    }
    part.outputs.push(Output {
        name: "indices".to_string(),
        node: places.get(root.index()).copied().flatten()?,
    });
    Some(Some(part))
}

/// Returns an error if a data set has a feature that is not a valid index where one is needed.
pub(super) fn check(indices: &[Index], set: &Dataset, what: &str) -> Result<()> {
    for index in indices {
        for sample in 0..set.len() {
            let Some(row) = set.row(sample) else { continue };
            match &index.graph {
                None => index.check(row.iter().map(|v| f64::from(*v)), what, sample)?,
                Some(graph) => {
                    let numbers = index.numbers(graph, set, (sample, &row))?;
                    index.check(numbers.into_iter(), what, sample)?;
                }
            }
        }
    }
    Ok(())
}

impl Index {
    /// Returns the indices of a sample, from a batch that contains it twice.
    fn numbers(
        &self,
        graph: &Graph,
        set: &Dataset,
        (sample, row): (usize, &[f32]),
    ) -> Result<Vec<f64>> {
        let twice = |shape: &Shape, row: &[f32]| {
            let numbers = row.iter().chain(row).map(|v| f64::from(*v));
            Array::new([&[2], shape.dims()].concat(), numbers.collect::<Vec<_>>())
        };
        let mut values = Values::default();
        let batch = twice(set.sample_shape(), row);
        values.inputs.insert(FEATURES.to_string(), batch);
        for node in graph.nodes() {
            let Op::Input(input) = &node.op else { continue };
            let Some(name) = input.name.strip_prefix(ARRAY) else {
                continue;
            };
            let mut words = Vec::new();
            set.gather_array_words(name, &[sample as u32], &mut words)?;
            let numbers: Vec<f32> = words.into_iter().map(f32::from_bits).collect();
            let shape = set.array_shape(name).cloned().unwrap_or_default();
            values
                .inputs
                .insert(input.name.clone(), twice(&shape, &numbers));
        }
        let mut all = evaluate(graph, &values)?;
        let output = graph.outputs.first().map(|o| o.node.index());
        let found = output.and_then(|at| all.get_mut(at)).and_then(Option::take);
        Ok(found.map_or(Vec::new(), |array| array.data))
    }

    fn check(
        &self,
        mut numbers: impl Iterator<Item = f64>,
        what: &str,
        sample: usize,
    ) -> Result<()> {
        let limit = self.limit as f64;
        let fits = |v: &f64| match self.computed {
            true => *v > -1.0 && *v < limit,
            false => *v >= 0.0 && *v < limit && v.fract() == 0.0,
        };
        match numbers.find(|v| !fits(v)) {
            None => Ok(()),
            Some(value) => {
                let number = if self.computed { "" } else { "a whole number " };
                let reason = format!(
                    "expected an index, {number}from 0 to {}, found {}; it is used by {}",
                    limit - 1.0,
                    value as f32,
                    self.user
                );
                Err(Error::data(format!("{what}, sample {sample}"), reason))
            }
        }
    }
}
