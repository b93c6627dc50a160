//! Parquet files, read by row group.
//!
//! The values become texts: numbers as the shortest text of the same value, dates and times in the
//! formats of ISO 8601, in UTC.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type as Physical};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::DataType;
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;

use super::records::Record;
use crate::error::{Error, Result};

/// The number of rows that are decoded at a time.
const BATCH: usize = 1024;

/// A Parquet file: its columns.
#[derive(Clone, Debug)]
pub struct ParquetTable {
    path: PathBuf,
    columns: Vec<String>,
    kinds: Vec<Kind>,
    notes: Vec<String>,
}

/// How the values of a column are written as text.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    /// Numbers and booleans as they are.
    Plain,
    /// 32 or 64 bits without a sign.
    Unsigned,
    /// Integers with this number of decimal places.
    Decimal(u32),
    /// Days since 1970-01-01.
    Date,
    /// A number of nanoseconds, by which the value is multiplied to get nanoseconds since 1970.
    Timestamp(i64),
    /// Times of the day, in units of this number of nanoseconds.
    Time(i64),
    /// Text in UTF-8.
    Text,
    /// Two bytes of a number.
    Half,
}

impl Kind {
    /// Returns how a column is written as text, or `None` if its type is no cell.
    fn of(column: &ColumnDescriptor) -> Option<Kind> {
        let unit = |unit: &TimeUnit| match unit {
            TimeUnit::MILLIS => 1_000_000,
            TimeUnit::MICROS => 1_000,
            TimeUnit::NANOS => 1,
        };
        let scale = || u32::try_from(column.type_scale()).ok().filter(|s| *s <= 38);
        let physical = column.physical_type();
        let bytes = matches!(
            physical,
            Physical::BYTE_ARRAY | Physical::FIXED_LEN_BYTE_ARRAY
        );
        match column.logical_type_ref() {
            Some(LogicalType::Timestamp(t)) => return Some(Kind::Timestamp(unit(&t.unit))),
            Some(LogicalType::Time(t)) => return Some(Kind::Time(unit(&t.unit))),
            Some(LogicalType::Decimal(_)) => return scale().map(Kind::Decimal),
            Some(LogicalType::Date) => return Some(Kind::Date),
            Some(LogicalType::Float16) => return Some(Kind::Half),
            Some(LogicalType::Integer(i)) if !i.is_signed => return Some(Kind::Unsigned),
            _ => {}
        }
        match column.converted_type() {
            ConvertedType::TIMESTAMP_MILLIS => Some(Kind::Timestamp(1_000_000)),
            ConvertedType::TIMESTAMP_MICROS => Some(Kind::Timestamp(1_000)),
            ConvertedType::TIME_MILLIS => Some(Kind::Time(1_000_000)),
            ConvertedType::TIME_MICROS => Some(Kind::Time(1_000)),
            ConvertedType::DATE => Some(Kind::Date),
            ConvertedType::DECIMAL => scale().map(Kind::Decimal),
            ConvertedType::UINT_8
            | ConvertedType::UINT_16
            | ConvertedType::UINT_32
            | ConvertedType::UINT_64 => Some(Kind::Unsigned),
            ConvertedType::UTF8 | ConvertedType::ENUM | ConvertedType::JSON => Some(Kind::Text),
            // Old writers mark texts as bytes.
            ConvertedType::NONE if physical == Physical::BYTE_ARRAY => Some(Kind::Text),
            ConvertedType::INTERVAL | ConvertedType::BSON => None,
            _ if physical == Physical::INT96 => Some(Kind::Timestamp(1)),
            _ => (!bytes).then_some(Kind::Plain),
        }
    }

    fn integer(self, value: i64, unsigned: u64) -> Option<String> {
        Some(match self {
            Kind::Unsigned => unsigned.to_string(),
            Kind::Decimal(scale) => decimal(i128::from(value), scale),
            Kind::Date => {
                let hours = value.checked_mul(24)?;
                let days = SignedDuration::try_from_hours(hours)?;
                let date = Date::constant(1970, 1, 1).checked_add(days).ok()?;
                date.to_string()
            }
            Kind::Timestamp(unit) => timestamp(i128::from(value) * i128::from(unit))?,
            Kind::Time(unit) => time(i128::from(value) * i128::from(unit))?,
            _ => value.to_string(),
        })
    }

    fn bytes(self, bytes: &[u8]) -> Option<String> {
        match self {
            Kind::Decimal(scale) => {
                // Big-endian, in two's complement.
                let negative = bytes.first().is_some_and(|b| *b >= 0x80);
                let mut all = if negative { [0xff; 16] } else { [0; 16] };
                let start = all.len().checked_sub(bytes.len())?;
                all.get_mut(start..)?.copy_from_slice(bytes);
                Some(decimal(i128::from_be_bytes(all), scale))
            }
            Kind::Half => {
                let bytes = <[u8; 2]>::try_from(bytes).ok()?;
                Some(half::f16::from_le_bytes(bytes).to_string())
            }
            _ => std::str::from_utf8(bytes).ok().map(str::to_string),
        }
    }
}

/// Writes an integer with decimal places.
fn decimal(value: i128, scale: u32) -> String {
    if scale == 0 {
        return value.to_string();
    }
    let sign = if value < 0 { "-" } else { "" };
    let width = scale as usize + 1;
    let digits = format!("{:0width$}", value.unsigned_abs());
    let (whole, fraction) = digits.split_at(digits.len() - scale as usize);
    format!("{sign}{whole}.{fraction}")
}

/// Writes nanoseconds since 1970 as a date and a time.
fn timestamp(nanoseconds: i128) -> Option<String> {
    let at = Timestamp::from_nanosecond(nanoseconds).ok()?;
    let at = jiff::tz::TimeZone::UTC.to_datetime(at);
    Some(at.to_string())
}

/// Writes nanoseconds since midnight as a time.
fn time(nanoseconds: i128) -> Option<String> {
    let at = i64::try_from(nanoseconds).ok()?;
    let at = jiff::civil::Time::midnight()
        .checked_add(SignedDuration::from_nanos(at))
        .ok()?;
    Some(at.to_string())
}

fn float(value: f64, shortest: String) -> String {
    match value.fract() == 0.0 && value.abs() < 1e15 {
        true => value.to_string(),
        false => shortest,
    }
}

/// A column of a row group that is being read.
struct Reader {
    reader: ColumnReader,
    kind: Kind,
    /// The cells of the batch; a missing one is `None`.
    cells: Vec<Option<String>>,
}

impl Reader {
    /// Reads the cells of the next rows.
    fn fill(&mut self, rows: usize) -> std::result::Result<(), String> {
        let kind = self.kind;
        let cells = &mut self.cells;
        match &mut self.reader {
            ColumnReader::BoolColumnReader(r) => batch(r, rows, cells, |v| Some(v.to_string())),
            ColumnReader::Int32ColumnReader(r) => batch(r, rows, cells, |v| {
                kind.integer(i64::from(*v), u64::from(*v as u32))
            }),
            ColumnReader::Int64ColumnReader(r) => {
                batch(r, rows, cells, |v| kind.integer(*v, *v as u64))
            }
            ColumnReader::Int96ColumnReader(r) => {
                batch(r, rows, cells, |v| timestamp(i128::from(v.to_nanos())))
            }
            ColumnReader::FloatColumnReader(r) => batch(r, rows, cells, |v| {
                Some(float(f64::from(*v), format!("{v:?}")))
            }),
            ColumnReader::DoubleColumnReader(r) => {
                batch(r, rows, cells, |v| Some(float(*v, format!("{v:?}"))))
            }
            ColumnReader::ByteArrayColumnReader(r) => {
                batch(r, rows, cells, |v| kind.bytes(v.data()))
            }
            ColumnReader::FixedLenByteArrayColumnReader(r) => {
                batch(r, rows, cells, |v| kind.bytes(v.data()))
            }
        }
    }
}

/// Reads the next `rows` cells of a column, and writes the values as text.
fn batch<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    rows: usize,
    cells: &mut Vec<Option<String>>,
    write: impl Fn(&T::T) -> Option<String>,
) -> std::result::Result<(), String> {
    cells.clear();
    let (mut values, mut levels) = (Vec::new(), Vec::new());
    while cells.len() < rows {
        values.clear();
        levels.clear();
        let wanted = rows - cells.len();
        let (read, _, _) =
            guarded(|| reader.read_records(wanted, Some(&mut levels), None, &mut values))?;
        if read == 0 {
            return Err(damaged("it has fewer values than rows"));
        }
        let mut values = values.iter();
        for i in 0..read {
            // Without levels, no cell is missing.
            let present = levels.get(i).is_none_or(|level| *level > 0);
            let text = match (present, present.then(|| values.next()).flatten()) {
                (false, _) => None,
                (true, Some(value)) => {
                    let text = write(value);
                    Some(text.ok_or("a value is no text or is out of range")?)
                }
                (true, None) => return Err(damaged("it has fewer values than rows")),
            };
            cells.push(text);
        }
    }
    Ok(())
}

/// Returns the text of an error, with advice for what is not compiled in.
fn reason(error: &ParquetError) -> String {
    let text = error.to_string();
    let codec = ["ZSTD", "BROTLI", "LZ4", "LZO"];
    let found = codec.iter().find(|c| text.to_uppercase().contains(**c));
    match found {
        Some(codec) => format!(
            "the columns are compressed with {codec}, which is not read; write the file with Snappy \
             or gzip (pandas: to_parquet(file, compression=\"snappy\"))"
        ),
        None => format!("the Parquet file cannot be read: {text}"),
    }
}

impl ParquetTable {
    pub fn open(path: &Path) -> Result<ParquetTable> {
        let place = path.display().to_string();
        let reader = reader(path)?;
        let schema = reader.metadata().file_metadata().schema_descr();
        let (mut nested, mut other) = (Vec::new(), Vec::new());
        let mut table = ParquetTable {
            path: path.to_path_buf(),
            columns: Vec::new(),
            kinds: Vec::new(),
            notes: vec!["the file is Parquet".to_string()],
        };
        for column in schema.columns() {
            let name = column.path().parts().first().map_or("", String::as_str);
            let flat = column.path().parts().len() == 1 && column.max_rep_level() == 0;
            match Kind::of(column) {
                _ if !flat => nested.push(format!("{name:?}")),
                None => other.push(format!("{name:?}")),
                Some(kind) => {
                    table.columns.push(name.to_string());
                    table.kinds.push(kind);
                }
            }
        }
        nested.dedup();
        let mut names = table.columns.clone();
        names.sort();
        if let Some([name, ..]) = names.windows(2).find(|pair| pair.first() == pair.last()) {
            return Err(Error::data(
                place,
                format!("there are two columns {name:?}"),
            ));
        }
        let columns = if nested.len() == 1 {
            "column"
        } else {
            "columns"
        };
        if !nested.is_empty() {
            let reason = format!(
                "expected columns of numbers, booleans, texts and dates, found the nested {columns} \
                 {}; write the file without them, or with a column for each part",
                nested.join(", ")
            );
            return Err(Error::data(place, reason));
        }
        if !other.is_empty() {
            let reason = format!(
                "expected columns of numbers, booleans, texts and dates, found bytes or intervals in \
                 {}; write the file without them",
                other.join(", ")
            );
            return Err(Error::data(place, reason));
        }
        if table.columns.is_empty() {
            return Err(Error::data(place, "expected columns, found none"));
        }
        Ok(table)
    }

    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    pub fn place(&self) -> String {
        self.path.display().to_string()
    }

    /// Calls `each` with every row.
    pub fn for_each(&self, mut each: impl FnMut(&mut Record) -> Result<()>) -> Result<u64> {
        let reader = reader(&self.path)?;
        let error = |reason: String| Error::data(self.place(), reason);
        let mut record = Record::default();
        let mut row = 0u64;
        for group in 0..reader.num_row_groups() {
            let group = guarded(|| reader.get_row_group(group)).map_err(error)?;
            let mut readers = guarded(|| self.readers(group.as_ref())).map_err(error)?;
            let mut left = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
            while left > 0 {
                let rows = left.min(BATCH);
                left -= rows;
                for (reader, name) in readers.iter_mut().zip(&self.columns) {
                    reader.fill(rows).map_err(|reason| {
                        let place = format!("{}, column {name:?}", self.place());
                        Error::data(place, reason)
                    })?;
                }
                for i in 0..rows {
                    row += 1;
                    record.clear();
                    record.line = row;
                    for reader in &readers {
                        let cell = reader.cells.get(i).and_then(Option::as_deref);
                        record.push(cell.unwrap_or_default());
                    }
                    each(&mut record)?;
                }
            }
        }
        Ok(row)
    }

    fn readers(
        &self,
        group: &dyn RowGroupReader,
    ) -> std::result::Result<Vec<Reader>, ParquetError> {
        let columns = self.kinds.iter().enumerate();
        columns
            .map(|(i, kind)| {
                Ok(Reader {
                    reader: group.get_column_reader(i)?,
                    kind: *kind,
                    cells: Vec::new(),
                })
            })
            .collect()
    }
}

/// Opens a file, and checks the places of its columns.
fn reader(path: &Path) -> Result<SerializedFileReader<File>> {
    let file = File::open(path).map_err(Error::io(path, "open"))?;
    let error = |reason: String| Error::data(path.display().to_string(), reason);
    let reader = guarded(|| SerializedFileReader::new(file)).map_err(error)?;
    let groups = reader.metadata().row_groups().iter();
    let negative = groups.flat_map(|group| group.columns()).any(|column| {
        let start = column.dictionary_page_offset();
        let start = start.unwrap_or_else(|| column.data_page_offset());
        start < 0 || column.compressed_size() < 0
    });
    match negative {
        true => Err(error(damaged("a column starts before the file"))),
        false => Ok(reader),
    }
}

/// Calls a function of the Parquet library. It checks most of what it reads, but panics on some
/// damaged files, which is an error here.
fn guarded<T>(
    call: impl FnOnce() -> std::result::Result<T, ParquetError>,
) -> std::result::Result<T, String> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(done) => done.map_err(|e| reason(&e)),
        Err(_) => Err(damaged("its contents contradict each other")),
    }
}

fn damaged(what: &str) -> String {
    format!("the Parquet file is damaged: {what}")
}

#[cfg(test)]
#[path = "parquet_tests.rs"]
mod tests;
