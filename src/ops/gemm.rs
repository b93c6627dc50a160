//! Matrix products on the CPU device: a safe door to the `gemm` crate.

/// One matrix in memory: `rows x columns`, element `(r, c)` at `r * row_stride + c * column_stride`.
#[derive(Clone, Copy)]
pub(super) struct Strides {
    pub row: usize,
    pub column: usize,
}

impl Strides {
    /// A matrix stored by rows of `columns` elements, or its transpose's storage.
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

    /// Elements that a matrix of this size reaches.
    fn reach(self, rows: usize, columns: usize) -> usize {
        match (rows.checked_sub(1), columns.checked_sub(1)) {
            (Some(r), Some(c)) => r * self.row + c * self.column + 1,
            _ => 0,
        }
    }
}

/// Below this many multiplications one thread is faster than waking the others.
pub(super) const PARALLEL_FROM: usize = 1 << 20;

/// `y[m, n] = a[m, k] b[k, n]`, `y` by rows. Does nothing if a slice is too short for its matrix.
pub(super) fn gemm(
    (m, n, k): (usize, usize, usize),
    a: (&[f32], Strides),
    b: (&[f32], Strides),
    y: &mut [f32],
) {
    let threads = match m * n * k < PARALLEL_FROM {
        true => gemm::Parallelism::None,
        false => gemm::Parallelism::Rayon(0),
    };
    multiply((m, n, k), a, b, (y, false), threads);
}

/// The same in the calling thread, and where `add` holds, added to what is in `y`.
pub(super) fn gemm_here(
    sizes: (usize, usize, usize),
    a: (&[f32], Strides),
    b: (&[f32], Strides),
    (y, add): (&mut [f32], bool),
) {
    multiply(sizes, a, b, (y, add), gemm::Parallelism::None);
}

fn multiply(
    (m, n, k): (usize, usize, usize),
    (a, a_strides): (&[f32], Strides),
    (b, b_strides): (&[f32], Strides),
    (y, add): (&mut [f32], bool),
    threads: gemm::Parallelism,
) {
    let fits =
        y.len() >= m * n && a.len() >= a_strides.reach(m, k) && b.len() >= b_strides.reach(k, n);
    debug_assert!(fits, "a matrix is shorter than its shape");
    if !fits || m == 0 || n == 0 {
        return;
    }
    if k == 0 {
        if !add {
            y[..m * n].fill(0.0);
        }
        return;
    }
    let keep = if add { 1.0 } else { 0.0 };
    // SAFETY: `fits` has checked that every element which the strides reach lies inside its slice,
    // and `y` is borrowed mutably, so it overlaps neither `a` nor `b`.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            y.as_mut_ptr(),
            1,
            n as isize,
            add,
            a.as_ptr(),
            a_strides.column as isize,
            a_strides.row as isize,
            b.as_ptr(),
            b_strides.column as isize,
            b_strides.row as isize,
            keep,
            1.0,
            false,
            false,
            false,
            threads,
        );
    }
}
