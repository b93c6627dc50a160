//! Tables larger than memory: the preprocessing is fitted to a sample of the training rows, and the
//! features are written to a file once.

use std::path::{Path, PathBuf};

use crate::data::{
    ColumnFormat, Dataset, DatasetWriter, Profile, RawTable, Targets, shuffled_rows,
};
use crate::preprocess::{Missing, PreprocessSpec, Preprocessor};
use crate::spec::TableSpec;
use crate::{Error, Result};

/// The estimated bytes of a cell while a table is read.
const CELL: u64 = 16;

/// The fewest training rows that the preprocessing is fitted to.
const SMALLEST_SAMPLE: usize = 1_000;

/// The number of the random order that the sample is drawn by.
const SAMPLE: u64 = u64::from_be_bytes(*b"sample\0\0");

/// How a table is read that does not fit into the memory limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stream {
    /// The most training rows that the preprocessing is fitted to.
    sample: usize,
    /// The rows that are read and written at a time.
    block: usize,
}

impl Stream {
    /// Returns how a table is read; `None` if it fits into the memory limit, or there is none.
    ///
    /// # Errors
    ///
    /// Returns an error if the preprocessing needs all rows at once.
    pub fn of(
        spec: &TableSpec,
        profile: &Profile,
        features: &[ColumnFormat],
    ) -> Result<Option<Self>> {
        let Some(limit) = spec.memory_limit else {
            return Ok(None);
        };
        // A cell of the table, and about two features that come of it.
        let row = (features.len() as u64).max(1) * (CELL + 8);
        if profile.rows.saturating_mul(row) <= limit.0 {
            return Ok(None);
        }
        let place = profile.table.place();
        if spec.window.is_some() {
            let reason =
                format!("a forecast needs all rows in memory, more than `memory_limit` = {limit}");
            return Err(Error::data(place, reason));
        }
        if fills_forward(&spec.preprocessing) {
            let reason = format!(
                "missing = \"forward_fill\" needs all rows in memory, more than `memory_limit` = {limit}"
            );
            return Err(Error::data(place, reason));
        }
        let share = |part: u64| usize::try_from(limit.0 / part / row).unwrap_or(usize::MAX);
        Ok(Some(Stream {
            sample: share(2).max(SMALLEST_SAMPLE),
            block: share(8).clamp(256, 1 << 16),
        }))
    }

    /// Fits the preprocessing to a sample of the training rows, and writes the features of all rows
    /// to a file in `folder`. `kept` are the rows of the table that have a target; `None` for all.
    pub fn prepare(
        self,
        table: &RawTable,
        columns: &[ColumnFormat],
        spec: &PreprocessSpec,
        (kept, train): (Option<&[usize]>, &[u32]),
        targets: Targets,
        (folder, seed): (&Path, u64),
    ) -> Result<(Preprocessor, Dataset, String)> {
        let rows = self.sampled(kept, train, seed);
        let sample = table.read_rows(columns, &rows)?;
        let all: Vec<usize> = (0..sample.rows()).collect();
        let typed = columns.iter().map(|c| (c.name.clone(), c.column_type));
        let typed: Vec<_> = typed.collect();
        let preprocessor = Preprocessor::fit(&sample, &all, spec, &typed)?;
        drop(sample);

        let names = preprocessor.feature_names();
        let writer = DatasetWriter::create(folder, [names.len()])?;
        let mut writer = writer.feature_names(names);
        let mut start = 0;
        let mut kept = kept.map(|rows| rows.iter().copied().peekable());
        table.read_blocks(columns, self.block, &mut |block| {
            let block = block.frame;
            let rows = start..start + block.rows();
            start = rows.end;
            let block = match &mut kept {
                None => block,
                Some(kept) => {
                    let mut here = Vec::new();
                    while let Some(row) = kept.next_if(|row| *row < rows.end) {
                        here.push(row - rows.start);
                    }
                    block.select(&here)
                }
            };
            writer.push(&preprocessor.transform(&block)?.values)
        })?;
        let note = match rows.len() < train.len() {
            true => format!(
                "the table is larger than `memory_limit`: its features are in a file, and the preprocessing is \
                 fitted to {} of the {} training rows",
                rows.len(),
                train.len()
            ),
            false => {
                "the table is larger than `memory_limit`: its features are in a file".to_string()
            }
        };
        Ok((preprocessor, writer.finish(targets)?, note))
    }

    /// Draws the rows of the table that the preprocessing is fitted to, in order.
    fn sampled(self, kept: Option<&[usize]>, train: &[u32], seed: u64) -> Vec<u32> {
        let of_table = |row: u32| match kept {
            Some(kept) => kept.get(row as usize).map(|row| *row as u32),
            None => Some(row),
        };
        let mut rows: Vec<u32> = match train.len() > self.sample {
            false => train.iter().filter_map(|row| of_table(*row)).collect(),
            true => {
                let order = shuffled_rows(train.len(), seed, SAMPLE);
                let drawn = order.iter().take(self.sample);
                drawn
                    .filter_map(|at| of_table(*train.get(*at as usize)?))
                    .collect()
            }
        };
        rows.sort_unstable();
        rows
    }
}

/// Returns whether a missing cell is the value of an earlier row.
pub(super) fn fills_forward(spec: &PreprocessSpec) -> bool {
    let forward = |missing: Option<Missing>| missing == Some(Missing::ForwardFill);
    forward(Some(spec.numbers.missing)) || spec.overrides.values().any(|c| forward(c.missing))
}

/// Returns the nearest folder above `wanted` that exists.
pub(super) fn existing_folder(wanted: &Path) -> PathBuf {
    let found = wanted.ancestors().find(|folder| folder.is_dir());
    match found {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_path_buf(),
        _ => PathBuf::from("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_has_training_rows_of_the_table_in_order() {
        let stream = Stream {
            sample: 3,
            block: 256,
        };
        let kept = [1, 2, 5, 7, 8, 9];
        let rows = stream.sampled(Some(&kept), &[0, 2, 3, 5], 4);
        assert_eq!(rows.len(), 3);
        assert!(rows.is_sorted());
        assert!(
            rows.iter().all(|row| [1, 5, 7, 9].contains(row)),
            "{rows:?}"
        );
        assert_eq!(stream.sampled(None, &[4, 2], 0), [2, 4]);
    }
}
