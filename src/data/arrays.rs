//! The named arrays and the sample weights of a data set.

use std::sync::Arc;

use super::dataset::Dataset;
use crate::error::{Error, Result};
use crate::shape::Shape;

/// The values of all stored samples, `[stored, ...shape]`.
#[derive(Clone)]
pub(super) struct Column {
    values: Arc<Vec<f32>>,
    shape: Shape,
}

/// Named arrays and weights. Splits share them without a copy.
#[derive(Clone, Default)]
pub(super) struct Arrays {
    named: Vec<(String, Column)>,
    weights: Option<Column>,
}

impl Dataset {
    /// Adds an array: a further input of the model, or a further target. `values` is
    /// `[n, ...shape]` in row-major order.
    ///
    /// A model reads it with [`Tensor::batch_array`](crate::Tensor::batch_array); a
    /// [`Combined`](crate::loss::Combined) loss compares an output of the same name with it.
    ///
    /// # Errors
    ///
    /// Returns an error if the number of values does not fit the shape, a value is NaN or infinite,
    /// or there is an array of this name already.
    ///
    /// # Example
    ///
    /// ```
    /// use wgrad::data::{Dataset, Targets};
    ///
    /// let set = Dataset::from_arrays(vec![0.0; 6], [3], Targets::classes(vec![0, 1], 2))?
    ///     .with_array("age", vec![31.0, 54.0], [1])?;
    /// assert_eq!(set.array_shape("age").map(|s| s.dims()), Some(&[1][..]));
    /// # Ok::<(), wgrad::Error>(())
    /// ```
    pub fn with_array(
        mut self,
        name: impl Into<String>,
        values: Vec<f32>,
        shape: impl Into<Shape>,
    ) -> Result<Self> {
        let name = name.into();
        let what = format!("the array {name:?}");
        if name.is_empty() {
            return Err(Error::data(
                "an array",
                "expected a name, found an empty one",
            ));
        }
        if self.array(&name).is_some() {
            return Err(Error::data(
                what,
                "expected a new name, found one that is taken",
            ));
        }
        let column = self.column(&what, values, shape.into())?;
        Arc::make_mut(&mut self.arrays).named.push((name, column));
        Ok(self)
    }

    /// Sets the weight of each sample, `[n]`, in losses and metrics. A sample of weight 0 does not
    /// count.
    ///
    /// Losses and metrics become weighted means, `sum(w l) / sum(w)`, like those of scikit-learn with
    /// `sample_weight`.
    /// With class weights, a sample's weight is the product of both.
    ///
    /// # Errors
    ///
    /// Returns an error if there are not `n` weights, or one is negative, NaN or infinite.
    ///
    /// # Example
    ///
    /// ```
    /// use wgrad::prelude::*;
    ///
    /// // The weighted mean of the targets 1, 1 and 5 is 3.
    /// let set = Dataset::from_arrays(vec![1.0; 3], [1], Targets::values(vec![1.0, 1.0, 5.0]))?
    ///     .with_sample_weights(vec![1.0, 1.0, 2.0])?;
    /// let mut trainer = Trainer::new(nn::Linear::new(1, 1).without_bias())
    ///     .loss(loss::Mse)
    ///     .optimizer(optim::Sgd::new(0.5))
    ///     .compile(&Device::cpu(), &set)?;
    /// trainer.fit(&set, Fit::epochs(1).batch_size(3))?;
    /// assert!((trainer.weights("weight")?[0] - 3.0).abs() < 1e-6);
    /// # Ok::<(), wgrad::Error>(())
    /// ```
    pub fn with_sample_weights(self, weights: Vec<f32>) -> Result<Self> {
        self.with_weights(weights, Shape::default())
    }

    /// Sets the weight of each position of each sample, `[n, ...shape]`, in losses and metrics.
    /// Weights of 0 and 1 are a mask. `shape` is the first axes of a sample's loss: a loss of labels
    /// `[n, length]` takes the shape `[length]`. See [`Dataset::with_sample_weights`].
    pub fn with_weights(mut self, weights: Vec<f32>, shape: impl Into<Shape>) -> Result<Self> {
        let column = self.column("the weights", weights, shape.into())?;
        if let Some(i) = column.values.iter().position(|w| *w < 0.0) {
            let reason = format!(
                "expected at least 0, found {} (number {i})",
                column.values[i]
            );
            return Err(Error::data("the weights", reason));
        }
        Arc::make_mut(&mut self.arrays).weights = Some(column);
        Ok(self)
    }

    /// Returns the names of the arrays, in the order in which they were added.
    pub fn array_names(&self) -> impl Iterator<Item = &str> {
        self.arrays.named.iter().map(|(name, _)| name.as_str())
    }

    /// Returns the shape of a sample of the array with this name.
    pub fn array_shape(&self, name: &str) -> Option<&Shape> {
        self.array(name).map(|column| &column.shape)
    }

    /// Returns the shape of a sample's weights, which is a scalar's for one weight per sample. `None`
    /// without weights.
    pub fn weights_shape(&self) -> Option<&Shape> {
        self.arrays.weights.as_ref().map(|column| &column.shape)
    }

    /// Returns the weights of sample `i`; `None` past the end, or without weights.
    pub fn weights(&self, i: usize) -> Option<&[f32]> {
        let column = self.arrays.weights.as_ref()?;
        column.row(self.stored_row(i)?)
    }

    /// Returns the values of these samples in the array with this name, `[rows, ...shape]`, as words
    /// of 32 bits.
    pub(crate) fn gather_array_words(
        &self,
        name: &str,
        rows: &[u32],
        out: &mut Vec<u32>,
    ) -> Result<()> {
        let Some(column) = self.array(name) else {
            let names: Vec<&str> = self.array_names().collect();
            let found = match names.is_empty() {
                true => "it has no arrays".to_string(),
                false => format!("it has {}", names.join(", ")),
            };
            let reason = format!("expected an array {name:?}, which the model reads, but {found}");
            return Err(Error::data("the data", reason));
        };
        self.gather_column(column, rows, out)
    }

    /// Returns the weights of these samples, `[rows, ...shape]`, as words of 32 bits; ones if the set
    /// has no weights.
    pub(crate) fn gather_weight_words(
        &self,
        shape: &Shape,
        rows: &[u32],
        out: &mut Vec<u32>,
    ) -> Result<()> {
        match &self.arrays.weights {
            Some(column) => self.gather_column(column, rows, out),
            None => {
                out.clear();
                out.resize(rows.len() * shape.len(), 1f32.to_bits());
                Ok(())
            }
        }
    }

    fn gather_column(&self, column: &Column, rows: &[u32], out: &mut Vec<u32>) -> Result<()> {
        out.clear();
        for &row in rows {
            let stored = self.stored_row(row as usize);
            let numbers = stored.and_then(|stored| column.row(stored));
            let numbers = numbers.ok_or_else(|| self.no_sample(row))?;
            out.extend(numbers.iter().map(|v| v.to_bits()));
        }
        Ok(())
    }

    /// Returns the set with the arrays and weights of another set of the same samples, in its order.
    pub(super) fn with_arrays_of(self, other: &Dataset) -> Dataset {
        let arrays = match &other.rows {
            None => Arc::clone(&other.arrays),
            Some(rows) => Arc::new(other.arrays.select(rows)),
        };
        Dataset { arrays, ..self }
    }

    fn array(&self, name: &str) -> Option<&Column> {
        let mut all = self.arrays.named.iter();
        all.find(|(n, _)| n == name).map(|(_, column)| column)
    }

    /// Returns values of this set's samples in the order in which the samples are stored.
    fn column(&self, what: &str, values: Vec<f32>, shape: Shape) -> Result<Column> {
        let (n, size) = (self.len(), shape.len());
        if size == 0 || values.len() != n * size {
            let reason = format!(
                "expected {n} samples of shape {shape}, {} numbers, found {}",
                n * size,
                values.len()
            );
            return Err(Error::data(what, reason));
        }
        if let Some(i) = values.iter().position(|v| !v.is_finite()) {
            let reason = format!(
                "expected finite numbers, found {} (sample {})",
                values[i],
                i / size
            );
            return Err(Error::data(what, reason));
        }
        let Some(rows) = &self.rows else {
            let values = Arc::new(values);
            return Ok(Column { values, shape });
        };
        let stored = rows.iter().max().map_or(0, |last| *last as usize + 1);
        let mut all = vec![0.0; stored * size];
        for (row, values) in rows.iter().zip(values.chunks_exact(size)) {
            let at = *row as usize * size;
            if let Some(place) = all.get_mut(at..at + size) {
                place.copy_from_slice(values);
            }
        }
        let values = Arc::new(all);
        Ok(Column { values, shape })
    }
}

impl Arrays {
    /// Returns the arrays of these stored rows, in their order.
    fn select(&self, rows: &[u32]) -> Arrays {
        let named = self.named.iter();
        Arrays {
            named: named
                .map(|(name, column)| (name.clone(), column.select(rows)))
                .collect(),
            weights: self.weights.as_ref().map(|column| column.select(rows)),
        }
    }
}

impl Column {
    fn select(&self, rows: &[u32]) -> Column {
        let selected = rows.iter().filter_map(|row| self.row(*row as usize));
        Column {
            values: Arc::new(selected.flatten().copied().collect()),
            shape: self.shape.clone(),
        }
    }

    fn row(&self, stored: usize) -> Option<&[f32]> {
        let size = self.shape.len();
        self.values.get(stored * size..(stored + 1) * size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Targets;

    fn set() -> Dataset {
        Dataset::from_arrays(vec![0.0, 1.0, 2.0], [1], Targets::values(vec![0.0; 3])).unwrap()
    }

    #[test]
    fn arrays_and_weights_follow_their_samples() {
        let set = set()
            .with_array("a", vec![0.0, 0.5, 1.0, 1.5, 2.0, 2.5], [2])
            .unwrap()
            .with_sample_weights(vec![1.0, 2.0, 3.0])
            .unwrap();
        // A part may have arrays that the whole has not.
        let part = set
            .view(&[2, 0])
            .with_array("b", vec![7.0, 8.0], [1])
            .unwrap();
        let mut words = Vec::new();
        let numbers =
            |words: &[u32]| -> Vec<f32> { words.iter().map(|w| f32::from_bits(*w)).collect() };
        part.gather_array_words("a", &[0, 1], &mut words).unwrap();
        assert_eq!(numbers(&words), [2.0, 2.5, 0.0, 0.5]);
        part.gather_array_words("b", &[1, 0], &mut words).unwrap();
        assert_eq!(numbers(&words), [8.0, 7.0]);
        assert_eq!(part.weights(0), Some(&[3.0][..]));
        let (scaled, _) = part.standardized().unwrap();
        scaled.gather_array_words("a", &[0, 1], &mut words).unwrap();
        assert_eq!(numbers(&words), [2.0, 2.5, 0.0, 0.5]);
        assert_eq!(scaled.weights(1), Some(&[1.0][..]));
        part.gather_weight_words(&Shape::default(), &[1], &mut words)
            .unwrap();
        assert_eq!(numbers(&words), [1.0]);
        assert_eq!(set.array_names().collect::<Vec<_>>(), ["a"]);
        assert!(part.gather_array_words("a", &[2], &mut words).is_err());
    }

    #[test]
    fn a_set_without_weights_counts_all_samples_alike() {
        let mut words = Vec::new();
        set()
            .gather_weight_words(&[2].into(), &[0, 1], &mut words)
            .unwrap();
        assert_eq!(words, [1f32.to_bits(); 4]);
        assert_eq!(set().weights(0), None);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let text = |made: Result<Dataset>| made.err().map(|e| e.to_string()).unwrap_or_default();
        assert_eq!(
            text(set().with_array("a", vec![1.0; 4], [1])),
            "the array \"a\": expected 3 samples of shape [1], 3 numbers, found 4"
        );
        assert_eq!(
            text(set().with_sample_weights(vec![1.0, -1.0, 0.0])),
            "the weights: expected at least 0, found -1 (number 1)"
        );
        assert_eq!(
            text(set().with_sample_weights(vec![1.0, f32::NAN, 0.0])),
            "the weights: expected finite numbers, found NaN (sample 1)"
        );
        let twice = set()
            .with_array("a", vec![0.0; 3], [1])
            .and_then(|s| s.with_array("a", vec![0.0; 3], [1]));
        assert_eq!(
            text(twice),
            "the array \"a\": expected a new name, found one that is taken"
        );
        let text = set()
            .gather_array_words("b", &[0], &mut Vec::new())
            .unwrap_err()
            .to_string();
        assert_eq!(
            text,
            "the data: expected an array \"b\", which the model reads, but it has no arrays"
        );
    }
}
