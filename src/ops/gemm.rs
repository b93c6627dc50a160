//! Matrix products on the CPU device: a safe interface to the `gemm` crate.

use crate::ops::threads;

mod transposed;

/// The layout of a matrix in memory: `rows x columns`, with element `(r, c)` at
/// `r * row_stride + c * column_stride`.
#[derive(Clone, Copy)]
pub(super) struct Strides {
    pub row: usize,
    pub column: usize,
}

impl Strides {
    /// Returns the layout of a matrix that is stored by rows of `columns` elements, or stored
    /// transposed.
    pub fn of(rows: usize, columns: usize, transposed: bool) -> Self {
        match transposed {
            false => Strides {
                row: columns,
                column: 1,
            },
            true => Strides {
                row: 1,
                column: rows,
            },
        }
    }

    /// Returns the layout of a matrix that is stored by rows, which are `row` elements apart.
    pub fn rows(row: usize) -> Self {
        Strides { row, column: 1 }
    }

    /// Returns the layout of a matrix that is stored by columns, which are `column` elements apart.
    pub fn columns(column: usize) -> Self {
        Strides { row: 1, column }
    }

    /// Returns the number of elements that a matrix of this size spans.
    fn reach(self, rows: usize, columns: usize) -> usize {
        match (rows.checked_sub(1), columns.checked_sub(1)) {
            (Some(r), Some(c)) => r * self.row + c * self.column + 1,
            _ => 0,
        }
    }
}

/// The number of multiplications below which one thread is faster than several.
pub(super) const PARALLEL_FROM: usize = 1 << 20;

/// The destination of a product.
pub(super) struct Into<'a> {
    pub y: &'a mut [f32],
    /// The number of elements from one row to the next.
    pub row: usize,
    /// Whether the product is added to the destination.
    pub add: bool,
    /// Whether several threads compute the product.
    pub threads: bool,
}

/// Computes `y[m, n] = a[m, k] b[k, n]`, with `y` stored by rows. Does nothing if a slice is too
/// short for its matrix.
pub(super) fn gemm(
    sizes: (usize, usize, usize),
    a: (&[f32], Strides),
    b: (&[f32], Strides),
    y: &mut [f32],
) {
    let (m, n, k) = sizes;
    let threads = m * n * k >= PARALLEL_FROM;
    if threads && transposed::pays(sizes, a.1, b.1) {
        return transposed::gemm(sizes, a.0, b, y);
    }
    let into = Into {
        y,
        row: n,
        add: false,
        threads,
    };
    gemm_into(sizes, a, b, into);
}

/// Computes the product in the calling thread. If `add` is true, adds it to `y`.
pub(super) fn gemm_here(
    sizes: (usize, usize, usize),
    a: (&[f32], Strides),
    b: (&[f32], Strides),
    (y, add): (&mut [f32], bool),
) {
    let (row, threads) = (sizes.1, false);
    let into = Into {
        y,
        row,
        add,
        threads,
    };
    gemm_into(sizes, a, b, into);
}

/// Computes the product into a destination; see [`Into`].
pub(super) fn gemm_into(
    (m, n, k): (usize, usize, usize),
    (a, a_strides): (&[f32], Strides),
    (b, b_strides): (&[f32], Strides),
    Into {
        y,
        row,
        add,
        threads,
    }: Into,
) {
    let fits = y.len() >= Strides::rows(row).reach(m, n)
        && row >= n
        && a.len() >= a_strides.reach(m, k)
        && b.len() >= b_strides.reach(k, n);
    debug_assert!(fits, "a matrix is shorter than its shape");
    if !fits || m * n == 0 {
        return;
    }
    if k == 0 {
        if !add {
            y.chunks_mut(row).take(m).for_each(|y| y[..n].fill(0.0));
        }
        return;
    }
    let threads = match threads && threads::pays(m * n * k, 0) {
        false => gemm::Parallelism::None,
        true => gemm::Parallelism::Rayon(0),
    };
    // SAFETY: `fits` has checked that every element which the strides reach is inside its slice,
    // and that the rows of `y` do not overlap. `y` is borrowed mutably, so it overlaps neither `a`
    // nor `b`.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            y.as_mut_ptr(),
            1,
            row as isize,
            add,
            a.as_ptr(),
            a_strides.column as isize,
            a_strides.row as isize,
            b.as_ptr(),
            b_strides.column as isize,
            b_strides.row as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            threads,
        );
    }
}
