//! The vocabulary, as plain data. What each op means stands in `src/ops/`, one file an op.

use crate::{DType, Shape};

use super::{Function, VariableId};

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
    /// The input among zeros along one axis.
    Pad(Pad),
    /// Tensors one after the other along one axis.
    Concat(Concat),
    /// Rows of a table, by number.
    Gather(Gather),
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
    /// Sum or maximum over neighbouring axes.
    Reduce(Reduce),
    /// Where the largest element of each row stands.
    ArgMax(ArgMax),
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
    /// Layer or RMS normalisation over the last axis.
    Norm(Norm),
    /// The gradient of a normalisation with respect to its input.
    NormGrad(NormGrad),
    /// Pairs of features turned by angles that grow with the position.
    Rope(Rope),
    /// Scaled dot-product attention.
    Attention(Attention),
    /// The gradient of attention with respect to queries, keys and values.
    AttentionGrad(AttentionGrad),
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

/// See [`Op::Pad`]: element `i` of the axis lands at `before + step * i`; the rest is 0.
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

/// See [`Op::Conv`]: inputs `x [n, c, h, w]` and weights `[oc, c / groups, kh, kw]`; gives
/// `[n, oc, oh, ow]`. Pairs are of the height and the width.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Conv {
    /// Elements from one window to the next, at least 1.
    pub stride: [usize; 2],
    /// Zeros before the first element and after the last.
    pub padding: [usize; 2],
    /// Elements from one tap of a window to the next, at least 1.
    pub dilation: [usize; 2],
    /// Parts that the channels fall into: each output channel sees the input channels of its part.
    pub groups: usize,
}

/// See [`Op::ConvInputGrad`]: inputs `dy [n, oc, oh, ow]` and weights; gives `dx [n, c, h, w]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConvInputGrad {
    /// The convolution.
    pub conv: Conv,
    /// Its input's height and width, which several have the same output for.
    pub size: [usize; 2],
}

/// See [`Op::ConvWeightGrad`]: inputs `dy [n, oc, oh, ow]` and `x [n, c, h, w]`; gives
/// `dw [oc, c / groups, kh, kw]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConvWeightGrad {
    /// The convolution.
    pub conv: Conv,
    /// Its kernel's height and width, which several have the same output for.
    pub kernel: [usize; 2],
}

/// See [`Op::MaxPool`]: input `[.., h, w]`; gives `[.., oh, ow]`. Pairs are of the height and the width.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MaxPool {
    /// The size of a window.
    pub kernel: [usize; 2],
    /// Elements from one window to the next, at least 1.
    pub stride: [usize; 2],
    /// Elements before the first and after the last that are never the largest.
    pub padding: [usize; 2],
    /// Elements from one of a window to its next, at least 1.
    pub dilation: [usize; 2],
}

/// See [`Op::MaxPoolGrad`]: inputs `x [.., h, w]` and `dy [.., oh, ow]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MaxPoolGrad {
    /// The pooling.
    pub pool: MaxPool,
}

/// How an axis of an image is resampled. Pairs are of the height and the width.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Resampling {
    /// The mean of each window.
    Average {
        /// The size of a window.
        kernel: [usize; 2],
        /// Elements from one window to the next, at least 1.
        stride: [usize; 2],
        /// Zeros before the first element and after the last.
        padding: [usize; 2],
        /// Whether these zeros count as elements.
        count_padding: bool,
    },
    /// The mean of windows of even sizes, as many as wanted, which overlap where they must.
    Adaptive {
        /// How many.
        to: [usize; 2],
    },
    /// The element that covers each place.
    Nearest {
        /// The size wanted.
        to: [usize; 2],
    },
    /// Linear between the neighbours of each place.
    Linear {
        /// The size wanted.
        to: [usize; 2],
        /// Whether the places of the first and the last elements stay, instead of the images' borders.
        align_corners: bool,
    },
}

/// See [`Op::Resample`]: input `[.., h, w]`; gives `[.., oh, ow]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Resample {
    /// How.
    pub kind: Resampling,
}

/// See [`Op::ResampleGrad`]: input `dy [.., oh, ow]`; gives `dx [.., h, w]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ResampleGrad {
    /// How.
    pub kind: Resampling,
    /// The height and width of what was resampled.
    pub size: [usize; 2],
}

/// Which reduction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReduceKind {
    /// The sum; of nothing, 0.
    Sum,
    /// The largest; of nothing, an error.
    Max,
}

/// See [`Op::Reduce`]. The reduced axes are neighbours and vanish from the shape.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reduce {
    /// Sum or maximum.
    pub kind: ReduceKind,
    /// The first reduced axis.
    pub from: usize,
    /// One past the last reduced axis.
    pub to: usize,
}

/// See [`Op::ArgMax`]: over the last axis; the first of equals.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ArgMax;

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

/// See [`Op::Norm`]: inputs `x [.., n]`, a weight `[n]` and, where centred, a bias `[n]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Norm {
    /// The mean is subtracted: layer normalisation; else RMS normalisation.
    pub centred: bool,
    /// What is added to the variance.
    pub eps: Scalar,
}

/// See [`Op::NormGrad`]: inputs `x`, the weight, and `dy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NormGrad {
    /// As in [`Norm`].
    pub centred: bool,
    /// As in [`Norm`].
    pub eps: Scalar,
}

/// See [`Op::Rope`]: inputs `x [.., t, heads, d]` and a table `[t, r]` of cosines (the first half of a
/// row) and sines, with `r <= d` even.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rope {
    /// How many heads are turned, from the first; the others stay.
    pub heads: usize,
    /// Features 2i and 2i + 1 are a pair; else features i and i + r / 2.
    pub interleaved: bool,
    /// By the angles' negatives: the gradient.
    pub inverse: bool,
}

/// See [`Op::Attention`]: inputs `q [b, t, heads, d]`, `k [b, s, kv_heads, d]`, `v [b, s, kv_heads, e]`, or
/// where packed all of them side by side in one, `[b, t, heads + 2 kv_heads, d]`; and, where masked, what
/// is added to the scores of each key, `[b, s]`. Gives `[b, t, heads, e]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Attention {
    /// Heads of the queries: a multiple of `kv_heads`.
    pub heads: usize,
    /// Heads of keys and values.
    pub kv_heads: usize,
    /// Queries, keys and values are one input.
    pub packed: bool,
    /// There is a mask.
    pub masked: bool,
    /// Query `i` sees keys `0 ..= i + offset` only.
    pub causal: Option<usize>,
    /// What scores are multiplied by.
    pub scale: Scalar,
}

/// See [`Op::AttentionGrad`]: inputs those of [`Attention`] but for the mask, then `y`, `dy` and, where
/// masked, the mask. Gives `dq`, `dk` and `dv` packed like the input or, where that is not packed, one after
/// the other in one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AttentionGrad {
    /// Whose gradient it is.
    pub of: Attention,
}
