//! The vocabulary, as plain data. What each op means stands in `src/ops/`, one file an op.

mod images;
mod order;
mod sequences;

use crate::{DType, Shape};

use super::{Function, VariableId};

pub use images::*;
pub use order::*;
pub use sequences::*;

/// A number that belongs to an op; compared by its bits, so that ops can be compared.
#[derive(Clone, Copy, Debug)]
pub struct Scalar(pub f64);

impl PartialEq for Scalar {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}
impl Eq for Scalar {}
impl std::hash::Hash for Scalar {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

/// What a node computes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// Handed over by the caller at each run.
    Input(Input),
    /// The value of a variable at the start of the run.
    Variable(VariableOp),
    /// The same number everywhere.
    Constant(Constant),
    /// A scalar function of each element; see the table in `ops/elementwise/`.
    Elementwise(Elementwise),
    /// The same elements in the same order under another shape.
    Reshape(Reshape),
    /// The axes in another order.
    Permute(Permute),
    /// Axes of size 1 repeated.
    BroadcastTo(BroadcastTo),
    /// A box of the input.
    Slice(Slice),
    /// Axes in reverse order.
    Flip(Flip),
    /// The input among equal numbers along one axis.
    Pad(Pad),
    /// Tensors one after the other along one axis.
    Concat(Concat),
    /// Rows of a table, by number.
    Gather(Gather),
    /// Elements along one axis, by number.
    TakeAlong(TakeAlong),
    /// Rows added up by number: the gradient of gathering.
    ScatterAdd(ScatterAdd),
    /// Batched matrix product.
    Matmul(Matmul),
    /// Convolution over two axes.
    Conv(Conv),
    /// The gradient of convolution by its input: convolution transposed.
    ConvInputGrad(ConvInputGrad),
    /// The gradient of convolution by its weights.
    ConvWeightGrad(ConvWeightGrad),
    /// The largest of each window.
    MaxPool(MaxPool),
    /// The gradient of the largest of each window.
    MaxPoolGrad(MaxPoolGrad),
    /// Images of another size, or their averages.
    Resample(Resample),
    /// The gradient of resampling.
    ResampleGrad(ResampleGrad),
    /// Sum, product, maximum or minimum over neighbouring axes.
    Reduce(Reduce),
    /// Where the largest or smallest element of each row stands.
    ArgMax(ArgMax),
    /// Sums of all elements up to each, along an axis.
    CumSum(CumSum),
    /// The places of each row's elements in sorted order.
    ArgSort(ArgSort),
    /// Elements of rows by their places, or back to these.
    Pick(Pick),
    /// Softmax over the last axis.
    Softmax(Softmax),
    /// The gradient of softmax.
    SoftmaxGrad(SoftmaxGrad),
    /// The logarithm of softmax over the last axis.
    LogSoftmax(LogSoftmax),
    /// The gradient of the logarithm of softmax.
    LogSoftmaxGrad(LogSoftmaxGrad),
    /// Cross-entropy of each row of logits with an integer label.
    CrossEntropy(CrossEntropy),
    /// The gradient of cross-entropy.
    CrossEntropyGrad(CrossEntropyGrad),
    /// The CTC loss of each sample.
    Ctc(Ctc),
    /// The gradient of the CTC loss by the log-probabilities.
    CtcGrad(CtcGrad),
    /// Layer or RMS normalization over the last axis.
    Norm(Norm),
    /// The gradient of a normalization with respect to its input.
    NormGrad(NormGrad),
    /// Pairs of features rotated by angles that grow with the position.
    Rope(Rope),
    /// Scaled dot-product attention.
    Attention(Attention),
    /// The gradient of attention with respect to queries, keys and values.
    AttentionGrad(AttentionGrad),
    /// A recurrent layer, over all time steps.
    Recurrence(Recurrence),
    /// The gradient of a recurrent layer.
    RecurrenceGrad(RecurrenceGrad),
}

/// See [`Op::Input`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Input {
    /// The name under which the caller hands it over.
    pub name: String,
    /// Its shape.
    pub shape: Shape,
    /// Its element type.
    pub dtype: DType,
}

/// See [`Op::Variable`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct VariableOp {
    /// Which variable.
    pub id: VariableId,
    /// Its shape.
    pub shape: Shape,
    /// Its element type.
    pub dtype: DType,
}

/// See [`Op::Constant`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Constant {
    /// The number.
    pub value: Scalar,
    /// The shape it fills.
    pub shape: Shape,
    /// The element type.
    pub dtype: DType,
}

/// See [`Op::Elementwise`]. All inputs have the output's shape; broadcasting is a node of its own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Elementwise {
    /// The row of the table.
    pub function: &'static Function,
    /// The row's constants, e.g. the slope of a leaky ReLU.
    pub constants: Vec<Scalar>,
}

/// See [`Op::Reshape`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reshape {
    /// The shape wanted; as many elements as the input.
    pub to: Shape,
}

/// See [`Op::Permute`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Permute {
    /// Output axis `i` is input axis `axes[i]`.
    pub axes: Vec<usize>,
}

/// See [`Op::BroadcastTo`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BroadcastTo {
    /// The shape wanted, by NumPy's rule.
    pub to: Shape,
}

/// See [`Op::Slice`]. `start + step * (len - 1)` lies inside each axis.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Slice {
    /// First element of each axis.
    pub start: Vec<usize>,
    /// Elements taken from each axis.
    pub len: Vec<usize>,
    /// Distance between them, at least 1.
    pub step: Vec<usize>,
}

/// See [`Op::Flip`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Flip {
    /// Which axes, ascending.
    pub axes: Vec<usize>,
}

/// See [`Op::Pad`]: element `i` of the axis lands at `before + step * i`; the rest is `value`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pad {
    /// Along which axis.
    pub axis: usize,
    /// Where the first element lands.
    pub before: usize,
    /// Distance between neighbours, at least 1.
    pub step: usize,
    /// The axis's new size.
    pub to: usize,
    /// What stands around the input.
    pub value: Scalar,
}

/// See [`Op::Concat`]. The inputs agree in all other axes and in their element type.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Concat {
    /// Along which axis.
    pub axis: usize,
}

/// See [`Op::Gather`]: inputs a table `[v, ..]` and `u32` row numbers `[ids..]`; gives `[ids.., ..]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Gather {
    /// A row that gets no gradient.
    pub frozen: Option<u32>,
}

/// See [`Op::TakeAlong`]: inputs `x [.., n, ..]` and `u32` numbers `[.., m, ..]`; gives the numbers' shape.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TakeAlong {
    /// Along which axis.
    pub axis: usize,
}

/// See [`Op::ScatterAdd`]: inputs rows `[ids.., ..]` and their numbers `[ids..]`; gives `[rows, ..]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ScatterAdd {
    /// How many rows the result has.
    pub rows: usize,
}

/// See [`Op::Matmul`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Matmul {
    /// The left matrix is stored `[k, m]` instead of `[m, k]`.
    pub ta: bool,
    /// The right matrix is stored `[n, k]` instead of `[k, n]`.
    pub tb: bool,
}

/// Which reduction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReduceKind {
    /// The sum; of nothing, 0.
    Sum,
    /// The largest; of nothing, an error.
    Max,
    /// The smallest; of nothing, an error.
    Min,
    /// The product; of nothing, 1.
    Product,
}

/// See [`Op::Reduce`]. The reduced axes are neighbours and vanish from the shape.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reduce {
    /// Which reduction.
    pub kind: ReduceKind,
    /// The first reduced axis.
    pub from: usize,
    /// One past the last reduced axis.
    pub to: usize,
}

/// See [`Op::Softmax`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Softmax;

/// See [`Op::SoftmaxGrad`]: inputs `y`, `dy`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SoftmaxGrad;

/// See [`Op::LogSoftmax`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LogSoftmax;

/// See [`Op::LogSoftmaxGrad`]: inputs `y`, `dy`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LogSoftmaxGrad;

/// See [`Op::CrossEntropy`]: inputs logits `[.., classes]` and `u32` labels `[..]`; gives `[..]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CrossEntropy;

/// See [`Op::CrossEntropyGrad`]: inputs logits, labels and `dy [..]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CrossEntropyGrad;
