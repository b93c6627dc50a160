//! Arrays in f64, with which the reference computes.

use crate::Shape;

/// An array of f64 in row-major order. Integers and booleans (0 and 1) are stored as f64 too.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// The sizes of the axes.
    pub shape: Shape,
    /// The elements.
    pub data: Vec<f64>,
}

impl Array {
    /// Creates an array of zeros.
    pub fn zeros(shape: impl Into<Shape>) -> Self {
        let shape = shape.into();
        Array {
            data: vec![0.0; shape.len()],
            shape,
        }
    }

    /// Creates an array of these elements. Their number must be that of the shape.
    pub fn new(shape: impl Into<Shape>, data: Vec<f64>) -> Self {
        let shape = shape.into();
        debug_assert_eq!(shape.len(), data.len());
        Array { shape, data }
    }

    /// Returns the rows: slices along the last axis.
    pub fn rows(&self) -> impl Iterator<Item = &[f64]> {
        self.data.chunks_exact(self.shape.last().max(1))
    }

    /// Returns the rows for writing.
    pub fn rows_mut(&mut self) -> impl Iterator<Item = &mut [f64]> {
        let n = self.shape.last().max(1);
        self.data.chunks_exact_mut(n)
    }

    /// Returns the largest magnitude of a finite element; 0 if there is none. Tolerances depend on
    /// it, and an infinite one would accept every result.
    pub fn max_abs(&self) -> f64 {
        let finite = self.data.iter().filter(|v| v.is_finite());
        finite.fold(0.0, |m, v| f64::max(m, v.abs()))
    }
}
