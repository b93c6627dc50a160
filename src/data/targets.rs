//! The targets of a data set.

use std::collections::HashSet;

use crate::error::{Error, Result};

/// The targets of a data set: the values to predict for each sample.
///
/// # Example
/// ```
/// use wgrad::data::{Dataset, Targets};
///
/// let x = vec![0.0; 4];
/// let classes = Targets::classes(vec![0, 2], 3);
/// let values = Targets::Values { values: vec![1.0, 2.0, 3.0, 4.0], width: 2 };
/// assert_eq!(Dataset::from_arrays(x.clone(), [2], classes)?.classes(), Some(3));
/// assert_eq!(Dataset::from_arrays(x, [2], values)?.values(1), Some(&[3.0, 4.0][..]));
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum Targets {
    /// A class for each sample.
    Classes {
        /// `[n]`: the class of each sample, as an index into `names`.
        labels: Vec<u32>,
        /// `[classes]`: the names of the classes, each once.
        names: Vec<String>,
    },
    /// A class for each of several positions of a sample, for example the next token of each token.
    Sequences {
        /// `[n, width]`, row-major: labels below `classes`.
        labels: Vec<u32>,
        /// The number of labels of a sample, at least 1.
        width: usize,
        /// The number of classes.
        classes: usize,
    },
    /// Numbers: quantities to predict, or probabilities.
    Values {
        /// `[n, width]`, row-major.
        values: Vec<f32>,
        /// The number of values of a sample, at least 1.
        width: usize,
    },
    /// No targets: samples for prediction.
    Unlabelled,
}

impl Targets {
    /// Creates class targets with `classes` classes, named `"0"`, `"1"` and so on; `labels` is
    /// `[n]`.
    pub fn classes(labels: Vec<u32>, classes: usize) -> Self {
        Targets::Classes {
            labels,
            names: (0..classes).map(|c| c.to_string()).collect(),
        }
    }

    /// Creates targets of one value for each sample; `values` is `[n]`.
    pub fn values(values: Vec<f32>) -> Self {
        Targets::Values { values, width: 1 }
    }

    /// Checks that the targets are those of `n` samples.
    pub(super) fn check(&self, n: usize) -> Result<()> {
        match self {
            Targets::Classes { labels, names } => check_classes(labels, names, n),
            Targets::Sequences {
                labels,
                width,
                classes,
            } => check_sequences(labels, *width, *classes, n),
            Targets::Values { values, width } => check_values(values, *width, n),
            Targets::Unlabelled => Ok(()),
        }
    }

    /// Returns the targets of these samples, which must exist.
    pub(super) fn select(&self, rows: &[u32]) -> Targets {
        match self {
            Targets::Classes { labels, names } => Targets::Classes {
                labels: rows
                    .iter()
                    .filter_map(|&row| labels.get(row as usize).copied())
                    .collect(),
                names: names.clone(),
            },
            Targets::Sequences {
                labels,
                width,
                classes,
            } => Targets::Sequences {
                labels: select(labels, rows, *width),
                width: *width,
                classes: *classes,
            },
            Targets::Values { values, width } => Targets::Values {
                values: select(values, rows, *width),
                width: *width,
            },
            Targets::Unlabelled => Targets::Unlabelled,
        }
    }
}

/// Returns row `row` of `[n, width]` values.
pub(super) fn slice<T>(values: &[T], row: usize, width: usize) -> Option<&[T]> {
    let start = row.checked_mul(width)?;
    values.get(start..start.checked_add(width)?)
}

/// Returns these rows of `[n, width]` values.
fn select<T: Copy>(values: &[T], rows: &[u32], width: usize) -> Vec<T> {
    let row = |&row: &u32| slice(values, row as usize, width);
    rows.iter().filter_map(row).flatten().copied().collect()
}

fn check_sequences(labels: &[u32], width: usize, classes: usize, n: usize) -> Result<()> {
    if width == 0 {
        return Err(Error::argument("the labels of a sample", 0, "at least 1"));
    }
    if n.checked_mul(width) != Some(labels.len()) {
        let reason = format!(
            "there are {} labels for {n} samples of {width} each",
            labels.len()
        );
        return Err(Error::data("labels", reason));
    }
    match (0usize..)
        .zip(labels)
        .find(|(_, l)| **l as usize >= classes)
    {
        Some((i, label)) => Err(Error::data(
            format!("labels row {}, position {}", i / width, i % width),
            format!("the label is {label}, but there are {classes} classes"),
        )),
        None => Ok(()),
    }
}

fn check_classes(labels: &[u32], names: &[String], n: usize) -> Result<()> {
    if labels.len() != n {
        return Err(Error::data(
            "labels",
            format!("there are {} labels for {n} samples", labels.len()),
        ));
    }
    let classes = names.len();
    if let Some((row, label)) = (0usize..)
        .zip(labels)
        .find(|(_, l)| **l as usize >= classes)
    {
        return Err(Error::data(
            format!("labels row {row}"),
            match classes {
                0 => format!("the label is {label}, but no class is named"),
                1 => format!("the label is {label}, but the only class is 0"),
                _ => format!(
                    "the label is {label}, but the {classes} classes go from 0 to {}",
                    classes - 1
                ),
            },
        ));
    }
    let mut seen = HashSet::new();
    match names.iter().find(|name| !seen.insert(name.as_str())) {
        Some(twice) => Err(Error::data(
            "class names",
            format!("{twice:?} names two classes"),
        )),
        None => Ok(()),
    }
}

fn check_values(values: &[f32], width: usize, n: usize) -> Result<()> {
    if width == 0 {
        return Err(Error::argument(
            "the width of the target values",
            0,
            "at least 1",
        ));
    }
    if n.checked_mul(width) != Some(values.len()) {
        return Err(Error::data(
            "target values",
            format!(
                "there are {} numbers for {n} samples of width {width}",
                values.len()
            ),
        ));
    }
    match (0usize..).zip(values).find(|(_, v)| !v.is_finite()) {
        Some((i, value)) => Err(Error::data(
            format!("target values row {}, column {}", i / width, i % width),
            format!("the value is {value}, which is not finite"),
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(targets: Targets, n: usize) -> String {
        targets.check(n).unwrap_err().to_string()
    }

    #[test]
    fn classes_are_checked() {
        assert!(Targets::classes(vec![0, 2, 1], 3).check(3).is_ok());
        assert_eq!(
            error(Targets::classes(vec![0, 1], 3), 3),
            "labels: there are 2 labels for 3 samples"
        );
        assert_eq!(
            error(Targets::classes(vec![0, 3], 3), 2),
            "labels row 1: the label is 3, but the 3 classes go from 0 to 2"
        );
        assert_eq!(
            error(Targets::classes(vec![1], 1), 1),
            "labels row 0: the label is 1, but the only class is 0"
        );
        assert_eq!(
            error(Targets::classes(vec![1], 0), 1),
            "labels row 0: the label is 1, but no class is named"
        );
        let twice = Targets::Classes {
            labels: vec![0],
            names: vec!["a".into(), "a".into()],
        };
        assert_eq!(error(twice, 1), "class names: \"a\" names two classes");
    }

    #[test]
    fn values_are_checked() {
        assert!(Targets::values(vec![1.0, 2.0]).check(2).is_ok());
        assert_eq!(
            error(Targets::values(vec![1.0]), 2),
            "target values: there are 1 numbers for 2 samples of width 1"
        );
        let values = vec![0.0, 1.0, f32::NAN, 2.0];
        assert_eq!(
            error(Targets::Values { values, width: 2 }, 2),
            "target values row 1, column 0: the value is NaN, which is not finite"
        );
        let none = Targets::Values {
            values: vec![],
            width: 0,
        };
        assert_eq!(
            error(none, 1),
            "the width of the target values is 0, but must be at least 1"
        );
    }

    #[test]
    fn sequences_are_checked() {
        let sequences = |labels: Vec<u32>, width| Targets::Sequences {
            labels,
            width,
            classes: 3,
        };
        assert!(sequences(vec![0, 2, 1, 1], 2).check(2).is_ok());
        assert_eq!(
            error(sequences(vec![0, 1, 2], 2), 2),
            "labels: there are 3 labels for 2 samples of 2 each"
        );
        assert_eq!(
            error(sequences(vec![0, 1, 2, 3], 2), 2),
            "labels row 1, position 1: the label is 3, but there are 3 classes"
        );
        assert_eq!(
            error(sequences(vec![], 0), 1),
            "the labels of a sample is 0, but must be at least 1"
        );
        let all = sequences(vec![0, 1, 2, 2, 1, 0], 2);
        assert_eq!(all.select(&[2, 0]), sequences(vec![1, 0, 0, 1], 2));
    }

    #[test]
    fn a_selection_may_repeat_samples() {
        let values = Targets::Values {
            values: vec![0.0, 1.0, 2.0, 3.0],
            width: 2,
        };
        let want = Targets::Values {
            values: vec![2.0, 3.0, 0.0, 1.0, 2.0, 3.0],
            width: 2,
        };
        assert_eq!(values.select(&[1, 0, 1]), want);
        assert_eq!(
            Targets::classes(vec![5, 6], 7).select(&[1, 1]),
            Targets::classes(vec![6, 6], 7)
        );
    }
}
