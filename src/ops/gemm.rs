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
    if k == 0 {
        y.fill(0.0);
        return;
    }
    let threads = match m * n * k < PARALLEL_FROM {
        true => gemm::Parallelism::None,
        false => gemm::Parallelism::Rayon(0),
    };
    product((m, n, k), a, b, (y, n), false, threads);
}

/// `y[m, n] += a[m, k] b[k, n]` on this thread alone, where the rows of `y` are `pitch` elements apart. Does
/// nothing if a slice is too short for its matrix.
pub(super) fn add_product(
    sizes: (usize, usize, usize),
    a: (&[f32], Strides),
    b: (&[f32], Strides),
    y: (&mut [f32], usize),
) {
    product(sizes, a, b, y, true, gemm::Parallelism::None);
}

fn product(
    (m, n, k): (usize, usize, usize),
    (a, a_strides): (&[f32], Strides),
    (b, b_strides): (&[f32], Strides),
    (y, pitch): (&mut [f32], usize),
    add: bool,
    threads: gemm::Parallelism,
) {
    let rows = Strides {
        row: pitch,
        column: 1,
    };
    // Rows of `y` that overlap would be written twice.
    let fits = y.len() >= rows.reach(m, n)
        && (pitch >= n || m < 2)
        && a.len() >= a_strides.reach(m, k)
        && b.len() >= b_strides.reach(k, n);
    debug_assert!(fits, "a matrix is shorter than its shape");
    if !fits || m == 0 || n == 0 || k == 0 {
        return;
    }
    // SAFETY: `fits` has checked that every element which the strides reach lies inside its slice,
    // and `y` is borrowed mutably, so it overlaps neither `a` nor `b`.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            y.as_mut_ptr(),
            1,
            pitch as isize,
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
