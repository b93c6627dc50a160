//! The rows of a table's training, validation and test split.

use crate::data::{Dataset, Targets, Values, shuffled_rows};
use crate::run::dataset;
use crate::spec::{Config, TableSpec};
use crate::{Error, Result};

/// The rows of each split.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Parts {
    pub train: Vec<u32>,
    pub validation: Option<Vec<u32>>,
    pub test: Option<Vec<u32>>,
}

/// The column that determines the splits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By<'s> {
    /// It names the split of each row.
    Split(&'s str),
    /// It names the group of each row.
    Group(&'s str),
    /// It has the time of each row.
    Time(&'s str),
}

impl<'s> By<'s> {
    /// Returns the column of a table that determines its splits.
    pub fn of(spec: &'s TableSpec) -> Option<Self> {
        let split = spec.split.as_deref().map(By::Split);
        let group = || spec.group.as_deref().map(By::Group);
        let time = || spec.time.as_deref().map(By::Time);
        split.or_else(group).or_else(time)
    }

    /// Returns the column's name.
    pub fn column(self) -> &'s str {
        match self {
            By::Split(name) | By::Group(name) | By::Time(name) => name,
        }
    }
}

/// Splits the rows with these targets. `by` has the cells of the column that determines the splits.
/// Without such a column, rows are drawn, and classes are split in proportion, in both splits.
pub(super) fn split(
    targets: &Targets,
    rows: usize,
    by: Option<(By, &Values)>,
    config: &Config,
) -> Result<Parts> {
    let (test, validation) = (config.data.test_split(), config.data.validation_split);
    let seed = config.training.seed;
    let all = || (0..rows as u32).collect::<Vec<u32>>();
    match by {
        None => drawn(targets, rows, &all(), [test, validation], seed),
        Some((By::Split(name), values)) => {
            let Named {
                train,
                validation: named,
                test,
            } = named(name, values)?;
            if train.is_empty() {
                let reason = "expected rows of the training split, found none";
                return Err(Error::data(format!("column {name:?}"), reason));
            }
            // Without rows for validation, they are drawn from the training rows.
            let mut parts = match named.is_empty() {
                true => drawn(targets, rows, &train, [0.0, validation], seed)?,
                false => Parts {
                    train,
                    validation: Some(named),
                    test: None,
                },
            };
            parts.test = (!test.is_empty()).then_some(test);
            Ok(parts)
        }
        Some((By::Group(name), values)) => {
            let mut groups = groups(name, values)?;
            let order = shuffled_rows(groups.len(), seed, GROUPS);
            let group = |at: &u32| groups.get_mut(*at as usize).map(std::mem::take);
            let mut groups: Vec<Vec<u32>> = order.iter().filter_map(group).collect();
            let mut last = |share: f64, of: usize, what: &str| -> Result<Option<Vec<u32>>> {
                match share > 0.0 {
                    true => take_groups(&mut groups, share * of as f64, what, name).map(Some),
                    false => Ok(None),
                }
            };
            let test = last(test, rows, "test")?;
            let left = rows - test.as_ref().map_or(0, Vec::len);
            let validation = last(validation, left, "validation")?;
            Ok(Parts {
                train: sorted(groups.concat()),
                validation,
                test,
            })
        }
        Some((By::Time(name), values)) => {
            let times = times(name, values)?;
            let mut order = all();
            let time = |row: &u32| times.get(*row as usize).copied().unwrap_or(f64::NAN);
            order.sort_by(|a, b| time(a).total_cmp(&time(b)));
            let mut last = |share: f64, what: &str| -> Result<Option<Vec<u32>>> {
                match share > 0.0 {
                    true => take_last(&mut order, share, &time, what, name).map(Some),
                    false => Ok(None),
                }
            };
            let test = last(test, "test")?;
            let validation = last(validation, "validation")?;
            Ok(Parts {
                train: order,
                validation,
                test,
            })
        }
    }
}

/// The number of the random order that groups are drawn in.
const GROUPS: u64 = u64::from_be_bytes(*b"groups\0\0");

/// Draws these shares of some of the `n` rows for test and validation.
fn drawn(
    targets: &Targets,
    n: usize,
    rows: &[u32],
    [test, validation]: [f64; 2],
    seed: u64,
) -> Result<Parts> {
    // The splits depend on the targets only, so the features may be of any value.
    let plain = Dataset::from_arrays(vec![0.0; n], [1], targets.clone())?;
    let part = |set: &Dataset, share: f64| -> Result<(Dataset, Option<Dataset>)> {
        match share > 0.0 {
            true => {
                let (rest, part) = dataset::split(set, share, seed)?;
                Ok((rest, Some(part)))
            }
            false => Ok((set.clone(), None)),
        }
    };
    let whole = match rows.len() == n {
        true => plain,
        false => plain.subset(rows)?,
    };
    let (rest, test) = part(&whole, test)?;
    let (train, validation) = part(&rest, validation)?;
    let rows = |set: &Dataset| {
        let stored = (0..set.len()).filter_map(|i| set.stored_row(i));
        stored.map(|row| row as u32).collect()
    };
    Ok(Parts {
        train: rows(&train),
        validation: validation.as_ref().map(rows),
        test: test.as_ref().map(rows),
    })
}

/// The rows of each split, as a column names them.
#[derive(Default)]
struct Named {
    train: Vec<u32>,
    validation: Vec<u32>,
    test: Vec<u32>,
}

fn named(column: &str, values: &Values) -> Result<Named> {
    let place = || format!("column {column:?}, which names the splits");
    let Values::Category { codes, names } = values else {
        let reason = format!("expected names, found {}", values.kind());
        return Err(Error::data(place(), reason));
    };
    let numbers: Option<Vec<f64>> = names.iter().map(|name| name.parse().ok()).collect();
    let mut distinct = numbers.clone().unwrap_or_default();
    distinct.sort_by(f64::total_cmp);
    // The last two of several folds are for validation and test.
    let (test, validation) = match distinct.as_slice() {
        [_, .., validation, test] => (Some(*test), Some(*validation)),
        [_, test] => (Some(*test), None),
        _ => (None, None),
    };
    let part = |name: &str| -> Result<usize> {
        if let (Some(_), Ok(number)) = (&numbers, name.parse::<f64>()) {
            return Ok(match Some(number) {
                n if n == test => 2,
                n if n == validation => 1,
                _ => 0,
            });
        }
        match name.to_ascii_lowercase().as_str() {
            "train" | "training" => Ok(0),
            "validation" | "valid" | "val" | "dev" => Ok(1),
            "test" | "testing" | "holdout" => Ok(2),
            _ => {
                let reason = format!(
                    "expected \"train\", \"validation\", \"test\" or numbers, found {name:?}"
                );
                Err(Error::data(place(), reason))
            }
        }
    };
    let parts = names
        .iter()
        .map(|name| part(name))
        .collect::<Result<Vec<usize>>>()?;
    let mut named = Named::default();
    for (row, code) in codes.iter().enumerate() {
        match parts.get(*code as usize) {
            Some(0) => named.train.push(row as u32),
            Some(1) => named.validation.push(row as u32),
            Some(_) => named.test.push(row as u32),
            None => {
                let reason = "expected a split in each row, found a missing cell";
                return Err(Error::data(place(), reason));
            }
        }
    }
    Ok(named)
}

/// Returns the rows of each group, in the order of the names. A row without a group is a group of
/// its own.
fn groups(column: &str, values: &Values) -> Result<Vec<Vec<u32>>> {
    let Values::Category { codes, names } = values else {
        let reason = format!("expected names of groups, found {}", values.kind());
        return Err(Error::data(format!("column {column:?}"), reason));
    };
    let mut groups = vec![Vec::new(); names.len()];
    for (row, code) in codes.iter().enumerate() {
        match groups.get_mut(*code as usize) {
            Some(group) => group.push(row as u32),
            None => groups.push(vec![row as u32]),
        }
    }
    groups.retain(|group| !group.is_empty());
    Ok(groups)
}

/// Takes groups off the end until their rows come closest to `want`: at least one group, and not
/// all. Returns their rows.
fn take_groups(
    groups: &mut Vec<Vec<u32>>,
    want: f64,
    what: &str,
    column: &str,
) -> Result<Vec<u32>> {
    let mut rows = Vec::new();
    while groups.len() > 1 {
        let next = groups.last().map_or(0, Vec::len) as f64;
        if !rows.is_empty() && rows.len() as f64 + next / 2.0 > want {
            break;
        }
        rows.extend(groups.pop().unwrap_or_default());
    }
    match rows.is_empty() {
        false => Ok(sorted(rows)),
        true => {
            let reason = format!("too few groups: the {what} split has none left");
            Err(Error::data(format!("column {column:?}"), reason))
        }
    }
}

fn sorted(mut rows: Vec<u32>) -> Vec<u32> {
    rows.sort_unstable();
    rows
}

fn times<'v>(column: &str, values: &'v Values) -> Result<&'v [f64]> {
    let place = format!("column {column:?}, which has the times");
    let (Values::Number(times) | Values::Date(times)) = values else {
        let reason = format!("expected dates or numbers, found {}", values.kind());
        return Err(Error::data(place, reason));
    };
    match values.missing() {
        0 => Ok(times),
        missing => {
            let cells = if missing == 1 { "cell" } else { "cells" };
            let reason = format!("expected a time in each row, found {missing} missing {cells}");
            Err(Error::data(place, reason))
        }
    }
}

/// Takes the last `share` of the rows, in the order of time. Rows of the same time stay together.
fn take_last(
    order: &mut Vec<u32>,
    share: f64,
    time: &impl Fn(&u32) -> f64,
    what: &str,
    column: &str,
) -> Result<Vec<u32>> {
    let n = order.len();
    let cut = n - ((share * n as f64).round() as usize).clamp(1, n.max(1));
    let same = |a: usize| match (order.get(a), order.get(a.wrapping_sub(1))) {
        (Some(row), Some(before)) => time(row) == time(before),
        _ => false,
    };
    let earlier = (1..=cut).rev().find(|at| !same(*at));
    let later = (cut.max(1)..n).find(|at| !same(*at));
    match earlier.or(later) {
        Some(at) => Ok(order.split_off(at)),
        None => {
            let reason = format!("too few times: the {what} split has none left");
            Err(Error::data(format!("column {column:?}"), reason))
        }
    }
}

#[cfg(test)]
#[path = "split_tests.rs"]
mod tests;
