//! Products of few rows with many weights that are stored transposed: `y^T = b^T a^T`, where `a^T`
//! is computed first.
//!
//! The `gemm` crate copies a right matrix that is stored transposed to a better order, in one
//! thread and element by element. For many rows this copy is negligible. For few rows it takes up
//! to twice as long as the product, and it is faster to transpose the small matrices: `a` and the
//! result.
//!
//! The bits are the same, because each element is the same sum in the same order. (The exception is
//! products of a few hundred numbers, which are too small for this path.)

use std::cell::Cell;

use rayon::prelude::*;

use super::{Into, Strides, gemm_into};
use crate::ops::threads;

/// The number of rows up to which the copy costs more than transposing `a` and the result.
const MAX_ROWS: usize = 256;

/// The rows and columns of the blocks that are transposed: a cache line of elements.
const BLOCK: usize = 16;

thread_local! {
    /// The memory of transposed matrices, kept from one product to the next. It is taken out while
    /// it is used, because a thread that waits for others may begin another product.
    static SCRATCH: Cell<Vec<f32>> = const { Cell::new(Vec::new()) };
}

/// Returns whether a product has this layout and is large enough.
pub(super) fn pays((m, n, k): (usize, usize, usize), a: Strides, b: Strides) -> bool {
    let plain = a.column == 1 && a.row == k && b.row == 1 && b.column == k;
    plain && (2..=MAX_ROWS).contains(&m) && m < n
}

/// Computes `y[m, n] = a[m, k] b[k, n]`, with `b` stored transposed. Does nothing if a slice is too
/// short for its matrix.
pub(super) fn gemm(
    (m, n, k): (usize, usize, usize),
    a: &[f32],
    (b, b_strides): (&[f32], Strides),
    y: &mut [f32],
) {
    let slices = (a.get(..m * k), b.get(..n * k), y.get_mut(..m * n));
    let (Some(a), Some(b), Some(y)) = slices else {
        return;
    };
    let mut scratch = SCRATCH.take();
    let words = m * (k + n);
    if scratch.len() < words {
        scratch.resize(words, 0.0);
    }
    let (transposed, result) = scratch[..words].split_at_mut(m * k);
    transpose(a, k, transposed);
    let into = Into {
        y: &mut *result,
        row: m,
        add: false,
        threads: true,
    };
    let b_strides = Strides::rows(b_strides.column);
    gemm_into(
        (n, m, k),
        (b, b_strides),
        (transposed, Strides::rows(m)),
        into,
    );
    transpose(result, m, y);
    SCRATCH.set(scratch);
}

/// Writes the transpose of `x`, which has rows of `columns` elements, to `y`.
fn transpose(x: &[f32], columns: usize, y: &mut [f32]) {
    let rows = x.len() / columns.max(1);
    let band = |(i, y): (usize, &mut [f32])| {
        let first = i * BLOCK;
        // The cache lines of a block of `x` are read once and stay in the cache for all its
        // columns.
        for (j, x) in x.chunks(BLOCK * columns).enumerate() {
            for (c, y) in y.chunks_mut(rows).enumerate() {
                let to = y.iter_mut().skip(j * BLOCK);
                for (y, x) in to.zip(x[first + c..].iter().step_by(columns)) {
                    *y = *x;
                }
            }
        }
    };
    if !threads::pays(x.len(), 4 * BLOCK * rows) {
        return y
            .chunks_mut((BLOCK * rows).max(1))
            .enumerate()
            .for_each(band);
    }
    let bands = y.par_chunks_mut((BLOCK * rows).max(1));
    bands.enumerate().with_min_len(4).for_each(band);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    #[test]
    fn the_bits_are_those_of_the_other_way() {
        let mut stream = Stream::new(5);
        for (m, n, k) in [(17, 33, 65), (128, 256, 500), (7, 1009, 31)] {
            let mut fill = |n| (0..n).map(|_| stream.normal()).collect::<Vec<f32>>();
            let (a, b) = (fill(m * k), fill(n * k));
            let (mut y, mut other) = (vec![f32::NAN; m * n], vec![f32::NAN; m * n]);
            let strides = (Strides::of(m, k, false), Strides::of(k, n, true));
            assert!(pays((m, n, k), strides.0, strides.1));
            gemm((m, n, k), &a, (&b, strides.1), &mut y);
            let into = Into {
                y: &mut other,
                row: n,
                add: false,
                threads: false,
            };
            gemm_into((m, n, k), (&a, strides.0), (&b, strides.1), into);
            assert!(y == other, "{m} {n} {k}");
        }
    }
}
