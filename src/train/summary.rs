//! The table of layers.

use std::collections::HashMap;
use std::fmt;

use crate::graph::{Graph, Meta, Role, Variable};

/// A row of the table of layers.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerSummary {
    /// The name of the layer, as in `state_dict`; it may be empty.
    pub name: String,
    /// The kind of the layer, e.g. `"Linear(64, 10)"`.
    pub kind: String,
    /// The type of its output; the first axis is the batch.
    pub output: Meta,
    /// The number of elements of its parameters and buffers.
    pub parameters: usize,
}

/// The layers of a model, in the order in which they run. `Display` formats them as a table.
///
/// # Example
/// ```
/// use wgrad::prelude::*;
///
/// let model = nn::Sequential::new().add(nn::Linear::new(4, 8)).add(nn::Linear::new(8, 3));
/// let trainer = Trainer::new(model).compile_for(&Device::cpu(), [4])?;
/// let summary = trainer.summary();
/// assert_eq!(summary.layers[0].kind, "Linear(4, 8)");
/// assert_eq!(summary.parameters, 67);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// The layers.
    pub layers: Vec<LayerSummary>,
    /// The type of the model's output.
    pub output: Meta,
    /// The number of elements of all parameters and buffers.
    pub parameters: usize,
    /// The number of elements of the trained parameters.
    pub trained: usize,
}

impl Summary {
    pub(super) fn new(graph: &Graph, variables: &[Variable]) -> Self {
        let model = || {
            variables
                .iter()
                .filter(|v| matches!(v.role, Role::Parameter | Role::Buffer))
        };
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for v in model() {
            // The parameters of a model that is a single layer have no dot in their names.
            let (name, _) = v.name.rsplit_once('.').unwrap_or(("", ""));
            *counts.entry(name).or_default() += v.shape().len();
        }
        let mut layers = Vec::new();
        for layer in &graph.layers {
            // The parameters of a layer that is used twice are counted once.
            let count = counts.remove(layer.scope.as_str()).unwrap_or(0);
            layers.push(LayerSummary {
                name: layer.scope.clone(),
                kind: layer.kind.clone(),
                output: layer.output.clone(),
                parameters: count,
            });
        }
        let trained = model().filter(|v| v.role == Role::Parameter);
        let output = graph.outputs.first().map(|o| graph.meta(o.node).clone());
        Summary {
            layers,
            output: output.unwrap_or_else(|| Meta::new([0], crate::DType::F32)),
            parameters: model().map(|v| v.shape().len()).sum(),
            trained: trained.map(|v| v.shape().len()).sum(),
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = |layer: &LayerSummary| {
            let axes: Vec<String> = layer.output.shape.iter().map(usize::to_string).collect();
            let sizes = axes.get(1..).unwrap_or_default();
            let shape = [&["batch".to_string()], sizes].concat().join(", ");
            [
                layer.name.clone(),
                layer.kind.clone(),
                format!("[{shape}]"),
                layer.parameters.to_string(),
            ]
        };
        let head = ["layer", "kind", "output", "parameters"].map(str::to_string);
        let rows: Vec<_> = [head]
            .into_iter()
            .chain(self.layers.iter().map(row))
            .collect();
        let width = |column: usize| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let [a, b, c, d] = [0, 1, 2, 3].map(width);
        for [name, kind, shape, parameters] in &rows {
            writeln!(f, "{name:<a$}  {kind:<b$}  {shape:<c$}  {parameters:>d$}")?;
        }
        write!(
            f,
            "{} parameters, {} of them trained",
            self.parameters, self.trained
        )
    }
}
