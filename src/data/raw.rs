//! Raw tables: files as people have them, read as text cells with their lines.

mod blocks;
pub mod cell;
pub mod date;
mod delimited;
pub mod dialect;
mod encoding;
mod files;
mod folder;
mod json;
mod kind;
#[cfg(feature = "parquet")]
mod parquet;
mod read;
pub mod records;
mod source;
mod table;

pub use blocks::Block;
pub use cell::Decimal;
pub use dialect::Dialect;
pub use files::FileList;
pub use folder::train_and_test;
pub use read::ColumnFormat;
pub use records::{Record, RowPlace};
pub use table::{RawTable, ReadOptions};

#[cfg(test)]
mod tests;
