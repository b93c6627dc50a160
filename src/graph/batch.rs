//! The named arrays and weights of a batch, and the model's named outputs.

use super::{Meta, NodeId, VariableId};

/// The arrays and weights of the batch that a graph is traced for, and the model's named outputs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Batch {
    /// The arrays that the model may read.
    pub arrays: Vec<BatchArray>,
    /// The weights, `[batch, ..]`, `f32`.
    pub weights: Option<NodeId>,
    /// The outputs that the model has named, in order.
    pub outputs: Vec<(String, NodeId)>,
}

/// A named array of a batch.
#[derive(Clone, Debug)]
pub(crate) struct BatchArray {
    pub name: String,
    /// The type, `[batch, ..]`.
    pub meta: Meta,
    /// The variable with the array of the whole set, and the indices of the batch's rows. `None` if
    /// the array is an input.
    pub stored: Option<(VariableId, NodeId)>,
    /// The node of the array, after the model has read it.
    pub node: Option<NodeId>,
}

/// The prefix of the names of inputs that are arrays, followed by the array's name.
pub(crate) const ARRAY: &str = "batch.array.";
