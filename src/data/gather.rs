//! Gathers the samples of a batch into buffers that the caller keeps.
//!
//! Each function clears the buffer and fills it again, so one buffer serves every batch and is
//! allocated once.

use super::dataset::Dataset;
use crate::error::{Error, Result};

impl Dataset {
    /// The features of these samples, `[rows, ...sample_shape]`, in place of what `out` held.
    ///
    /// # Errors
    ///
    /// Where there is no such sample; `out` then holds no meaningful batch.
    pub fn gather_features(&self, rows: &[u32], out: &mut Vec<f32>) -> Result<()> {
        out.clear();
        for &row in rows {
            let place = self.place(row as usize);
            if !place.is_some_and(|place| self.features.append(place, out)) {
                return Err(self.no_sample(row));
            }
        }
        Ok(())
    }

    /// The features of these samples as words of 32 bits, as a device takes them.
    pub(crate) fn gather_feature_words(&self, rows: &[u32], out: &mut Vec<u32>) -> Result<()> {
        let mut numbers: Vec<f32> = bytemuck::cast_vec(std::mem::take(out));
        let gathered = self.gather_features(rows, &mut numbers);
        *out = bytemuck::cast_vec(numbers);
        gathered
    }

    /// The labels of these samples, `[rows]` or, where a sample has several, `[rows, width]`, in place of
    /// what `out` held.
    ///
    /// # Errors
    ///
    /// Where there is no such sample, or the targets are no classes.
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
            return Err(self.wrong_targets("labels are asked for"));
        }
        for &row in rows {
            out.push(
                self.label(row as usize)
                    .ok_or_else(|| self.no_sample(row))?,
            );
        }
        Ok(())
    }

    /// The target values of these samples, `[rows, width]`, in place of what `out` held.
    ///
    /// # Errors
    ///
    /// Where there is no such sample, or the targets are no values.
    pub fn gather_values(&self, rows: &[u32], out: &mut Vec<f32>) -> Result<()> {
        out.clear();
        if self.target_width().is_none() {
            return Err(self.wrong_targets("target values are asked for"));
        }
        for &row in rows {
            let values = self
                .values(row as usize)
                .ok_or_else(|| self.no_sample(row))?;
            out.extend_from_slice(values);
        }
        Ok(())
    }

    /// How many samples each class has, `[classes]`; `None` where the targets are no classes.
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
            "targets: target values are asked for, but the targets of this set are classes"
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
            "targets: labels are asked for, but the targets of this set are values"
        );
    }
}
