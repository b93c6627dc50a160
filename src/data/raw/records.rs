//! Splits delimited text into records, and reports malformed quotes.
//!
//! A program that reads what people have must notice a stray quote: it swallows the lines up to the
//! next one. So a quoted cell that is too long, is not closed, or is followed by other text is an
//! error that names the line where the quote opens.

use std::io::Read;

use crate::error::{Error, Result};

/// The most lines and bytes of a quoted cell.
const MOST_LINES: u64 = 100;
const MOST_BYTES: usize = 64 << 10;
/// The number of bytes that are read at a time.
const BLOCK: usize = 1 << 16;

/// The place of a row in a table; [`RawTable::place_of`](super::RawTable::place_of) names it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RowPlace {
    /// The index of the file.
    pub file: usize,
    /// The line in the file where the row starts, counted from 1. In formats without lines, it is
    /// the number of the row.
    pub line: u64,
}

/// A record: its cells as text, and the line where it starts.
#[derive(Default)]
pub struct Record {
    text: String,
    ends: Vec<usize>,
    /// The line of the record's first byte, counted from 1.
    pub line: u64,
    /// The index of the record's file.
    pub file: usize,
}

impl Record {
    /// Returns the place of the record.
    pub fn place(&self) -> RowPlace {
        RowPlace {
            file: self.file,
            line: self.line,
        }
    }

    /// Returns the number of cells.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Returns whether there are no cells.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Returns a cell without surrounding white space; empty past the last one.
    pub fn cell(&self, i: usize) -> &str {
        let start = match i.checked_sub(1) {
            Some(before) => self.ends.get(before).copied().unwrap_or(usize::MAX),
            None => 0,
        };
        let end = self.ends.get(i).copied().unwrap_or(0);
        self.text.get(start..end).unwrap_or_default().trim()
    }

    /// Returns all cells.
    pub fn cells(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|i| self.cell(i))
    }

    /// Appends a cell.
    pub fn push(&mut self, cell: &str) {
        self.text.push_str(cell);
        self.ends.push(self.text.len());
    }

    /// Removes all cells.
    pub fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
    }
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    /// Before the first byte of a cell.
    Start,
    Plain,
    Quoted,
    /// After a quote in a quoted cell: its end, or the first of two.
    Closed,
}

/// The records of a delimited text, as bytes of UTF-8.
pub struct Records<R> {
    input: R,
    place: String,
    delimiter: u8,
    /// Lines that start with this byte are skipped.
    comment: Option<u8>,
    block: Box<[u8]>,
    at: usize,
    filled: usize,
    /// The line of the next byte, counted from 1.
    line: u64,
    after_return: bool,
    text: Vec<u8>,
    text_of: Vec<usize>,
}

impl<R: Read> Records<R> {
    pub fn new(input: R, place: &str, delimiter: u8, comment: Option<u8>) -> Self {
        Records {
            input,
            place: place.to_string(),
            delimiter,
            comment,
            block: vec![0; BLOCK].into_boxed_slice(),
            at: 0,
            filled: 0,
            line: 1,
            after_return: false,
            text: Vec::new(),
            text_of: Vec::new(),
        }
    }

    fn fill(&mut self) -> Result<bool> {
        self.at = 0;
        self.filled = 0;
        while self.filled == 0 {
            match self.input.read(&mut self.block) {
                Ok(0) => return Ok(false),
                Ok(n) => self.filled = n,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => return Err(Error::data(&self.place, e.to_string())),
            }
        }
        Ok(true)
    }

    fn at_line(&self, line: u64) -> String {
        format!("{} line {line}", self.place)
    }

    /// Reads the next record, without blank lines and comments. Returns `false` at the end.
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be read, a quote is malformed, or the text is not UTF-8
    /// (see [`is_not_utf8`]).
    pub fn next(&mut self, record: &mut Record) -> Result<bool> {
        self.text.clear();
        self.text_of.clear();
        let (mut state, mut skip) = (State::Start, false);
        let mut start = None;
        let mut opened = (0, 0);
        loop {
            if self.at == self.filled && !self.fill()? {
                if state == State::Quoted {
                    let reason = "a quote opens here and is not closed in the rest of the file; \
                                  remove it, or double it inside a quoted cell";
                    return Err(Error::data(self.at_line(opened.0), reason));
                }
                return match start {
                    Some(line) if !skip => self.finish(record, line),
                    _ => Ok(false),
                };
            }
            let Some(&byte) = self.block.get(self.at) else {
                return Ok(false);
            };
            self.at += 1;
            // A carriage return with a line feed is a single end of a line.
            let joined = byte == b'\n' && std::mem::take(&mut self.after_return);
            let ends = byte == b'\n' || byte == b'\r';
            self.after_return = byte == b'\r';
            let line = self.line;
            if ends && !joined {
                self.line += 1;
            }
            if skip {
                if ends {
                    (skip, start) = (false, None);
                }
                continue;
            }
            match state {
                State::Quoted => {
                    if byte == b'"' {
                        state = State::Closed;
                        continue;
                    }
                    if !joined {
                        self.text.push(if byte == b'\r' { b'\n' } else { byte });
                    }
                    if self.line - opened.0 > MOST_LINES || self.text.len() - opened.1 > MOST_BYTES
                    {
                        let reason = format!(
                            "the quoted cell that starts here spans more than {MOST_LINES} lines \
                             or {} kB; is its quote a stray one?",
                            MOST_BYTES >> 10
                        );
                        return Err(Error::data(self.at_line(opened.0), reason));
                    }
                }
                _ if ends => {
                    let blank = state == State::Start && self.text_of.is_empty();
                    if blank && self.text.is_empty() {
                        start = None;
                        continue;
                    }
                    return self.finish(record, start.unwrap_or(line));
                }
                _ if byte == self.delimiter => {
                    start = start.or(Some(line));
                    self.text_of.push(self.text.len());
                    state = State::Start;
                }
                State::Start if byte == b'"' => {
                    start = start.or(Some(line));
                    opened = (line, self.text.len());
                    state = State::Quoted;
                }
                State::Start if start.is_none() && self.comment == Some(byte) => skip = true,
                State::Closed if byte == b'"' => {
                    self.text.push(b'"');
                    state = State::Quoted;
                }
                State::Closed if byte == b' ' => {}
                State::Closed => {
                    let reason = format!(
                        "after the quote that closes the cell opened on line {}, expected {:?} or \
                         the end of the line, found {:?}",
                        opened.0,
                        char::from(self.delimiter),
                        char::from(byte)
                    );
                    return Err(Error::data(self.at_line(line), reason));
                }
                State::Start | State::Plain => {
                    start = start.or(Some(line));
                    self.text.push(byte);
                    // White space before a quote is no part of the cell.
                    if byte != b' ' {
                        state = State::Plain;
                    }
                }
            }
        }
    }

    fn finish(&mut self, record: &mut Record, line: u64) -> Result<bool> {
        self.text_of.push(self.text.len());
        std::mem::swap(&mut record.ends, &mut self.text_of);
        record.line = line;
        let text = std::mem::take(&mut self.text);
        let old = std::mem::take(&mut record.text);
        match String::from_utf8(text) {
            Ok(text) => {
                record.text = text;
                self.text = old.into_bytes();
                Ok(true)
            }
            Err(_) => Err(not_utf8(self.at_line(line))),
        }
    }
}

const NOT_UTF8: &str = "the text is not UTF-8";

/// Returns the error of a text that is not UTF-8.
pub fn not_utf8(place: String) -> Error {
    Error::data(place, NOT_UTF8)
}

/// Returns whether an error is that of a text that is not UTF-8.
pub fn is_not_utf8(error: &Error) -> bool {
    matches!(error, Error::Data { reason, .. } if reason == NOT_UTF8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(u64, Vec<String>)>> {
        let mut records = Records::new(text.as_bytes(), "t", b',', Some(b'#'));
        let (mut record, mut all) = (Record::default(), Vec::new());
        while records.next(&mut record)? {
            all.push((record.line, record.cells().map(str::to_string).collect()));
        }
        Ok(all)
    }

    fn rows(text: &str) -> Vec<(u64, Vec<String>)> {
        read(text).unwrap()
    }

    fn row(line: u64, cells: &[&str]) -> (u64, Vec<String>) {
        (line, cells.iter().map(|c| c.to_string()).collect())
    }

    #[test]
    fn records_have_cells_and_lines() {
        for end in ["\n", "\r\n", "\r"] {
            let text = "# note\na,b\n\n\n1, 2 \n,\n\"x, \"\"y\"\"\",\"two\nlines\"\nlast,"
                .replace('\n', end);
            let expected = [
                row(2, &["a", "b"]),
                row(5, &["1", "2"]),
                row(6, &["", ""]),
                row(7, &["x, \"y\"", "two\nlines"]),
                row(9, &["last", ""]),
            ];
            assert_eq!(rows(&text), expected, "{end:?}");
        }
        assert_eq!(rows(""), []);
        assert_eq!(rows("\n\n"), []);
        assert_eq!(rows("a"), [row(1, &["a"])]);
        assert_eq!(rows("\"\"\n"), [row(1, &[""])]);
        // A quote inside a cell is text.
        assert_eq!(rows("5' 3\",b"), [row(1, &["5' 3\"", "b"])]);
    }

    #[test]
    fn blocks_do_not_change_what_is_read() {
        let line = "\"a\"\"b\",c\r\n";
        let text = line.repeat(3 * BLOCK / line.len());
        let all = rows(&text);
        assert_eq!(all.len(), 3 * BLOCK / line.len());
        assert!(all.iter().all(|(_, cells)| cells == &["a\"b", "c"]));
        assert_eq!(all.last().unwrap().0, all.len() as u64);
    }

    #[test]
    fn malformed_quotes_are_named_with_their_lines() {
        let fails = |text: &str, expected: &str| {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        fails(
            "a\n\"b\nc\n",
            "t line 2: a quote opens here and is not closed",
        );
        fails("a\n\"b\"junk\n", "t line 2: after the quote that closes");
        let long = format!("a\n\"b{}\"\n", "\nx".repeat(150));
        fails(
            &long,
            "t line 2: the quoted cell that starts here spans more than 100 lines",
        );
        let wide = format!("\"{}\"", "x".repeat(MOST_BYTES + 1));
        fails(&wide, "line 1: the quoted cell");
    }

    #[test]
    fn text_in_another_encoding_is_recognised() {
        let mut records = Records::new(&b"a\nb\xe9\n"[..], "t", b',', None);
        let mut record = Record::default();
        assert!(records.next(&mut record).unwrap());
        let error = records.next(&mut record).unwrap_err();
        assert!(is_not_utf8(&error), "{error}");
        assert!(error.to_string().contains("t line 2"), "{error}");
    }
}
