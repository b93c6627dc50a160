//! The ops, as plain data. `src/ops/` has their definitions, with one file per op.

mod images;
mod order;
mod sequences;

use crate::{DType, Shape};

use super::{Function, VariableId};

pub use images::*;
pub use order::*;
pub use sequences::*;

/// A numeric setting of an op. It is compared by its bits, so that ops can be compared and hashed.
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

/// The op of a node.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// A tensor that the caller provides in each run.
    Input(Input),
    /// The value of a variable at the start of the run.
    Variable(VariableOp),
    /// The same number in each element.
    Constant(Constant),
    /// A scalar function of each element; see the table in `ops/elementwise/`.
    Elementwise(Elementwise),
    /// The same elements in the same order with another shape.
    Reshape(Reshape),
    /// Permuted axes.
    Permute(Permute),
    /// Axes of size 1, repeated.
    BroadcastTo(BroadcastTo),
    /// A slice of the input along all axes.
    Slice(Slice),
    /// Reversed axes.
    Flip(Flip),
    /// The input, padded with a constant along an axis.
    Pad(Pad),
    /// Tensors concatenated along an axis.
    Concat(Concat),
    /// Rows of a table, by index.
    Gather(Gather),
    /// Elements along an axis, by index.
    TakeAlong(TakeAlong),
    /// Rows added by index: the gradient of gather.
    ScatterAdd(ScatterAdd),
    /// Batched matrix product.
    Matmul(Matmul),
    /// Convolution over two axes.
    Conv(Conv),
    /// The gradient of convolution with respect to its input: the transposed convolution.
    ConvInputGrad(ConvInputGrad),
    /// The gradient of convolution with respect to its weights.
    ConvWeightGrad(ConvWeightGrad),
    /// Max pooling over images.
    MaxPool(MaxPool),
    /// The gradient of max pooling.
    MaxPoolGrad(MaxPoolGrad),
    /// Resampled images: average pooling or upsampling.
    Resample(Resample),
    /// The gradient of resampling.
    ResampleGrad(ResampleGrad),
    /// Sum, product, maximum or minimum over adjacent axes.
    Reduce(Reduce),
    /// The index of the largest or smallest element of each row.
    ArgMax(ArgMax),
    /// Cumulative sums along an axis.
    CumSum(CumSum),
    /// The positions of each row's elements in sorted order.
    ArgSort(ArgSort),
    /// Elements of rows by position, or the inverse.
    Pick(Pick),
    /// Softmax over the last axis.
    Softmax(Softmax),
    /// The gradient of softmax.
    SoftmaxGrad(SoftmaxGrad),
    /// Log-softmax over the last axis.
    LogSoftmax(LogSoftmax),
    /// The gradient of log-softmax.
    LogSoftmaxGrad(LogSoftmaxGrad),
    /// Cross-entropy of each row of logits with an integer label.
    CrossEntropy(CrossEntropy),
    /// The gradient of cross-entropy.
    CrossEntropyGrad(CrossEntropyGrad),
    /// The CTC loss of each sample.
    Ctc(Ctc),
    /// The gradient of the CTC loss with respect to the log-probabilities.
    CtcGrad(CtcGrad),
    /// Layer or RMS normalization over the last axis.
    Norm(Norm),
    /// The gradient of a normalization with respect to its input.
    NormGrad(NormGrad),
    /// Rotary position embedding: pairs of features rotated by angles that depend on the position.
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
    /// The name under which the caller provides it.
    pub name: String,
    /// Its shape.
    pub shape: Shape,
    /// Its element type.
    pub dtype: DType,
}

/// See [`Op::Variable`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct VariableOp {
    /// The variable.
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

/// See [`Op::Elementwise`]. All inputs have the output's shape; broadcasting is a separate node.
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
    /// The new shape, with as many elements as the input.
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
    /// The new shape, by NumPy's rules.
    pub to: Shape,
}

/// See [`Op::Slice`]. `start + step * (len - 1)` is inside each axis.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Slice {
    /// The first element of each axis.
    pub start: Vec<usize>,
    /// The number of elements of each axis.
    pub len: Vec<usize>,
    /// The distance between the elements, at least 1.
    pub step: Vec<usize>,
}

/// See [`Op::Flip`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Flip {
    /// The flipped axes, ascending.
    pub axes: Vec<usize>,
}

/// See [`Op::Pad`]. Element `i` of the axis moves to `before + step * i`; the rest is `value`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pad {
    /// The padded axis.
    pub axis: usize,
    /// The position of the first element.
    pub before: usize,
    /// The distance between adjacent elements, at least 1.
    pub step: usize,
    /// The new size of the axis.
    pub to: usize,
    /// The value of the padding.
    pub value: Scalar,
}

/// See [`Op::Concat`]. The inputs have the same element type and the same sizes along all other
/// axes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Concat {
    /// The axis of the concatenation.
    pub axis: usize,
}

/// See [`Op::Gather`]. The inputs are a table `[v, ..]` and `u32` row indices `[ids..]`; the result
/// is `[ids.., ..]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Gather {
    /// A row that gets no gradient.
    pub frozen: Option<u32>,
}

/// See [`Op::TakeAlong`]. The inputs are `x [.., n, ..]` and `u32` indices `[.., m, ..]`; the
/// result has the shape of the indices.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TakeAlong {
    /// The axis of the indices.
    pub axis: usize,
}

/// See [`Op::ScatterAdd`]. The inputs are rows `[ids.., ..]` and their indices `[ids..]`; the
/// result is `[rows, ..]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ScatterAdd {
    /// The number of rows of the result.
    pub rows: usize,
}

/// See [`Op::Matmul`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Matmul {
    /// Whether the left matrix is stored `[k, m]` instead of `[m, k]`.
    pub ta: bool,
    /// Whether the right matrix is stored `[n, k]` instead of `[k, n]`.
    pub tb: bool,
}

/// The kind of a reduction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReduceKind {
    /// The sum; 0 for no elements.
    Sum,
    /// The maximum; an error for no elements.
    Max,
    /// The minimum; an error for no elements.
    Min,
    /// The product; 1 for no elements.
    Product,
}

/// See [`Op::Reduce`]. The reduced axes are adjacent and are removed from the shape.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reduce {
    /// The kind of the reduction.
    pub kind: ReduceKind,
    /// The first reduced axis.
    pub from: usize,
    /// One past the last reduced axis.
    pub to: usize,
}

/// See [`Op::Softmax`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Softmax;

/// See [`Op::SoftmaxGrad`]. The inputs are `y` and `dy`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SoftmaxGrad;

/// See [`Op::LogSoftmax`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LogSoftmax;

/// See [`Op::LogSoftmaxGrad`]. The inputs are `y` and `dy`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LogSoftmaxGrad;

/// See [`Op::CrossEntropy`]. The inputs are logits `[.., classes]` and `u32` labels `[..]`; the
/// result is `[..]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CrossEntropy;

/// See [`Op::CrossEntropyGrad`]. The inputs are logits, labels and `dy [..]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CrossEntropyGrad;
