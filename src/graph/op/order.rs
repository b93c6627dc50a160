//! Ops along an axis whose elements have an order: running sums, sorting, picking.

/// See [`Op::CumSum`](super::Op::CumSum).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CumSum {
    /// Along which axis.
    pub axis: usize,
    /// From the last element to the first.
    pub reverse: bool,
}

/// See [`Op::ArgMax`](super::Op::ArgMax): over the last axis; the first of equals.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ArgMax {
    /// Where the smallest stands instead.
    pub smallest: bool,
}

/// See [`Op::ArgSort`](super::Op::ArgSort): along the last axis; equals keep their order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ArgSort {
    /// The largest first.
    pub descending: bool,
    /// How many of each row are given, at most all.
    pub keep: usize,
}

/// See [`Op::Pick`](super::Op::Pick): inputs `x [.., n]` and `u32` places `[.., k]`, which differ within a row.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pick {
    /// `None`: gives `[.., k]`, element `j` from place `at[j]`. Else the other way round: `x` is `[.., k]`, and
    /// the result `[.., n]` of this size has element `j` at place `at[j]`, among zeros.
    pub back: Option<usize>,
}
