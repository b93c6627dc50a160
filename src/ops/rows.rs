//! Arithmetic on rows for the CPU device: in vectors, and over threads.
//!
//! Invariant: the terms of a sum are added in an order that follows from the row's length alone, so
//! the bits do not depend on the machine's threads or on the width of its vectors.

use rayon::prelude::*;

use super::elementwise::Fast;

/// Elements, times what each costs, from which other threads are woken: some ten microseconds of
/// work, which is about what waking one takes.
const PARALLEL_FROM: usize = 1 << 16;

/// Partial results of a row, side by side, so that sums and maxima become vector code.
const LANES: usize = 8;

/// Runs a loop compiled for the widest vectors that this CPU has. The bits stay the same: a wider
/// vector does more elements at once, and multiplications and additions are never merged.
///
/// Give the closure and what it calls `#[inline(always)]`, or they stay compiled for any CPU.
#[inline(always)]
pub(super) fn widest<R>(f: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(f)
}

/// Calls `f` with each row of `y` (of `n` elements, the last perhaps of fewer) and its number. An element costs about `cost`
/// additions.
pub(super) fn for_rows(y: &mut [f32], n: usize, cost: usize, f: impl Fn(usize, &mut [f32]) + Sync) {
    let n = n.max(1);
    let work = y.len().saturating_mul(cost);
    // Of a size that follows from the shape; which thread takes it makes no difference.
    let rows = (PARALLEL_FROM / 2 / cost.max(1)).div_ceil(n);
    let run = |first: usize, y: &mut [f32]| {
        widest(
            #[inline(always)]
            || {
                for (i, y) in y.chunks_mut(n).enumerate() {
                    f(first + i, y);
                }
            },
        );
    };
    if work < PARALLEL_FROM {
        return run(0, y);
    }
    let tasks = y.par_chunks_mut(rows * n).enumerate();
    tasks.for_each(|(task, y)| run(task * rows, y));
}

/// Row number `i` of `x`, with rows of `n` elements.
#[inline(always)]
pub(super) fn row(x: &[f32], n: usize, i: usize) -> &[f32] {
    x.get(i * n..(i + 1) * n).unwrap_or(&[])
}

/// The largest element; the smallest number of an empty row. Skips NaN.
#[inline(always)]
pub(super) fn max(x: &[f32]) -> f32 {
    let larger = |m, x| if x > m { x } else { m };
    lanes(x, f32::MIN, larger, larger)
}

/// The sum of the elements. See [`long_sum`] for more than some hundreds.
#[inline(always)]
pub(super) fn sum(x: &[f32]) -> f32 {
    lanes(x, 0.0, |s, x| s + x, |a, b| a + b)
}

/// The sum of any number of elements: a tree of sums of blocks, so that its error grows slowly.
pub(super) fn long_sum(x: &[f32]) -> f32 {
    const BLOCK: usize = 1024;
    let blocks = x.len().div_ceil(BLOCK);
    if blocks <= 1 {
        return widest(
            #[inline(always)]
            || sum(x),
        );
    }
    let (left, right) = x.split_at(blocks / 2 * BLOCK);
    let (left, right) = match x.len() < PARALLEL_FROM {
        true => (long_sum(left), long_sum(right)),
        false => rayon::join(|| long_sum(left), || long_sum(right)),
    };
    left + right
}

/// The sum of `x[i] y[i]`.
#[inline(always)]
pub(super) fn dot(x: &[f32], y: &[f32]) -> f32 {
    let mut sums = [0.0; LANES];
    for (x, y) in x.chunks(LANES).zip(y.chunks(LANES)) {
        for ((s, x), y) in sums.iter_mut().zip(x).zip(y) {
            *s += x * y;
        }
    }
    sums.iter().sum()
}

/// `y = e^(x - max)`; gives the sum of `y`.
#[inline(always)]
pub(super) fn exp_of(x: &[f32], max: f32, y: &mut [f32]) -> f32 {
    for (y, x) in y.iter_mut().zip(x) {
        *y = (x - max).fast_exp();
    }
    sum(y)
}

/// The sum of `e^(x - max)`.
#[inline(always)]
pub(super) fn exp_sum(x: &[f32], max: f32) -> f32 {
    lanes(x, 0.0, |s, x| s + (x - max).fast_exp(), |a, b| a + b)
}

/// Each lane takes every eighth element; then the lanes are joined in order.
#[inline(always)]
fn lanes(
    x: &[f32],
    start: f32,
    take: impl Fn(f32, f32) -> f32,
    join: impl Fn(f32, f32) -> f32,
) -> f32 {
    let mut lanes = [start; LANES];
    let chunks = x.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (lane, x) in lanes.iter_mut().zip(chunk) {
            *lane = take(*lane, *x);
        }
    }
    for (lane, x) in lanes.iter_mut().zip(rest) {
        *lane = take(*lane, *x);
    }
    lanes.into_iter().fold(start, join)
}
