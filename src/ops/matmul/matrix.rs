//! The matrices that the kernels multiply: stored matrices, or views of a buffer.

use crate::kernel::{Part, wgsl};

/// A batch of matrices in a buffer.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::ops) enum Matrix {
    /// Stored by rows, or stored transposed.
    Stored {
        /// Whether it is stored transposed.
        transposed: bool,
        /// The number of elements from one matrix of the batch to the next; 0 if all are the same.
        stride: usize,
    },
    /// A view of a buffer's elements, which may repeat some of them.
    View(View),
}

/// A batch of matrices whose element `(z, i, k)` is at `offset + walk(z) + walk(i) + walk(k)`. `z`
/// is the index of the matrix, `i` is a row of the left matrix or a column of the right one, and
/// the product sums over `k`. All elements of the walks must be inside the buffer.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::ops) struct View {
    pub offset: usize,
    pub z: Walk,
    pub i: Walk,
    pub k: Walk,
}

/// An index that is split into up to three coordinates, each with a size and a stride, the last one
/// fastest. A stride may be negative.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::ops) struct Walk([(usize, isize); 3]);

impl Walk {
    /// Creates the walk over these sizes with these strides. Adjacent axes that are contiguous are
    /// merged.
    pub fn new(axes: [(usize, isize); 3]) -> Self {
        let mut joined = [(1, 0); 3];
        let mut free = joined.len();
        for (size, stride) in axes.into_iter().rev().filter(|axis| axis.0 != 1) {
            match joined.get_mut(free) {
                Some(inner) if stride == inner.1 * inner.0 as isize => inner.0 *= size,
                _ => {
                    free -= 1;
                    joined[free] = (size, stride);
                }
            }
        }
        Walk(joined)
    }

    /// Returns the walk in the format of `lib/matmul_view`.
    fn words(&self, offset: usize) -> [u32; 8] {
        let Walk([first, middle, last]) = *self;
        let size = |axis: (usize, isize)| axis.0.max(1) as u32;
        let inverse = |axis| (1.0 / size(axis) as f32).to_bits();
        // The offset to add when an inner coordinate restarts.
        let carry = |outer: (usize, isize), inner| outer.1 - inner_reach(inner);
        [
            size(last),
            size(middle),
            inverse(last),
            inverse(middle),
            last.1 as u32,
            carry(middle, last) as u32,
            carry(first, middle) as u32,
            offset as u32,
        ]
    }

    /// Returns whether every run of four, from a multiple of four on, is contiguous.
    fn by_fours(&self) -> bool {
        let Walk([first, middle, last]) = *self;
        last.1 == 1 && last.0.is_multiple_of(4) && [first, middle].iter().all(|a| a.1 % 4 == 0)
    }

    /// Returns whether all strides are multiples of four.
    fn in_fours(&self) -> bool {
        self.0.iter().all(|a| a.1 % 4 == 0)
    }
}

fn inner_reach(axis: (usize, isize)) -> isize {
    axis.0.max(1) as isize * axis.1
}

impl View {
    fn words(&self) -> [u32; 24] {
        let (z, i, k) = (self.z.words(self.offset), self.i.words(0), self.k.words(0));
        let mut all = [0; 24];
        for (to, from) in all.iter_mut().zip(z.iter().chain(&i).chain(&k)) {
            *to = *from;
        }
        all
    }

    fn by_fours(&self) -> bool {
        let View { offset, z, i, k } = self;
        offset.is_multiple_of(4) && z.in_fours() && i.in_fours() && k.by_fours()
    }
}

impl Matrix {
    /// Returns the number of elements from one matrix of the batch to the next, for a stored
    /// matrix.
    pub fn stride(&self) -> usize {
        match self {
            Matrix::Stored { stride, .. } => *stride,
            Matrix::View(_) => 0,
        }
    }

    /// Returns the loader of a left matrix of `m` rows and `k` columns.
    pub fn load_left(&self, m: usize, k: usize) -> Part {
        let fours = |n: usize| n > 0 && n.is_multiple_of(4) && self.stride().is_multiple_of(4);
        match self {
            Matrix::View(view) if view.by_fours() => wgsl!("lib/matmul_a_view_vec4"),
            Matrix::View(_) => wgsl!("lib/matmul_a_view"),
            Matrix::Stored { transposed, .. } => match (transposed, fours(k), fours(m)) {
                (false, true, _) => wgsl!("lib/matmul_a_n_vec4"),
                (false, false, _) => wgsl!("lib/matmul_a_n"),
                (true, _, true) => wgsl!("lib/matmul_a_t_vec4"),
                (true, _, false) => wgsl!("lib/matmul_a_t"),
            },
        }
    }

    /// Returns the loader that computes a left matrix with a prologue, element by element as if it
    /// were stored.
    pub fn make_left(&self) -> Part {
        match self {
            Matrix::Stored {
                transposed: true, ..
            } => wgsl!("lib/matmul_a_t_prologue"),
            _ => wgsl!("lib/matmul_a_n_prologue"),
        }
    }

    /// Returns the loader of a right matrix of `k` rows and `n` columns.
    pub fn load_right(&self, k: usize, n: usize) -> Part {
        let fours = |n: usize| n > 0 && n.is_multiple_of(4) && self.stride().is_multiple_of(4);
        match self {
            Matrix::View(_) => wgsl!("lib/matmul_b_view"),
            Matrix::Stored { transposed, .. } => match (transposed, fours(k), fours(n)) {
                (true, true, _) => wgsl!("lib/matmul_b_t_vec4"),
                (true, false, _) => wgsl!("lib/matmul_b_t"),
                (false, _, true) => wgsl!("lib/matmul_b_n_vec4"),
                (false, _, false) => wgsl!("lib/matmul_b_n"),
            },
        }
    }
}

/// Returns the words of the uniform of `lib/matmul_view`; `None` if neither matrix is a view.
pub(super) fn views(a: &Matrix, b: &Matrix) -> Option<Vec<u32>> {
    let words = |matrix: &Matrix| match matrix {
        Matrix::View(view) => Some(view.words()),
        Matrix::Stored { .. } => None,
    };
    match (words(a), words(b)) {
        (None, None) => None,
        (a, b) => Some([a.unwrap_or([0; 24]), b.unwrap_or([0; 24])].concat()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computes `walk` of `lib/matmul_view` with exact division.
    fn at(walk: &Walk, n: u32) -> u32 {
        let [last, middle, _, _, x, y, z, _] = walk.words(0);
        let (q, p) = (n / last, n / last / middle);
        let by = |n: u32, step: u32| n.wrapping_mul(step);
        by(n, x).wrapping_add(by(q, y)).wrapping_add(by(p, z))
    }

    #[test]
    fn a_walk_adds_up_its_coordinates() {
        for axes in [
            [(2, 100), (3, 7), (5, 1)],
            [(2, -9), (3, -3), (3, -1)],
            [(4, 30), (1, 5), (6, 5)],
            [(1, 0), (1, 0), (1, 0)],
            [(3, 0), (2, 11), (1, 4)],
            [(1, 9), (7, 2), (4, -3)],
        ] {
            let walk = Walk::new(axes);
            let [(a, sa), (b, sb), (c, sc)] = axes;
            for n in 0..a * b * c {
                let (x, y, z) = (n / (b * c), n / c % b, n % c);
                let want = x as isize * sa + y as isize * sb + z as isize * sc;
                assert_eq!(at(&walk, n as u32), want as u32, "{axes:?} at {n}");
            }
        }
    }

    #[test]
    fn axes_that_continue_each_other_are_joined() {
        assert_eq!(
            Walk::new([(2, 15), (3, 5), (5, 1)]),
            Walk([(1, 0), (1, 0), (30, 1)])
        );
        assert_eq!(
            Walk::new([(2, 9), (3, -3), (3, -1)]),
            Walk([(1, 0), (2, 9), (9, -1)])
        );
    }

    /// Computes the shader's `quotient` with the same arithmetic.
    fn quotient(n: u32, d: u32) -> u32 {
        let inverse = 1.0 / d as f32;
        let first = (n as i32 as f32 * inverse) as i32 as u32;
        let rest = n.wrapping_sub(first.wrapping_mul(d)) as i32;
        let second = first.wrapping_add((rest as f32 * inverse).floor() as i32 as u32);
        let left = n.wrapping_sub(second.wrapping_mul(d)) as i32;
        let more = u32::from(left >= d as i32);
        second.wrapping_add(more).wrapping_sub(u32::from(left < 0))
    }

    #[test]
    fn quotients_by_the_inverse_are_exact() {
        const MAX_DIVIDEND: u32 = 1 << 30;
        let mut random = crate::random::Stream::new(5);
        let small = 1..2000;
        let large = (0..2000).map(|i| (MAX_DIVIDEND >> (i % 22)) - 1 - (i / 22) % 7);
        for d in small.chain(large.filter(|d| *d > 0)) {
            let check = |n: u32| assert_eq!(quotient(n, d), n / d, "{n} / {d}");
            let most = (MAX_DIVIDEND - 1) / d;
            for _ in 0..50 {
                let multiple = random.below(most + 1) * d;
                for n in [multiple.saturating_sub(1), multiple, multiple + 1] {
                    check(n.min(MAX_DIVIDEND - 1));
                }
                check(random.below(MAX_DIVIDEND));
            }
            for n in [
                0,
                1,
                d - 1,
                d,
                MAX_DIVIDEND - 1,
                most * d,
                (most * d).saturating_sub(1),
            ] {
                check(n);
            }
        }
    }
}
