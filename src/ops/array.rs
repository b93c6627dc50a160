//! Arrays in f64: what the reference computes with.

use crate::Shape;

/// An array of f64 in row-major order. Integers and booleans (0 and 1) are held in f64 too.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// The sizes of the axes.
    pub shape: Shape,
    /// The elements.
    pub data: Vec<f64>,
}

impl Array {
    /// An array of zeros.
    pub fn zeros(shape: impl Into<Shape>) -> Self {
        let shape = shape.into();
        Array {
            data: vec![0.0; shape.len()],
            shape,
        }
    }

    /// An array of these elements, which must be as many as the shape holds.
    pub fn new(shape: impl Into<Shape>, data: Vec<f64>) -> Self {
        let shape = shape.into();
        debug_assert_eq!(shape.len(), data.len());
        Array { shape, data }
    }

    /// The rows: slices along the last axis.
    pub fn rows(&self) -> impl Iterator<Item = &[f64]> {
        self.data.chunks_exact(self.shape.last().max(1))
    }

    /// The rows, to be written.
    pub fn rows_mut(&mut self) -> impl Iterator<Item = &mut [f64]> {
        let n = self.shape.last().max(1);
        self.data.chunks_exact_mut(n)
    }

    /// The largest magnitude, 0 for an empty array.
    pub fn max_abs(&self) -> f64 {
        self.data.iter().fold(0.0, |m, v| f64::max(m, v.abs()))
    }
}
