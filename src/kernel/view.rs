//! Views: reading the elements of a tensor in another order without a copy.

use crate::Shape;

use super::Access;

/// The position of each element of a shape in a tensor: `offset + sum(coordinate * stride)`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct View {
    /// The sizes of the axes.
    pub dims: Vec<usize>,
    /// The distance in the tensor for a step along each axis; 0 repeats, a negative one goes
    /// backwards.
    pub strides: Vec<isize>,
    /// The position of the first element.
    pub offset: usize,
}

impl View {
    /// Creates a view of all elements in order.
    pub fn contiguous(shape: &Shape) -> Self {
        View {
            dims: shape.to_vec(),
            strides: shape.strides().into_iter().map(|s| s as isize).collect(),
            offset: 0,
        }
    }

    /// Returns whether the elements are read in order, from the first one.
    pub fn is_contiguous(&self) -> bool {
        let shape = Shape::from(self.dims.clone());
        let strides = shape.strides();
        self.offset == 0
            && (0..self.dims.len())
                .all(|i| self.dims[i] == 1 || self.strides[i] == strides[i] as isize)
    }

    /// Returns the position in the tensor of element `index` (row-major) of the view.
    pub fn at(&self, mut index: usize) -> usize {
        let mut at = self.offset as isize;
        for (&dim, &stride) in self.dims.iter().zip(&self.strides).rev() {
            at += (index % dim.max(1)) as isize * stride;
            index /= dim.max(1);
        }
        at as usize
    }

    /// Returns the same walk with as few axes as possible: axes of size 1 are removed, and
    /// contiguous axes are merged.
    pub fn collapsed(&self) -> View {
        let mut dims: Vec<usize> = Vec::new();
        let mut strides: Vec<isize> = Vec::new();
        for (&dim, &stride) in self.dims.iter().zip(&self.strides) {
            if dim == 1 {
                continue;
            }
            match (dims.last_mut(), strides.last_mut()) {
                (Some(d), Some(s)) if *s == stride.saturating_mul(dim as isize) => {
                    *d = d.saturating_mul(dim);
                    *s = stride;
                }
                _ => {
                    dims.push(dim);
                    strides.push(stride);
                }
            }
        }
        View {
            dims,
            strides,
            offset: self.offset,
        }
    }

    /// Returns the cheapest access for a kernel.
    pub fn access(&self) -> Access {
        let v = self.collapsed();
        match (v.dims.as_slice(), v.strides.as_slice(), v.offset) {
            ([], _, at) => Access::Scalar { at },
            (_, s, at) if s.iter().all(|&s| s == 0) => Access::Scalar { at },
            ([_], [1], 0) => Access::Same,
            ([_, n], [0, 1], 0) => Access::Row { n: *n },
            ([_, n], [1, 0], 0) => Access::Column { n: *n },
            ([_, n, inner], [0, 1, 0], 0) => Access::Channel {
                inner: *inner,
                n: *n,
            },
            _ => Access::Strided(v),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bias_is_read_by_rows_and_a_mean_by_columns() {
        let bias = View {
            dims: vec![5, 3],
            strides: vec![0, 1],
            offset: 0,
        };
        assert_eq!(bias.access(), Access::Row { n: 3 });
        let mean = View {
            dims: vec![5, 3],
            strides: vec![1, 0],
            offset: 0,
        };
        assert_eq!(mean.access(), Access::Column { n: 3 });
        let all = View {
            dims: vec![5, 3],
            strides: vec![3, 1],
            offset: 0,
        };
        assert_eq!(all.access(), Access::Same);
        let one = View {
            dims: vec![5, 3],
            strides: vec![0, 0],
            offset: 2,
        };
        assert_eq!(one.access(), Access::Scalar { at: 2 });
        let channels = View {
            dims: vec![2, 3, 5, 7],
            strides: vec![0, 1, 0, 0],
            offset: 0,
        };
        assert_eq!(channels.access(), Access::Channel { inner: 35, n: 3 });
        let batch_of_one = View {
            dims: vec![1, 3],
            strides: vec![0, 1],
            offset: 0,
        };
        assert_eq!(batch_of_one.access(), Access::Same);
    }

    #[test]
    fn collapsing_keeps_the_walk() {
        let v = View {
            dims: vec![2, 3, 1, 4],
            strides: vec![1, 8, 5, 2],
            offset: 7,
        };
        let c = v.collapsed();
        assert_eq!(c.dims, vec![2, 12]);
        assert!((0..24).all(|i| v.at(i) == c.at(i)));
    }
}
