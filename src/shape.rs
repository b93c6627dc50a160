//! Shapes: the sizes of a tensor's axes, outermost first, and the arithmetic on them.

use std::fmt;
use std::ops::Deref;

/// The sizes of a tensor's axes, outermost (slowest) first. A scalar has no axes.
///
/// Elements are stored in row-major order: the last axis varies fastest.
///
/// # Example
/// ```
/// use wgrad::Shape;
///
/// let shape = Shape::from([2, 3, 4]);
/// assert_eq!((shape.rank(), shape.len(), shape.last()), (3, 24, 4));
/// assert_eq!(shape.broadcast(&[3, 1].into()), Some(shape));
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Shape(Vec<usize>);

impl Shape {
    /// The shape of a scalar: no axes, one element.
    pub const fn scalar() -> Self {
        Shape(Vec::new())
    }

    /// Returns the number of axes.
    pub fn rank(&self) -> usize {
        self.0.len()
    }

    /// Returns the number of elements: the product of the sizes. It saturates, so a limit check
    /// rejects an oversized shape instead of a wrapped size.
    pub fn len(&self) -> usize {
        self.0.iter().fold(1usize, |n, &d| n.saturating_mul(d))
    }

    /// Returns whether there are no elements, because the size of an axis is 0.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the sizes of the axes.
    pub fn dims(&self) -> &[usize] {
        &self.0
    }

    /// Returns the size of the last axis, 1 for a scalar.
    pub fn last(&self) -> usize {
        self.0.last().copied().unwrap_or(1)
    }

    /// Returns the number of rows: the product of all axes but the last.
    pub fn rows(&self) -> usize {
        let n = self.0.len().saturating_sub(1);
        self.0
            .iter()
            .take(n)
            .fold(1usize, |n, &d| n.saturating_mul(d))
    }

    /// Returns the strides: the number of elements between neighbors along each axis, in row-major
    /// order.
    pub fn strides(&self) -> Vec<usize> {
        let mut strides = vec![1usize; self.0.len()];
        for axis in (1..self.0.len()).rev() {
            strides[axis - 1] = strides[axis].saturating_mul(self.0[axis]);
        }
        strides
    }

    /// Returns the shape that both shapes broadcast to by NumPy's rule: they are aligned at the
    /// last axis, and each pair of sizes is equal or contains a 1. `None` if they do not match.
    pub fn broadcast(&self, other: &Shape) -> Option<Shape> {
        let rank = self.rank().max(other.rank());
        let at = |s: &Shape, i: usize| {
            (i + s.rank())
                .checked_sub(rank)
                .and_then(|k| s.0.get(k).copied())
                .unwrap_or(1)
        };
        (0..rank)
            .map(|i| match (at(self, i), at(other, i)) {
                (a, b) if a == b => Some(a),
                (1, b) => Some(b),
                (a, 1) => Some(a),
                _ => None,
            })
            .collect::<Option<Vec<_>>>()
            .map(Shape)
    }

    /// Returns the shape with another size of `axis`, which must exist.
    pub(crate) fn with_axis(&self, axis: usize, size: usize) -> Shape {
        let mut dims = self.0.clone();
        if let Some(d) = dims.get_mut(axis) {
            *d = size;
        }
        Shape(dims)
    }

    /// Returns `axis` as an index from the front. Negative axes count from the last, as in NumPy.
    pub(crate) fn axis(&self, axis: isize) -> Option<usize> {
        let rank = self.rank() as isize;
        let a = if axis < 0 { axis + rank } else { axis };
        (0..rank).contains(&a).then_some(a as usize)
    }
}

impl Deref for Shape {
    type Target = [usize];
    fn deref(&self) -> &[usize] {
        &self.0
    }
}

impl From<Vec<usize>> for Shape {
    fn from(dims: Vec<usize>) -> Self {
        Shape(dims)
    }
}

impl From<&[usize]> for Shape {
    fn from(dims: &[usize]) -> Self {
        Shape(dims.to_vec())
    }
}

impl<const N: usize> From<[usize; N]> for Shape {
    fn from(dims: [usize; N]) -> Self {
        Shape(dims.to_vec())
    }
}

impl From<&Shape> for Shape {
    fn from(shape: &Shape) -> Self {
        shape.clone()
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (i, d) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            write!(f, "{d}")?;
        }
        f.write_str("]")
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broadcast_follows_numpy() {
        let s = |d: &[usize]| Shape::from(d);
        assert_eq!(s(&[3, 1]).broadcast(&s(&[4])), Some(s(&[3, 4])));
        assert_eq!(s(&[]).broadcast(&s(&[2, 0])), Some(s(&[2, 0])));
        assert_eq!(s(&[1]).broadcast(&s(&[0])), Some(s(&[0])));
        assert_eq!(s(&[3]).broadcast(&s(&[2])), None);
    }

    #[test]
    fn an_absurd_shape_saturates() {
        assert_eq!(Shape::from([usize::MAX, 3]).len(), usize::MAX);
        assert_eq!(Shape::from([usize::MAX, 0]).len(), 0);
    }

    #[test]
    fn strides_are_row_major() {
        assert_eq!(Shape::from([2, 3, 4]).strides(), vec![12, 4, 1]);
        assert_eq!(Shape::from([2, 3, 4]).axis(-1), Some(2));
        assert_eq!(Shape::from([2, 3, 4]).axis(3), None);
    }
}
