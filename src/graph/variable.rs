//! Variables: tensors that persist between runs of the graph.

use crate::{Shape, Source};

use super::Meta;

/// The index of a variable in its graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VariableId(pub(crate) u32);

impl VariableId {
    /// Creates the id of the variable with this index.
    pub fn new(index: usize) -> Self {
        VariableId(index as u32)
    }

    /// Returns the index into [`super::Graph::variables`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// The role of a variable, which determines its buffer and whether it is trained.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Trained by the optimizer.
    Parameter,
    /// Part of the model but not trained: a frozen parameter, or running statistics.
    Buffer,
    /// A constant table of the model, such as the sines of positions. It is computed from the
    /// model's settings, so files do not store it.
    Table,
    /// The optimizer's state of a parameter, with the name of the state, e.g. `"exp_avg"`.
    OptimizerState(String),
    /// The data set, kept on the device.
    Data,
}

/// How a variable is initialized.
#[derive(Clone, Debug, PartialEq)]
pub enum Init {
    /// All elements have this value.
    Constant(f32),
    /// Uniform in `[-bound, bound]`.
    Uniform {
        /// The largest magnitude.
        bound: f32,
    },
    /// Normal with mean 0.
    Normal {
        /// The standard deviation.
        std: f32,
    },
    /// Normal with mean 0, but 0 in the elements `from .. to`.
    NormalAroundZeros {
        /// The standard deviation.
        std: f32,
        /// The first element that is 0.
        from: usize,
        /// One past the last element that is 0.
        to: usize,
    },
    /// Uniform in `[low, high)`.
    Between {
        /// The lower bound, included.
        low: f32,
        /// The upper bound, excluded.
        high: f32,
    },
    /// Normal around `mean`; values outside `[low, high]` are drawn again.
    TruncatedNormal {
        /// The mean before truncation.
        mean: f32,
        /// The standard deviation before truncation.
        std: f32,
        /// The smallest value.
        low: f32,
        /// The largest value.
        high: f32,
    },
    /// A random matrix `[first axis, all others]`. The vectors along its shorter side are
    /// orthogonal and have the length `gain`.
    Orthogonal {
        /// The length of the vectors.
        gain: f32,
    },
    /// The identity: ones on the diagonal of a matrix. For the weight `[out, in, ..]` of a
    /// convolution, a 1 at the center of each kernel from a channel to the same channel.
    Identity,
    /// Given values, in row-major order.
    Values(std::sync::Arc<Vec<f32>>),
    /// Written by the owner before the first run.
    Unset,
}

/// A low-rank adapter, which adds `scale B A` to a frozen weight.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Adapter {
    /// `A [rank, inputs]`.
    pub a: VariableId,
    /// `B [outputs, rank]`.
    pub b: VariableId,
    /// The factor of their product.
    pub scale: f64,
}

/// A tensor that persists between runs.
#[derive(Clone, Debug)]
pub struct Variable {
    /// Its name, e.g. `"0.weight"`; unique in the graph.
    pub name: String,
    /// The shape and element type.
    pub meta: Meta,
    /// Its role.
    pub role: Role,
    /// Its initialization.
    pub init: Init,
    /// The line that declared it.
    pub source: Source,
}

impl Variable {
    /// Returns the sizes of the axes.
    pub fn shape(&self) -> &Shape {
        &self.meta.shape
    }
}
