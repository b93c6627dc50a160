//! Ops that depend on the order of elements along an axis: cumulative sums, sorting, selection.

/// See [`Op::CumSum`](super::Op::CumSum).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CumSum {
    /// The axis of the sums.
    pub axis: usize,
    /// Whether to sum from the last element to the first.
    pub reverse: bool,
}

/// See [`Op::ArgMax`](super::Op::ArgMax). It applies to the last axis and takes the first of equal
/// elements.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ArgMax {
    /// Whether to find the smallest element instead.
    pub smallest: bool,
}

/// See [`Op::ArgSort`](super::Op::ArgSort). It applies to the last axis; equal elements keep their
/// order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ArgSort {
    /// Whether to sort in descending order.
    pub descending: bool,
    /// The number of positions to return for each row, at most all.
    pub keep: usize,
}

/// See [`Op::Pick`](super::Op::Pick). The inputs are `x [.., n]` and `u32` positions `[.., k]`,
/// which are distinct within a row.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pick {
    /// `None`: the result is `[.., k]`, with element `j` from position `at[j]`. Otherwise the
    /// inverse: `x` is `[.., k]`, and the result `[.., n]` of this size has element `j` at position
    /// `at[j]`, and zeros elsewhere.
    pub back: Option<usize>,
}
