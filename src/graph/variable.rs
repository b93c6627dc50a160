//! Variables: tensors that outlive a run of the graph.

use crate::{Shape, Source};

use super::Meta;

/// A variable's index in its graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VariableId(pub(crate) u32);

impl VariableId {
    /// The variable with this index.
    pub fn new(index: usize) -> Self {
        VariableId(index as u32)
    }

    /// The index into [`super::Graph::variables`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a variable is for; it decides where the planner puts it and whether it is trained.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Trained by the optimizer.
    Parameter,
    /// Part of the model but not trained: a frozen parameter, or running statistics.
    Buffer,
    /// A table of numbers that the model is made with, such as the sines of positions. It follows from
    /// the model, so files do not hold it.
    Table,
    /// The optimizer's memory of a parameter; the text names which, e.g. `"exp_avg"`.
    OptimizerState(String),
    /// The data set, kept on the device.
    Data,
}

/// How a variable is initialized.
#[derive(Clone, Debug, PartialEq)]
pub enum Init {
    /// All elements are this.
    Constant(f32),
    /// Uniform in `[-bound, bound]`.
    Uniform {
        /// Half the width.
        bound: f32,
    },
    /// Normal with mean 0.
    Normal {
        /// Standard deviation.
        std: f32,
    },
    /// Normal with mean 0, but 0 from element `from` up to `to`.
    NormalAroundZeros {
        /// Standard deviation.
        std: f32,
        /// The first element that is 0.
        from: usize,
        /// One past the last.
        to: usize,
    },
    /// Uniform in `[low, high)`.
    Between {
        /// The least value.
        low: f32,
        /// What all values are below.
        high: f32,
    },
    /// Normal around `mean`, but for what lies outside `[low, high]`, which is drawn again.
    TruncatedNormal {
        /// The mean, before values are cut off.
        mean: f32,
        /// The standard deviation, before values are cut off.
        std: f32,
        /// The least value.
        low: f32,
        /// The largest.
        high: f32,
    },
    /// A random matrix `[first axis, all others]` whose shorter side's vectors are orthogonal and of
    /// length `gain`.
    Orthogonal {
        /// The vectors' length.
        gain: f32,
    },
    /// The identity: ones on a matrix's diagonal. Of a convolution's weight `[out, in, ..]`, a 1 in the
    /// middle of each kernel from a channel to its like.
    Identity,
    /// Given values, in row-major order.
    Values(std::sync::Arc<Vec<f32>>),
    /// Filled by the owner before the first run.
    Unset,
}

/// What is added to a frozen weight: `scale B A`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Adapter {
    /// `A [rank, inputs]`.
    pub a: VariableId,
    /// `B [outputs, rank]`.
    pub b: VariableId,
    /// What their product is multiplied by.
    pub scale: f64,
}

/// A tensor that outlives a run.
#[derive(Clone, Debug)]
pub struct Variable {
    /// Its name, e.g. `"0.weight"`; unique in the graph.
    pub name: String,
    /// Shape and element type.
    pub meta: Meta,
    /// What it is for.
    pub role: Role,
    /// Its initialization.
    pub init: Init,
    /// The line that declared it.
    pub source: Source,
}

impl Variable {
    /// The sizes of the axes.
    pub fn shape(&self) -> &Shape {
        &self.meta.shape
    }
}
