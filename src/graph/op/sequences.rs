//! Ops of sequence models: normalization, positions, attention, recurrence, alignment.

#[cfg(doc)]
use super::Op;
use super::Scalar;

/// See [`Op::Norm`]. The inputs are `x [.., n]`, a weight `[n]` and, if `centred`, a bias `[n]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Norm {
    /// Whether the mean is subtracted: layer normalization if true, else RMS normalization.
    pub centred: bool,
    /// The number added to the variance.
    pub eps: Scalar,
}

/// See [`Op::NormGrad`]. The inputs are `x`, the weight and `dy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NormGrad {
    /// See [`Norm`].
    pub centred: bool,
    /// See [`Norm`].
    pub eps: Scalar,
}

/// See [`Op::Rope`]. The inputs are `x [.., t, heads, d]` and a table `[t, r]`, whose rows have
/// cosines in the first half and sines in the second. `r` is even and at most `d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rope {
    /// The number of heads that are rotated, from the first; the others are copied.
    pub heads: usize,
    /// Whether features 2i and 2i + 1 are a pair; else features i and i + r / 2.
    pub interleaved: bool,
    /// Whether to rotate by the negative angles, as the gradient does.
    pub inverse: bool,
}

/// See [`Op::Attention`]. The inputs are `q [b, t, heads, d]`, `k [b, s, kv_heads, d]` and
/// `v [b, s, kv_heads, e]`, or if `packed`, all of them side by side in one tensor
/// `[b, t, heads + 2 kv_heads, d]`. If `masked`, a last input `[b, s]` is added to the scores of
/// each key. The result is `[b, t, heads, e]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Attention {
    /// The number of query heads: a multiple of `kv_heads`.
    pub heads: usize,
    /// The number of key and value heads.
    pub kv_heads: usize,
    /// Whether queries, keys and values are one input.
    pub packed: bool,
    /// Whether there is a mask.
    pub masked: bool,
    /// If set, query `i` sees only keys `0 ..= i + offset`.
    pub causal: Option<usize>,
    /// The factor of the scores.
    pub scale: Scalar,
}

/// See [`Op::AttentionGrad`]. The inputs are those of [`Attention`] without the mask, then `y`,
/// `dy` and, if masked, the mask. The result has `dq`, `dk` and `dv`, packed like the input, or if
/// that is not packed, one after the other in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AttentionGrad {
    /// The attention whose gradient it is.
    pub of: Attention,
}

/// The kind of a recurrent cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cell {
    /// One gate, with `tanh`.
    Tanh,
    /// One gate, with ReLU.
    Relu,
    /// Long short-term memory: gates i, f, g, o.
    Lstm,
    /// Gated recurrent unit: gates r, z, n.
    Gru,
}

/// See [`Op::Recurrence`]. The inputs are `x [batch, time, gates hidden]`,
/// `w [gates hidden, hidden]`, `bias [gates hidden]`, `mask [batch, time]`, the initial state
/// `h [batch, hidden]` and, for an LSTM, `c`. The result is the reserve space
/// `[batch, records, hidden]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Recurrence {
    /// The kind of the cell.
    pub cell: Cell,
    /// Whether time runs from the last step to the first.
    pub reverse: bool,
    /// Whether the reserve space keeps the values for the gradient.
    pub record: bool,
}

/// See [`Op::RecurrenceGrad`]. The inputs are the reserve space, `w`, the mask and the gradient of
/// the reserve space's first records. The result is `[batch, time, planes hidden]`, with one more
/// row for the gradient of the initial state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RecurrenceGrad {
    /// The op whose gradient it is.
    pub of: Recurrence,
    /// Whether to compute the gradient of the initial state.
    pub state: bool,
}

/// See [`Op::Ctc`]. The inputs are log-probabilities `[batch, time, classes]` and, as `u32`, labels
/// `[batch, s]`, the number of frames of each sample `[batch]` and its number of labels `[batch]`.
/// The result is `[batch]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Ctc {
    /// The class of the blank.
    pub blank: u32,
    /// Whether samples whose labels no path has get a loss of 0 instead of an infinite one.
    pub zero_infinity: bool,
}

/// See [`Op::CtcGrad`]. The inputs are those of [`Ctc`] and `dy [batch]`; the result has the shape
/// of the log-probabilities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CtcGrad {
    /// The op whose gradient it is.
    pub of: Ctc,
}
