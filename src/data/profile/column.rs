//! Counts over the cells of a column.

use std::collections::HashMap;

use super::super::hash::fnv1a_parts;
use super::super::raw::RowPlace;
use super::super::raw::cell::{self, Decimal, Written};
use super::super::raw::date::Formats;
use super::problem::MAX_WORDS;
use super::rule::{Inferred, infer};

/// The most distinct values that are counted exactly.
pub const MOST_DISTINCT: usize = 10_000;

/// The profile of a column.
#[derive(Clone, Debug)]
pub struct ColumnProfile {
    /// The name.
    pub name: String,
    /// The number of cells.
    pub rows: u64,
    /// The number of missing cells.
    pub missing: u64,
    /// The number of distinct cells that are not missing; more than that if `more_distinct`.
    pub distinct: usize,
    /// Whether there are more distinct cells than were counted.
    pub more_distinct: bool,
    /// The distinct cells with their counts, the most frequent first; empty if `more_distinct`.
    pub values: Vec<(String, u64)>,
    /// The first distinct cells.
    pub examples: Vec<String>,
    /// The number of cells that are numbers.
    pub numbers: u64,
    /// Whether all numbers are integers.
    pub integers: bool,
    /// Whether the numbers count the rows, each one more than the number before.
    pub counts_rows: bool,
    /// The smallest and the largest number.
    pub range: Option<(f64, f64)>,
    /// The mean of the numbers.
    pub mean: f64,
    /// How some number was written.
    pub(super) written: Written,
    /// The number of cells that are booleans in words.
    pub booleans: u64,
    /// The formats that all cells have as dates.
    pub(super) dates: Formats,
    /// The first cell that is not a number, with its place.
    pub not_a_number: Option<(String, RowPlace)>,
    /// The first distinct cells that are not numbers, at most four.
    pub(super) not_numbers: Vec<String>,
    /// The mean number of words of the cells that are no numbers.
    pub words: f64,
    /// The inferred type.
    pub inferred: Inferred,
}

impl ColumnProfile {
    /// Returns the number of cells that are not missing.
    pub fn present(&self) -> u64 {
        self.rows - self.missing
    }
}

pub(super) struct Counts {
    name: String,
    decimal: Decimal,
    rows: u64,
    missing: u64,
    values: HashMap<Box<str>, u64>,
    more: bool,
    examples: Vec<String>,
    numbers: u64,
    integers: bool,
    counts_rows: bool,
    last: f64,
    range: (f64, f64),
    mean: f64,
    written: Written,
    booleans: u64,
    dates: Formats,
    not_a_number: Option<(String, RowPlace)>,
    not_numbers: Vec<String>,
    words: u64,
}

const EXAMPLES: usize = 3;
/// The most characters of an example.
const EXAMPLE: usize = 40;
/// The most bytes of a cell that is stored as it is.
const LONG: usize = 256;

fn shortened(cell: &str) -> String {
    match cell.char_indices().nth(EXAMPLE) {
        Some((end, _)) => format!("{}...", cell.get(..end).unwrap_or_default()),
        None => cell.to_string(),
    }
}

impl Counts {
    pub fn new(name: &str, decimal: Decimal) -> Self {
        Counts {
            name: name.to_string(),
            decimal,
            rows: 0,
            missing: 0,
            values: HashMap::new(),
            more: false,
            examples: Vec::new(),
            numbers: 0,
            integers: true,
            counts_rows: true,
            last: f64::NAN,
            range: (f64::INFINITY, f64::NEG_INFINITY),
            mean: 0.0,
            written: Written::default(),
            booleans: 0,
            dates: Formats::all(),
            not_a_number: None,
            not_numbers: Vec::new(),
            words: 0,
        }
    }

    pub fn add(&mut self, cell: &str, missing: bool, at: RowPlace) {
        self.rows += 1;
        if missing {
            self.missing += 1;
            self.counts_rows = false;
            return;
        }
        self.count(cell);
        match cell::number(cell, self.decimal) {
            Some(number) => self.add_number(number),
            None => self.add_text(cell, at),
        }
        // Most columns are no dates, so one cell rules them out.
        if !self.dates.is_empty() {
            self.dates.keep(cell);
        }
    }

    fn count(&mut self, cell: &str) {
        // A long text is counted by its start and its hash, so that texts need little memory.
        let short;
        let cell = match cell.len() > LONG {
            true => {
                short = format!(
                    "{} {:016x}",
                    shortened(cell),
                    fnv1a_parts([cell].into_iter())
                );
                &short
            }
            false => cell,
        };
        if let Some(count) = self.values.get_mut(cell) {
            *count += 1;
        } else if self.values.len() < MOST_DISTINCT {
            if self.examples.len() < EXAMPLES {
                self.examples.push(shortened(cell));
            }
            self.values.insert(cell.into(), 1);
        } else {
            self.more = true;
        }
    }

    fn add_number(&mut self, number: cell::Number) {
        let value = number.value;
        self.numbers += 1;
        self.integers &= value.fract() == 0.0;
        self.counts_rows &= self.numbers == 1 || value == self.last + 1.0;
        self.last = value;
        self.range = (self.range.0.min(value), self.range.1.max(value));
        self.mean += (value - self.mean) / self.numbers as f64;
        self.written.thousands |= number.written.thousands;
        self.written.percent |= number.written.percent;
        self.written.currency |= number.written.currency;
    }

    fn add_text(&mut self, cell: &str, at: RowPlace) {
        self.counts_rows = false;
        self.booleans += u64::from(cell::boolean(cell).is_some());
        self.words += cell.split_whitespace().count() as u64;
        if self.not_a_number.is_none() {
            self.not_a_number = Some((shortened(cell), at));
        }
        // One more than a problem names.
        if self.not_numbers.len() <= MAX_WORDS && !self.not_numbers.iter().any(|w| w == cell) {
            self.not_numbers.push(shortened(cell));
        }
    }

    pub fn finish(self, rows: u64) -> ColumnProfile {
        let texts = self.rows - self.missing - self.numbers;
        let mut values: Vec<(String, u64)> = match self.more {
            true => Vec::new(),
            false => {
                let pairs = self.values.iter();
                pairs.map(|(v, n)| (v.to_string(), *n)).collect()
            }
        };
        values.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let mut profile = ColumnProfile {
            name: self.name,
            rows,
            missing: self.missing,
            distinct: self.values.len(),
            more_distinct: self.more,
            values,
            examples: self.examples,
            numbers: self.numbers,
            integers: self.integers && self.numbers > 0,
            counts_rows: self.counts_rows && self.numbers > 0,
            range: (self.numbers > 0).then_some(self.range),
            mean: self.mean,
            written: self.written,
            booleans: self.booleans,
            dates: self.dates,
            not_a_number: self.not_a_number,
            not_numbers: self.not_numbers,
            words: self.words as f64 / texts.max(1) as f64,
            inferred: Inferred::default(),
        };
        profile.inferred = infer(&profile);
        profile
    }
}
