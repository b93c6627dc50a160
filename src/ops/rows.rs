//! Arithmetic on rows for the CPU device, vectorized and on several threads.
//!
//! Invariant: the order of the terms of a sum depends only on the length of the row, so the bits do
//! not depend on the number of threads or the width of vectors.

use super::elementwise::Fast;
use crate::ops::threads;

/// The number of elements, times the cost of each, from which other threads are used. It is about
/// ten microseconds of work, which is about the time to wake a thread.
const PARALLEL_FROM: usize = 1 << 16;

/// The number of partial results of a row, so that sums and maxima are vectorized.
const LANES: usize = 8;

/// Runs a loop that is compiled for the widest vectors of this CPU. The bits stay the same: a wider
/// vector computes more elements at once, and multiplications and additions are never fused.
///
/// Mark the closure and the functions that it calls `#[inline(always)]`; otherwise they stay
/// compiled for any CPU.
#[inline(always)]
pub(super) fn widest<R>(f: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(f)
}

/// Calls `f` with each row of `y` and its index. Rows have `n` elements; the last one may have
/// fewer. An element costs about `cost` additions.
pub(super) fn for_rows(y: &mut [f32], n: usize, cost: usize, f: impl Fn(usize, &mut [f32]) + Sync) {
    let n = n.max(1);
    let work = y.len().saturating_mul(cost);
    // The size of a piece depends only on the shape. The thread that computes it does not matter.
    let rows = (PARALLEL_FROM / 2 / cost.max(1)).div_ceil(n).max(1);
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
    if !threads::pays(work, PARALLEL_FROM) {
        return run(0, y);
    }
    threads::for_pieces(y, rows * n, true, |(task, y)| run(task * rows, y));
}

/// Returns row `i` of `x`, with rows of `n` elements.
#[inline(always)]
pub(super) fn row(x: &[f32], n: usize, i: usize) -> &[f32] {
    x.get(i * n..(i + 1) * n).unwrap_or(&[])
}

/// Returns the largest element, or negative infinity for an empty row. Ignores NaN.
#[inline(always)]
pub(super) fn max(x: &[f32]) -> f32 {
    let larger = |m, x| if x > m { x } else { m };
    let start = f32::NEG_INFINITY;
    join(lanes(x, start, start, larger), larger)
}

/// Returns the smallest element, or infinity for an empty row. Ignores NaN.
#[inline(always)]
pub(super) fn min(x: &[f32]) -> f32 {
    let smaller = |m, x| if x < m { x } else { m };
    let start = f32::INFINITY;
    join(lanes(x, start, start, smaller), smaller)
}

/// Returns the product of the elements.
#[inline(always)]
pub(super) fn product(x: &[f32]) -> f32 {
    let times = |a, b| a * b;
    join(lanes(x, 1.0, 1.0, times), times)
}

/// Returns the sum of the elements. See [`long_sum`] for more than a few hundred.
#[inline(always)]
pub(super) fn sum(x: &[f32]) -> f32 {
    let add = |a, b| a + b;
    join(lanes(x, 0.0, 0.0, add), add)
}

/// Returns the sum of any number of elements. It is a tree of sums of blocks, so its error grows
/// slowly.
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
    let (left, right) = match threads::pays(x.len(), PARALLEL_FROM) {
        true => rayon::join(|| long_sum(left), || long_sum(right)),
        false => (long_sum(left), long_sum(right)),
    };
    left + right
}

/// Returns the sum of `x[i] y[i]`.
#[inline(always)]
pub(super) fn dot(x: &[f32], y: &[f32]) -> f32 {
    let mut sums = [0.0; LANES];
    for (x, y) in x.chunks(LANES).zip(y.chunks(LANES)) {
        for ((s, x), y) in sums.iter_mut().zip(x).zip(y) {
            *s += x * y;
        }
    }
    join(sums, |a, b| a + b)
}

/// Returns the sum of `(x[i] - centre)^2`.
#[inline(always)]
pub(super) fn squares_around(x: &[f32], centre: f32) -> f32 {
    let take = |s, x: f32| s + (x - centre) * (x - centre);
    join(lanes(x, 0.0, centre, take), |a, b| a + b)
}

/// Returns the sum of `(x[i] - centre) y[i]`.
#[inline(always)]
pub(super) fn dot_around(x: &[f32], centre: f32, y: &[f32]) -> f32 {
    let mut sums = [0.0; LANES];
    for (x, y) in x.chunks(LANES).zip(y.chunks(LANES)) {
        for ((s, x), y) in sums.iter_mut().zip(x).zip(y) {
            *s += (x - centre) * y;
        }
    }
    join(sums, |a, b| a + b)
}

/// Computes `y = e^(x - max)`, and returns the sum of `y`.
#[inline(always)]
pub(super) fn exp_of(x: &[f32], max: f32, y: &mut [f32]) -> f32 {
    let exp = |x: [f32; LANES], sums: &mut [f32; LANES]| {
        let mut y = [0.0; LANES];
        for i in 0..LANES {
            y[i] = (x[i] - max).fast_exp();
            sums[i] += y[i];
        }
        y
    };
    let mut sums = [0.0; LANES];
    let ((x, rest), (y, y_rest)) = (x.as_chunks(), y.as_chunks_mut());
    for (y, x) in y.iter_mut().zip(x) {
        *y = exp(*x, &mut sums);
    }
    // e^-infinity is 0 and does not change the sum.
    let last = exp(padded(rest, f32::NEG_INFINITY), &mut sums);
    for (y, last) in y_rest.iter_mut().zip(last) {
        *y = last;
    }
    join(sums, |a, b| a + b)
}

/// Returns the sum of `e^(x - max)`.
#[inline(always)]
pub(super) fn exp_sum(x: &[f32], max: f32) -> f32 {
    let take = |s, x: f32| s + (x - max).fast_exp();
    join(lanes(x, 0.0, f32::NEG_INFINITY, take), |a, b| a + b)
}

/// Reduces a row into lanes; each lane takes every eighth element. `nothing` must be a neutral
/// element.
#[inline(always)]
fn lanes(x: &[f32], start: f32, nothing: f32, take: impl Fn(f32, f32) -> f32) -> [f32; LANES] {
    let mut lanes = [start; LANES];
    let mut all = |x: [f32; LANES]| {
        for i in 0..LANES {
            lanes[i] = take(lanes[i], x[i]);
        }
    };
    let (chunks, rest) = x.as_chunks();
    for chunk in chunks {
        all(*chunk);
    }
    if !rest.is_empty() {
        all(padded(rest, nothing));
    }
    lanes
}

/// Returns the elements followed by `nothing`, as a whole vector. Short rows consist mostly of this
/// last part.
#[inline(always)]
fn padded(rest: &[f32], nothing: f32) -> [f32; LANES] {
    let mut all = [nothing; LANES];
    for (to, x) in all.iter_mut().zip(rest) {
        *to = *x;
    }
    all
}

#[inline(always)]
fn join(lanes: [f32; LANES], f: impl Fn(f32, f32) -> f32) -> f32 {
    let [a, b, c, d, e, g, h, i] = lanes;
    f(f(f(a, e), f(b, g)), f(f(c, h), f(d, i)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    #[test]
    fn rows_of_any_length_add_up() {
        let mut stream = Stream::new(3);
        for n in (0..40).chain([1023, 1024, 1025, 70_000, 131_073]) {
            let x: Vec<f32> = (0..n).map(|_| stream.uniform() * 8.0 - 4.0).collect();
            let wide = || x.iter().map(|x| f64::from(*x));
            let near =
                |got: f32, want: f64| (f64::from(got) - want).abs() <= 1e-4 * (1.0 + want.abs());
            assert!(near(long_sum(&x), wide().sum()), "{n}");
            assert!(near(dot(&x, &x), wide().map(|x| x * x).sum()), "{n}");
            let around = || wide().map(|x| x - 0.5);
            assert!(near(squares_around(&x, 0.5), around().map(|d| d * d).sum()));
            let product = around().zip(wide()).map(|(d, x)| d * x).sum();
            assert!(near(dot_around(&x, 0.5, &x), product), "{n}");
            let largest = x.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            assert_eq!(max(&x), largest);
            // Relative to infinity there is no exponential, not even of no elements.
            let largest = largest.max(f32::MIN);
            let exact: f64 = wide().map(|x| (x - f64::from(largest)).exp()).sum();
            let mut y = vec![f32::NAN; n];
            assert!(near(exp_of(&x, largest, &mut y), exact), "{n}");
            assert!(near(exp_sum(&x, largest), exact), "{n}");
            for (x, y) in x.iter().zip(&y) {
                assert!(near(*y, f64::from(x - largest).exp()));
            }
        }
    }

    #[test]
    fn every_row_is_computed_once() {
        for (rows, n) in [(1, 1), (1000, 3), (5, 40_000), (70_001, 1), (3, 0)] {
            let mut y = vec![0.0; rows * n];
            for_rows(&mut y, n, 4, |i, y| {
                y.iter_mut().for_each(|y| *y += i as f32 + 1.0)
            });
            assert!(
                y.iter()
                    .enumerate()
                    .all(|(k, y)| *y == (k / n) as f32 + 1.0)
            );
        }
    }
}
