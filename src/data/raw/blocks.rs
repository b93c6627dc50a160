//! Reads the columns of a raw table in blocks of rows, so that memory does not grow with the table.

use super::read::{ColumnFormat, Reader};
use super::table::RawTable;
use crate::data::frame::Frame;
use crate::error::{Error, Result};

/// Consecutive rows of a table.
#[derive(Debug)]
pub struct Block {
    /// The typed columns.
    pub frame: Frame,
    /// For each row, the kept cells as texts; empty if none are kept.
    pub kept: Vec<Vec<String>>,
}

impl RawTable {
    /// Returns the indices of columns of these names, in the order given.
    ///
    /// # Errors
    ///
    /// Returns an error with all names that are no column.
    pub fn indices(&self, names: &[impl AsRef<str>]) -> Result<Vec<usize>> {
        let find = |name: &str| self.columns().iter().position(|column| column == name);
        let missing = names.iter().map(AsRef::as_ref);
        let missing: Vec<&str> = missing.filter(|name| find(name).is_none()).collect();
        match missing.as_slice() {
            [] => Ok(names.iter().filter_map(|n| find(n.as_ref())).collect()),
            missing => Err(self.no_columns(missing)),
        }
    }

    /// Calls `each` with blocks of at most `rows` rows, in order, like
    /// [`read_blocks`](RawTable::read_blocks), with the cells of the columns of the indices `kept`
    /// as texts. Returns the number of rows.
    ///
    /// All cells are checked before the first call, in a pass of their own.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`RawTable::read`] before the first call of `each`, and the errors of
    /// `each`. Also an error if the table has no rows.
    pub fn read_kept_blocks(
        &self,
        columns: &[ColumnFormat],
        kept: &[usize],
        rows: usize,
        each: &mut dyn FnMut(Block) -> Result<()>,
    ) -> Result<u64> {
        match self.check(columns, rows) {
            Err(error) => match self.in_other_encoding(&error) {
                Some(other) => return other?.read_kept_blocks(columns, kept, rows, each),
                None => return Err(error),
            },
            Ok(0) => {
                let reason = "expected at least one row after the header, found none";
                return Err(Error::data(self.place(), reason));
            }
            Ok(_) => {}
        }
        self.scan(columns, kept, rows, None, each)
    }

    /// Calls `each` with blocks of at most `rows` rows, in order. The names of a category are those
    /// of the block.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`RawTable::read`], and those of `each`.
    pub fn read_blocks(
        &self,
        columns: &[ColumnFormat],
        rows: usize,
        each: &mut dyn FnMut(Block) -> Result<()>,
    ) -> Result<u64> {
        self.scan(columns, &[], rows, None, each)
    }

    /// Calls `each` with blocks of all rows, or of the `wanted` ones, which are in order. There is
    /// at least one block, which may be empty. Returns the number of rows of the table.
    pub(super) fn scan(
        &self,
        columns: &[ColumnFormat],
        kept: &[usize],
        rows: usize,
        wanted: Option<&[u32]>,
        each: &mut dyn FnMut(Block) -> Result<()>,
    ) -> Result<u64> {
        let mut readers = self.readers(columns)?;
        let mut wanted = wanted.map(|rows| rows.iter().copied().peekable());
        let mut texts = Vec::new();
        let (mut next, mut filled, mut blocks) = (0u32, 0, 0);
        let all = self.for_each(|row| {
            let this = next;
            next = next.saturating_add(1);
            if let Some(wanted) = &mut wanted
                && wanted.next_if_eq(&this).is_none()
            {
                return Ok(());
            }
            for reader in &mut readers {
                reader.read(row, self);
            }
            if !kept.is_empty() {
                texts.push(kept.iter().map(|i| row.cell(*i).to_string()).collect());
            }
            filled += 1;
            if filled < rows {
                return Ok(());
            }
            (filled, blocks) = (0, blocks + 1);
            let full = std::mem::replace(&mut readers, self.readers(columns)?);
            let (frame, kept) = (self.frame(full)?, std::mem::take(&mut texts));
            each(Block { frame, kept })
        })?;
        if filled > 0 || blocks == 0 {
            let frame = self.frame(readers)?;
            each(Block { frame, kept: texts })?;
        }
        Ok(all)
    }

    /// Checks the cells of all rows, and returns the number of rows.
    fn check(&self, columns: &[ColumnFormat], rows: usize) -> Result<u64> {
        let mut readers = self.readers(columns)?;
        let mut filled = 0;
        let all = self.for_each(|row| {
            for reader in &mut readers {
                reader.read(row, self);
            }
            filled += 1;
            if filled == rows {
                filled = 0;
                readers.iter_mut().for_each(Reader::clear);
            }
            Ok(())
        })?;
        self.problems(&readers).map_or(Ok(all), Err)
    }
}
