//! Ops of sequence models: normalization, positions, attention, recurrence, alignment.

#[cfg(doc)]
use super::Op;
use super::Scalar;

/// See [`Op::Norm`]: inputs `x [.., n]`, a weight `[n]` and, where centred, a bias `[n]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Norm {
    /// The mean is subtracted: layer normalization; else RMS normalization.
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
    /// How many heads are rotated, from the first; the others stay.
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

/// What a recurrent layer computes in a time step.
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

/// See [`Op::Recurrence`]: inputs `x [batch, time, gates hidden]`, `w [gates hidden, hidden]`,
/// `bias [gates hidden]`, `mask [batch, time]`, the first state `h [batch, hidden]` and, of an LSTM, `c`.
/// Gives the reserve space `[batch, records, hidden]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Recurrence {
    /// What happens in a step.
    pub cell: Cell,
    /// From the last time step to the first.
    pub reverse: bool,
    /// Whether the reserve space keeps what the gradient needs.
    pub record: bool,
}

/// See [`Op::RecurrenceGrad`]: inputs the reserve space, `w`, the mask and the gradient of the reserve space's first records;
/// gives `[batch, time, planes hidden]`, and one more row with the gradient of the first state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RecurrenceGrad {
    /// Of which op.
    pub of: Recurrence,
    /// Whether the first state's gradient is wanted.
    pub state: bool,
}

/// See [`Op::Ctc`]: inputs log-probabilities `[batch, time, classes]`, and as `u32` labels `[batch, s]`, the frames
/// of each sample `[batch]` and its labels `[batch]`; gives `[batch]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Ctc {
    /// The class that stands for no label.
    pub blank: u32,
    /// Samples whose labels no path spells have a loss of 0 instead of an infinite one.
    pub zero_infinity: bool,
}

/// See [`Op::CtcGrad`]: inputs those of [`Ctc`] and `dy [batch]`; gives the shape of the log-probabilities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CtcGrad {
    /// Whose gradient it is.
    pub of: Ctc,
}
