//! What a batch brings beside its features and targets: named arrays, weights, and the outputs that a model names.

use super::{Meta, NodeId, VariableId};

/// The arrays and the weights of the batch that a graph is traced for, and the model's further outputs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Batch {
    /// The arrays that may be read.
    pub arrays: Vec<BatchArray>,
    /// `[batch, ..]`, `f32`.
    pub weights: Option<NodeId>,
    /// The outputs that the model has named, in order.
    pub outputs: Vec<(String, NodeId)>,
}

/// A named array of a batch.
#[derive(Clone, Debug)]
pub(crate) struct BatchArray {
    pub name: String,
    /// `[batch, ..]`.
    pub meta: Meta,
    /// The variable that holds the array of the whole set, and the numbers of the batch's rows; else the array is an
    /// input.
    pub stored: Option<(VariableId, NodeId)>,
    /// The node, once the array has been read.
    pub node: Option<NodeId>,
}

/// What the names of the inputs of arrays begin with; the array's name follows.
pub(crate) const ARRAY: &str = "batch.array.";
