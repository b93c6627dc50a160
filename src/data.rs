//! Data sets: reading, validation, splitting, scaling and batching.
//!
//! ```no_run
//! use wgrad::data;
//!
//! # fn main() -> wgrad::Result<()> {
//! let digits = data::csv("digits.csv")?.target("label")?;
//! let (train, test) = digits.split(0.8, 42)?;
//! let (train, scaler) = train.standardized()?;
//! let test = scaler.apply(&test)?;
//! # Ok(())
//! # }
//! ```
//!
//! Data comes from files ([`csv()`], [`idx()`], [`npy()`], and [`text`] for language models; each
//! may be compressed with gzip), from folders of images ([`ImageFolder`]), or from a program's own arrays ([`Dataset::from_arrays`]). The
//! result is a [`Dataset`], from which a trainer gathers its batches.
//!
//! Invariant: every feature of a [`Dataset`] is finite, and every label has a class. Errors name
//! the place: file, line and column, or row and column.
//!
//! Invariant: this module does not depend on training; splits and orders are row numbers.

mod arrays;
mod closest;
mod csv;
mod dataset;
mod describe;
mod disk;
mod entries;
mod features;
mod frame;
mod gather;
pub(crate) mod hash;
mod idx;
mod images;
mod input;
mod labels;
mod npy;
mod npy_header;
mod order;
mod profile;
mod raw;
mod scaler;
mod split;
mod table;
mod targets;
pub mod text;

pub use csv::{csv, csv_delimited};
pub use dataset::Dataset;
pub use disk::DatasetWriter;
pub use frame::{Column, ColumnType, Frame, MISSING, Values};
pub use idx::{idx, idx_images};
pub(crate) use images::splits as image_splits;
pub use images::{Color, ImageFolder, ImageFormat};
pub use npy::{npy, npy_features};
pub(crate) use order::shuffle;
pub use order::{Batches, Order, shuffled_rows};
pub use profile::{ColumnProfile, Inferred, Problem, Profile, infer};
pub use raw::{
    Block, ColumnFormat, Decimal, Dialect, FileList, RawTable, ReadOptions, Record, RowPlace,
    train_and_test,
};
pub use scaler::{Method, Scaler};
pub use table::CsvTable;
pub use targets::Targets;
