//! The dialect of a delimited text: delimiter, header, comments and decimal mark, found by a
//! sample of its first lines.

use std::collections::HashSet;

use super::cell::{Decimal, is_missing, number};
use super::records::{Record, Records};

/// How a table is written as text.
#[derive(Clone, Debug, PartialEq)]
pub struct Dialect {
    /// The delimiter of cells.
    pub delimiter: u8,
    /// The byte with which comments start.
    pub comment: Option<u8>,
    /// The number of records before the header, or before the rows if there is no header.
    pub skip: usize,
    /// Whether there is a header with the names of the columns.
    pub header: bool,
    /// The decimal mark of numbers.
    pub decimal: Decimal,
    /// Observations for the user.
    pub notes: Vec<String>,
}

/// The parts of a dialect that the user has set.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Given {
    /// The delimiter.
    pub delimiter: Option<u8>,
    /// Whether there is a header.
    pub header: Option<bool>,
    /// The decimal mark.
    pub decimal: Option<Decimal>,
}

const DELIMITERS: [u8; 4] = *b",;\t|";
/// The most records that a dialect is found by.
const RECORDS: usize = 200;

fn name_of(delimiter: u8) -> &'static str {
    match delimiter {
        b',' => "a comma",
        b';' => "a semicolon",
        b'\t' => "a tab",
        b'|' => "a vertical bar",
        _ => "another character",
    }
}

/// Finds the dialect of a text by its first lines. If the sample is cut off, its last record is not
/// used.
pub fn detect(sample: &str, cut: bool, given: Given) -> Dialect {
    let mut notes = Vec::new();
    let (declared, separator_line) = declared(sample);
    let comment = comment(sample).then_some(b'#');
    if comment.is_some() {
        notes.push("lines that start with \"#\" are comments".to_string());
    }
    let first = usize::from(separator_line);
    let delimiter = given.delimiter.or(declared).unwrap_or_else(|| {
        let scored = DELIMITERS.map(|d| (score(&records(sample, cut, d, comment)), d));
        // At equal scores, the first one counts.
        let best = scored
            .iter()
            .fold(scored[0], |best, s| if s.0 > best.0 { *s } else { best });
        best.1
    });
    if delimiter != b',' && given.delimiter.is_none() {
        notes.push(format!("the delimiter is {}", name_of(delimiter)));
    }
    let rows = records(sample, cut, delimiter, comment);
    let rows = rows.get(first..).unwrap_or_default();
    let titles = titles(rows);
    if titles > 0 {
        let line = rows.first().map_or(1, |row| row.line);
        let title = rows
            .first()
            .map(|row| row.cells().collect::<Vec<_>>().join(" "));
        notes.push(format!(
            "line {line} is no header, but a title: {:?}",
            title.unwrap_or_default().trim()
        ));
    }
    let rows = rows.get(titles..).unwrap_or_default();
    let decimal = given.decimal.unwrap_or_else(|| decimal(rows));
    if decimal == Decimal::Comma && given.decimal.is_none() {
        notes.push("the decimal mark is a comma".to_string());
    }
    let header = given.header.unwrap_or_else(|| has_header(rows, decimal));
    if !header && given.header.is_none() {
        let names = "the columns are named column_1, column_2 and so on";
        notes.push(format!("there is no header: {names}"));
    }
    Dialect {
        delimiter,
        comment,
        skip: first + titles,
        header,
        decimal,
        notes,
    }
}

/// Returns the delimiter of a first line `sep=;`, which spreadsheets write, and whether there is
/// such a line.
fn declared(sample: &str) -> (Option<u8>, bool) {
    let line = sample
        .lines()
        .next()
        .unwrap_or_default()
        .trim_end_matches('\r');
    let line = line.trim_matches('"');
    let start = line
        .get(..4)
        .is_some_and(|s| s.eq_ignore_ascii_case("sep="));
    match line.get(4..).map(str::as_bytes) {
        Some(&[delimiter]) if start => (Some(delimiter), true),
        _ => (None, false),
    }
}

/// Returns whether the first line is a comment. A header may start with `#` as well: it has as many
/// cells as the next line, and more than one.
fn comment(sample: &str) -> bool {
    let mut lines = sample.lines().filter(|line| !line.trim().is_empty());
    let Some(first) = lines.next().filter(|line| line.starts_with('#')) else {
        return false;
    };
    let next = lines.next().unwrap_or_default();
    let count = |line: &str, d: u8| line.bytes().filter(|b| *b == d).count();
    let is_header = |d: &u8| {
        let n = count(first, *d);
        n > 0 && n == count(next, *d) && !next.starts_with('#')
    };
    !DELIMITERS.iter().any(is_header)
}

/// Returns the records of a sample, without the last one if it is cut off. An error ends them.
fn records(sample: &str, cut: bool, delimiter: u8, comment: Option<u8>) -> Vec<Record> {
    let mut reader = Records::new(sample.as_bytes(), "", delimiter, comment);
    let mut all = Vec::new();
    loop {
        let mut record = Record::default();
        match reader.next(&mut record) {
            Ok(true) if all.len() < RECORDS => all.push(record),
            _ => break,
        }
    }
    if cut {
        all.pop();
    }
    all
}

/// Returns how well a delimiter fits: the fraction of records with the most frequent number of
/// cells, times that number's weight. One cell per record is the worst.
fn score(rows: &[Record]) -> f64 {
    let Some(mode) = mode(rows).filter(|mode| *mode > 1) else {
        return 0.0;
    };
    let fitting = rows.iter().filter(|row| row.len() == mode).count();
    let share = fitting as f64 / rows.len() as f64;
    share * share + 1e-3 * (mode as f64).min(100.0)
}

/// Returns the most frequent number of cells, the largest of them.
fn mode(rows: &[Record]) -> Option<usize> {
    let count = |n: usize| rows.iter().filter(|row| row.len() == n).count();
    rows.iter().map(Record::len).max_by_key(|n| (count(*n), *n))
}

/// Returns the number of records at the start that are titles: they have fewer cells with text than
/// there are columns, and the record after them has names for all columns.
fn titles(rows: &[Record]) -> usize {
    let width = mode(rows).unwrap_or(0);
    let filled = |row: &Record| row.cells().filter(|c| !c.is_empty()).count();
    // The name of an index column may be empty, but a title stands in the first cell.
    let title = |row: &Record| {
        let few = filled(row) * 2 < width && !row.cell(0).is_empty();
        width > 1 && (few || row.len() == 1)
    };
    let count = rows.iter().take_while(|row| title(row)).count();
    let named = |row: &Record| {
        let names: HashSet<&str> = row.cells().collect();
        row.len() == width && names.len() == width && filled(row) == width
    };
    match rows.get(count) {
        Some(row) if count <= 10 && named(row) => count,
        _ => 0,
    }
}

/// Returns whether the first record is a header: none of its cells is a number or a missing cell
/// with text, and no name is there twice.
fn has_header(rows: &[Record], decimal: Decimal) -> bool {
    let Some(first) = rows.first() else {
        return true;
    };
    let is_value = |c: &str| !c.is_empty() && (number(c, decimal).is_some() || is_missing(c));
    let numeric = first.cells().filter(|c| is_value(c)).count();
    // Columns of a pivoted table may be named by numbers, such as years.
    let text = first.cells().any(|c| !c.is_empty() && !is_value(c));
    let values_below = rows.get(1).is_some_and(|row| {
        let pairs = first.cells().zip(row.cells());
        pairs
            .filter(|(name, cell)| !is_value(name) && is_value(cell))
            .count()
            > 0
    });
    numeric == 0 || (text && values_below && numeric * 2 < first.len().max(1)) || years(first)
}

/// Returns whether the first name is a text, and the others are years in equal steps.
fn years(row: &Record) -> bool {
    let years: Option<Vec<f64>> = row.cells().skip(1).map(|c| c.parse().ok()).collect();
    let years = years.unwrap_or_default();
    let in_range = years.iter().all(|v| (1500.0..2200.0).contains(v));
    let mut steps = years.windows(2).map(|pair| match pair {
        [a, b] => b - a,
        _ => 0.0,
    });
    let step = steps.next().unwrap_or(0.0);
    let text = row
        .cells()
        .next()
        .is_some_and(|c| c.parse::<f64>().is_err());
    text && in_range && step != 0.0 && steps.all(|s| s == step)
}

/// Returns the decimal mark by which more cells are numbers only by that mark.
fn decimal(rows: &[Record]) -> Decimal {
    let only = |mark: Decimal, other: Decimal| {
        let cells = rows.iter().flat_map(Record::cells);
        cells
            .filter(|c| c.contains([',', '.']))
            .filter(|c| number(c, mark).is_some() && number(c, other).is_none())
            .count()
    };
    match only(Decimal::Comma, Decimal::Point) > only(Decimal::Point, Decimal::Comma) {
        true => Decimal::Comma,
        false => Decimal::Point,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(sample: &str) -> Dialect {
        detect(sample, false, Given::default())
    }

    fn facts(sample: &str) -> (char, usize, bool, Decimal) {
        let d = of(sample);
        (char::from(d.delimiter), d.skip, d.header, d.decimal)
    }

    #[test]
    fn dialects_are_found_by_their_first_lines() {
        use Decimal::{Comma, Point};
        let cases = [
            ("pop,age,y\n\"1,234\",3,a\n", (',', 0, true, Point)),
            ("x;age;y\n1,5;3;a\n", (';', 0, true, Comma)),
            ("sep=;\nx;y\n1;2\n3;4\n", (';', 1, true, Point)),
            ("# exported\nx,y\n1,2\n", (',', 0, true, Point)),
            (
                "Report of sales,,\nx,y,z\n1,2,3\n4,5,6\n",
                (',', 1, true, Point),
            ),
            ("x\ty\n1\t2\n", ('\t', 0, true, Point)),
            ("x|y\n1|2\n", ('|', 0, true, Point)),
            ("5.1,3.5,a\n4.9,3.0,a\n4.7,3.2,b\n", (',', 0, false, Point)),
            (
                "text\nhello; you\nand, you\nplain\nmore\nlast\n",
                (',', 0, true, Point),
            ),
            ("country,1990,1991\nA,5,6\nB,7,8\n", (',', 0, true, Point)),
            ("#id,x\n1,2\n3,4\n", (',', 0, true, Point)),
            (",x,y\n0,1,a\n1,2,b\n", (',', 0, true, Point)),
        ];
        for (sample, expected) in cases {
            assert_eq!(facts(sample), expected, "{sample}");
        }
    }

    #[test]
    fn what_is_unusual_is_noted() {
        assert_eq!(of("x,y\n1,2\n").notes, Vec::<String>::new());
        let notes = of("Report of sales,,\na;b;c\n1;2;3\n4;5;6\n2;3;4\n").notes;
        assert_eq!(
            notes,
            [
                "the delimiter is a semicolon",
                "line 1 is no header, but a title: \"Report of sales,,\""
            ]
        );
        assert!(of("1,2\n3,4\n").notes[0].starts_with("there is no header"));
    }

    #[test]
    fn what_is_given_is_kept() {
        let given = Given {
            delimiter: Some(b';'),
            header: Some(false),
            decimal: Some(Decimal::Comma),
        };
        let d = detect("x,y\n1,2\n", false, given);
        assert_eq!(
            (d.delimiter, d.header, d.decimal),
            (b';', false, Decimal::Comma)
        );
        assert_eq!(d.notes, ["lines"; 0]);
    }
}
