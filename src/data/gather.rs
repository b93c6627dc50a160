//! Gathers the samples of a batch into buffers of the caller.
//!
//! Each function clears and refills the buffer, so one buffer, allocated once, serves every batch.

use super::dataset::Dataset;
use crate::error::{Error, Result};

impl Dataset {
    /// Gathers the features of these samples, `[rows, ...sample_shape]`, into `out`.
    ///
    /// # Errors
    ///
    /// Returns an error if a sample does not exist; the contents of `out` are then unspecified.
    ///
    /// # Example
    /// ```
    /// use wgrad::data::{Dataset, Targets};
    ///
    /// let set = Dataset::from_arrays(vec![0.0, 1.0, 2.0], [1], Targets::Unlabelled)?;
    /// let mut batch = Vec::new();
    /// set.gather_features(&[2, 0], &mut batch)?;
    /// assert_eq!(batch, [2.0, 0.0]);
    /// # Ok::<(), wgrad::Error>(())
    /// ```
    pub fn gather_features(&self, rows: &[u32], out: &mut Vec<f32>) -> Result<()> {
        out.clear();
        for &row in rows {
            let place = self.place(row as usize);
            let place = place.ok_or_else(|| self.no_sample(row))?;
            let read = self.features.append(place, out).map_err(|e| {
                Error::data("the features on disk", format!("they cannot be read: {e}"))
            })?;
            if !read {
                return Err(self.no_sample(row));
            }
        }
        Ok(())
    }

    /// Gathers the features of these samples as 32-bit words, the format of a device.
    pub(crate) fn gather_feature_words(&self, rows: &[u32], out: &mut Vec<u32>) -> Result<()> {
        let mut numbers: Vec<f32> = bytemuck::cast_vec(std::mem::take(out));
        let gathered = self.gather_features(rows, &mut numbers);
        *out = bytemuck::cast_vec(numbers);
        gathered
    }

    /// Gathers the labels of these samples into `out`: `[rows]`, or `[rows, width]` for several
    /// labels per sample.
    ///
    /// # Errors
    ///
    /// Returns an error if a sample does not exist, or the targets are not classes.
    pub fn gather_labels(&self, rows: &[u32], out: &mut Vec<u32>) -> Result<()> {
        out.clear();
        if self.label_sequences().is_some() {
            for &row in rows {
                let labels = self.labels(row as usize);
                out.extend_from_slice(labels.ok_or_else(|| self.no_sample(row))?);
            }
            return Ok(());
        }
        if self.classes().is_none() {
            return Err(self.wrong_targets("labels are needed"));
        }
        for &row in rows {
            out.push(
                self.label(row as usize)
                    .ok_or_else(|| self.no_sample(row))?,
            );
        }
        Ok(())
    }

    /// Gathers the target values of these samples, `[rows, width]`, into `out`.
    ///
    /// # Errors
    ///
    /// Returns an error if a sample does not exist, or the targets are not values.
    pub fn gather_values(&self, rows: &[u32], out: &mut Vec<f32>) -> Result<()> {
        out.clear();
        if self.target_width().is_none() {
            return Err(self.wrong_targets("target values are needed"));
        }
        for &row in rows {
            let values = self
                .values(row as usize)
                .ok_or_else(|| self.no_sample(row))?;
            out.extend_from_slice(values);
        }
        Ok(())
    }

    /// Returns the number of samples of each class, `[classes]`; `None` if the targets are not
    /// classes.
    pub fn class_counts(&self) -> Option<Vec<usize>> {
        let mut counts = vec![0; self.classes()?];
        for label in (0..self.len()).filter_map(|i| self.label(i)) {
            if let Some(count) = counts.get_mut(label as usize) {
                *count += 1;
            }
        }
        Some(counts)
    }

    pub(super) fn no_sample(&self, row: u32) -> Error {
        Error::argument(
            "a sample's number",
            row,
            format!("below {}, the number of samples", self.len()),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Targets;

    #[test]
    fn a_batch_replaces_what_the_buffer_held() {
        let set = Dataset::from_arrays(
            vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0],
            [2],
            Targets::classes(vec![2, 0, 2], 3),
        )
        .unwrap();
        let (mut features, mut labels) = (vec![9.0; 7], vec![9; 7]);
        set.gather_features(&[2, 0, 2], &mut features).unwrap();
        set.gather_labels(&[2, 1], &mut labels).unwrap();
        assert_eq!(features, [4.0, 5.0, 0.0, 1.0, 4.0, 5.0]);
        assert_eq!(labels, [2, 0]);
        assert_eq!(set.class_counts(), Some(vec![1, 0, 2]));

        let text = set
            .gather_features(&[0, 3], &mut features)
            .unwrap_err()
            .to_string();
        assert_eq!(
            text,
            "a sample's number is 3, but must be below 3, the number of samples"
        );
        assert!(set.gather_labels(&[3], &mut labels).is_err());
        let text = set
            .gather_values(&[0], &mut features)
            .unwrap_err()
            .to_string();
        assert_eq!(
            text,
            "targets: target values are needed, but the targets of this set are classes"
        );
    }

    #[test]
    fn several_labels_a_sample_are_gathered_together() {
        let targets = Targets::Sequences {
            labels: vec![0, 1, 2, 3, 4, 5],
            width: 3,
            classes: 6,
        };
        let set = Dataset::from_arrays(vec![1.0, 2.0], [1], targets).unwrap();
        assert_eq!(set.label_sequences(), Some((3, 6)));
        assert_eq!((set.classes(), set.label(0)), (None, None));
        let mut labels = vec![9];
        set.gather_labels(&[1, 0], &mut labels).unwrap();
        assert_eq!(labels, [3, 4, 5, 0, 1, 2]);
        assert!(set.gather_labels(&[2], &mut labels).is_err());
        assert_eq!(
            set.to_string(),
            "2 samples of shape [1], 3 labels of 6 classes each"
        );
    }

    #[test]
    fn values_are_gathered_whole_rows_at_a_time() {
        let values = vec![0.1, 0.2, 0.3, 0.4];
        let set = Dataset::from_arrays(vec![1.0, 2.0], [1], Targets::Values { values, width: 2 });
        let set = set.unwrap();
        let mut out = vec![];
        set.gather_values(&[1, 0], &mut out).unwrap();
        assert_eq!(out, [0.3, 0.4, 0.1, 0.2]);
        assert!(set.gather_values(&[2], &mut out).is_err());
        assert_eq!(set.class_counts(), None);
        let text = set
            .gather_labels(&[0], &mut vec![])
            .unwrap_err()
            .to_string();
        assert_eq!(
            text,
            "targets: labels are needed, but the targets of this set are values"
        );
    }
}
