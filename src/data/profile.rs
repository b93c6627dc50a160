//! The profile of a table: for each column its inferred type, missing cells, distinct values,
//! range and examples, from one pass over the whole file.

mod column;
mod problem;
mod rule;

pub use column::ColumnProfile;
pub use problem::Problem;
pub use rule::{Inferred, infer};

use self::problem::remedies;
use super::frame::{ColumnType, Frame};
use super::hash::fnv1a_parts;
use super::raw::{ColumnFormat, FileList, RawTable, ReadOptions};
use crate::error::Result;

/// The most distinct rows that others are compared with, so that the memory is bounded.
const MOST_DISTINCT_ROWS: usize = 1 << 22;

/// A table with the profiles of its columns.
///
/// # Example
/// ```
/// use wgrad::data::{ColumnType, Profile, ReadOptions};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("people.csv");
/// std::fs::write(&path, "name;age;member\nAnn;31,5;yes\nBob;NA;no\nCy;20,0;yes\n")?;
/// let profile = Profile::open(&path, &ReadOptions::default())?;
/// let age = profile.column("age").unwrap();
/// assert_eq!((age.inferred.column_type, age.missing), (ColumnType::Number, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Profile {
    /// The table.
    pub table: RawTable,
    /// The number of rows.
    pub rows: u64,
    /// The profiles of the columns, in the table's order.
    pub columns: Vec<ColumnProfile>,
    /// The number of rows that equal an earlier row, of the first 4,194,304 distinct ones.
    pub duplicates: u64,
}

impl Profile {
    /// Opens a table and reads all its rows.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`RawTable::open`] and [`RawTable::for_each`], or an error if the table
    /// has no rows.
    pub fn open(files: impl Into<FileList>, options: &ReadOptions) -> Result<Profile> {
        let mut table = RawTable::open(files, options)?;
        // Each file may turn out to be in another encoding.
        loop {
            match Self::of(table.clone()) {
                Err(error) => match table.in_other_encoding(&error) {
                    Some(other) => table = other?,
                    None => return Err(error),
                },
                done => return done,
            }
        }
    }

    /// Reads all rows of a table.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`RawTable::for_each`], or an error if the table has no rows.
    pub fn of(table: RawTable) -> Result<Profile> {
        let decimal = table.decimal();
        let mut columns: Vec<column::Counts> = table
            .columns()
            .iter()
            .map(|name| column::Counts::new(name, decimal))
            .collect();
        let mut seen = std::collections::HashSet::new();
        let mut duplicates = 0;
        let rows = table.for_each(|row| {
            for (i, counts) in columns.iter_mut().enumerate() {
                let cell = row.cell(i);
                counts.add(cell, table.is_missing(cell), row.place());
            }
            // A separator that no cell of a text has ends each cell.
            let cells = row.cells().flat_map(|cell| [cell, "\u{1f}"]);
            let hash = fnv1a_parts(cells);
            duplicates += match seen.len() < MOST_DISTINCT_ROWS {
                true => u64::from(!seen.insert(hash)),
                false => u64::from(seen.contains(&hash)),
            };
            Ok(())
        })?;
        if rows == 0 {
            let reason = "expected at least one row after the header, found none";
            return Err(crate::Error::data(table.place(), reason));
        }
        let mut columns: Vec<ColumnProfile> = columns.into_iter().map(|c| c.finish(rows)).collect();
        for column in &mut columns {
            if let Some((column_type, reason)) = table.column_type(&column.name) {
                column.inferred = Inferred::of(column_type, reason);
            }
        }
        Ok(Profile {
            table,
            rows,
            columns,
            duplicates,
        })
    }

    /// Returns the profile of a column.
    pub fn column(&self, name: &str) -> Option<&ColumnProfile> {
        self.columns.iter().find(|c| c.name == name)
    }

    /// Returns how columns of these types are read. Dates have the first format that fits all cells.
    pub fn formats(&self, columns: &[(&str, ColumnType)]) -> Vec<ColumnFormat> {
        let format = |&(name, column_type): &(&str, ColumnType)| ColumnFormat {
            name: name.to_string(),
            column_type,
            date_format: match column_type {
                ColumnType::Date => self.column(name).and_then(|c| c.dates.first()),
                _ => None,
            }
            .map(str::to_string),
        };
        columns.iter().map(format).collect()
    }

    /// Reads columns as values of these types, in the order given.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`RawTable::read`].
    pub fn read(&self, columns: &[(&str, ColumnType)]) -> Result<Frame> {
        self.table.read(&self.formats(columns))
    }

    /// Returns an error with all columns of these names whose cells do not fit their inferred types,
    /// and lines for the configuration that solve it; `None` if there are none.
    pub fn problem(&self, names: &dyn Fn(&str) -> bool) -> Option<crate::Error> {
        let columns = self.columns.iter().filter(|c| names(&c.name));
        let problems: Vec<(&str, &Problem)> = columns
            .filter_map(|c| Some((c.name.as_str(), c.inferred.problem.as_ref()?)))
            .collect();
        let lines = problems.iter().map(|(name, problem)| {
            let (message, row) = (&problem.message, self.table.row_name(problem.at));
            format!("column {name:?}: {message} ({row})")
        });
        let lines: Vec<String> = lines.collect();
        let advice =
            "mend the file, or add to [data] of the configuration, which `wgrad new` writes:";
        let reason = [lines, vec![advice.to_string()], remedies(&problems)].concat();
        (!problems.is_empty()).then(|| crate::Error::data(self.table.place(), reason.join("\n")))
    }

    /// Returns the columns of this type.
    pub fn of_type(&self, column_type: ColumnType) -> impl Iterator<Item = &ColumnProfile> {
        let is = move |c: &&ColumnProfile| c.inferred.column_type == column_type;
        self.columns.iter().filter(is)
    }
}

#[cfg(test)]
#[path = "profile/tests.rs"]
mod tests;
