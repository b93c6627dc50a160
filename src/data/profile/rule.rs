//! The rule by which the type of a column is inferred.

use super::super::frame::ColumnType;
use super::column::ColumnProfile;
use super::problem::Problem;

/// An inferred type, with the reason.
#[derive(Clone, Debug, PartialEq)]
pub struct Inferred {
    /// The type.
    pub column_type: ColumnType,
    /// Why a column is left out, or what is unusual; empty otherwise.
    pub reason: String,
    /// Cells that do not fit the type: their number, and the place of the first one.
    pub problem: Option<Problem>,
}

impl Default for Inferred {
    fn default() -> Self {
        Inferred::of(ColumnType::Ignore, "")
    }
}

impl Inferred {
    pub(super) fn of(column_type: ColumnType, reason: impl Into<String>) -> Self {
        Inferred {
            column_type,
            reason: reason.into(),
            problem: None,
        }
    }
}

/// The fraction of numbers from which a column is one of numbers with wrong cells.
pub const MOSTLY_NUMBERS: f64 = 0.95;
/// The number of rows from which a column may number them.
pub const ROWS_OF_AN_ID: u64 = 10;
/// The mean number of words from which cells are texts.
pub const WORDS_OF_A_TEXT: f64 = 3.0;

/// Infers the type of a column. The first rule that applies decides:
///
/// 1. No cell, or one distinct cell and none missing: left out.
/// 2. All cells are booleans in words: boolean.
/// 3. All cells are numbers: an id if they count the rows (each is one more than the one before, for
///    at least 10 rows), dates if all are dates of the years 1800 to 2199 as eight digits, otherwise
///    numbers.
/// 4. All cells are dates of one format: dates.
/// 5. At least 95% of the cells are numbers: numbers, with a problem that names the other cells.
/// 6. The cells have 3 words or more on average, and at least half of them are distinct: text.
/// 7. All cells are distinct, for at least 10 rows: an id, left out.
/// 8. Otherwise: a category.
///
/// Missing cells count for none of them.
pub fn infer(c: &ColumnProfile) -> Inferred {
    use ColumnType::{Boolean, Category, Date, Id, Ignore, Number, Text};
    let present = c.present();
    if present == 0 {
        return Inferred::of(Ignore, "all cells are missing");
    }
    if c.distinct == 1 && c.missing == 0 {
        return Inferred::of(Ignore, "all cells are the same");
    }
    if c.booleans == present {
        return Inferred::of(Boolean, "");
    }
    if c.numbers == present {
        return match (c.counts_rows && present >= ROWS_OF_AN_ID, c.dates.first()) {
            (true, _) => Inferred::of(Id, "it counts the rows"),
            (false, Some(format)) => Inferred::of(Date, format!("read as {format}")),
            (false, None) => Inferred::of(Number, written(c)),
        };
    }
    if let Some(format) = c.dates.first() {
        let reason = match c.dates.second() {
            Some(other) => format!("read as {format}; {other} would fit too"),
            None => format!("read as {format}"),
        };
        return Inferred::of(Date, reason);
    }
    if c.numbers as f64 >= MOSTLY_NUMBERS * present as f64 {
        let wrong = present - c.numbers;
        let first = c.not_a_number.as_ref();
        let problem =
            first.map(|(cell, at)| Problem::not_numbers(wrong, *at, cell, &c.not_numbers));
        return Inferred {
            problem,
            ..Inferred::of(Number, written(c))
        };
    }
    let distinct = match c.more_distinct {
        true => f64::INFINITY,
        false => c.distinct as f64,
    };
    if c.words >= WORDS_OF_A_TEXT && distinct * 2.0 >= present as f64 {
        return Inferred::of(Text, "");
    }
    let unique = match c.more_distinct {
        // All counted cells were distinct up to the limit.
        true => c.values.is_empty() && c.distinct as u64 * 2 > present,
        false => c.distinct as u64 == present,
    };
    if unique && present >= ROWS_OF_AN_ID {
        return Inferred::of(Id, "each row has another name");
    }
    Inferred::of(Category, "")
}

/// Returns what was removed from the text of numbers.
fn written(c: &ColumnProfile) -> String {
    let parts = [
        (c.written.thousands, "separators of thousands are removed"),
        (c.written.percent, "percentages are divided by 100"),
        (c.written.currency, "currency signs are removed"),
    ];
    let notes: Vec<&str> = parts.iter().filter(|p| p.0).map(|p| p.1).collect();
    notes.join("; ")
}
