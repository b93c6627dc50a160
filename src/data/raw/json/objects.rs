//! Splits JSON text into its objects: one after the other, as in JSON lines, or those of an array.

use std::io::Read;

use crate::error::{Error, Result};

/// The most bytes of an object.
const MAX_BYTES: usize = 16 << 20;
/// The most levels of objects and arrays in each other.
const MAX_DEPTH: usize = 64;
/// The number of bytes that are read at a time.
const BLOCK: usize = 1 << 16;

/// The objects of a JSON text. One object is in memory at a time.
pub struct Objects<R> {
    input: R,
    place: String,
    block: Box<[u8]>,
    at: usize,
    filled: usize,
    /// The line of the next byte, counted from 1.
    line: u64,
    /// The number of objects read.
    count: u64,
    array: Option<Array>,
}

/// The position in an array.
#[derive(Clone, Copy, PartialEq)]
enum Array {
    /// After the opening bracket.
    Start,
    /// After an object.
    Object,
    /// After a comma.
    Comma,
    /// After the closing bracket.
    End,
}

/// The place of an object in its file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct At {
    /// The line where the object starts, counted from 1.
    pub line: u64,
    /// The number of the object, counted from 1.
    pub number: u64,
}

impl<R: Read> Objects<R> {
    pub fn new(input: R, place: &str) -> Self {
        Objects {
            input,
            place: place.to_string(),
            block: vec![0; BLOCK].into_boxed_slice(),
            at: 0,
            filled: 0,
            line: 1,
            count: 0,
            array: None,
        }
    }

    /// Returns whether the objects are those of an array.
    pub fn in_array(&self) -> bool {
        self.array.is_some()
    }

    /// Returns the next byte.
    fn byte(&mut self) -> Result<Option<u8>> {
        if self.at == self.filled {
            self.at = 0;
            self.filled = loop {
                match self.input.read(&mut self.block) {
                    Ok(n) => break n,
                    Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                    Err(e) => return Err(Error::data(&self.place, e.to_string())),
                }
            };
            if self.filled == 0 {
                return Ok(None);
            }
        }
        let byte = self.block.get(self.at).copied();
        self.at += 1;
        self.line += u64::from(byte == Some(b'\n'));
        Ok(byte)
    }

    fn error(&self, line: u64, reason: impl Into<String>) -> Error {
        Error::data(format!("{} line {line}", self.place), reason)
    }

    /// Reads the text of the next object, and returns its place.
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be read, something else than an object follows, or the
    /// object is not closed, too long or too deep. The text inside the braces is not checked.
    pub fn next(&mut self, text: &mut Vec<u8>) -> Result<Option<At>> {
        text.clear();
        loop {
            let Some(byte) = self.byte()? else {
                return match self.array {
                    None | Some(Array::End) => Ok(None),
                    Some(_) => {
                        let reason = "the array is not closed: the file is cut short";
                        Err(self.error(self.line, reason))
                    }
                };
            };
            let array = match (byte, self.array) {
                (b' ' | b'\t' | b'\r' | b'\n', array) => array,
                (b'{', None | Some(Array::Start | Array::Comma)) => {
                    self.count += 1;
                    let at = At {
                        line: self.line,
                        number: self.count,
                    };
                    self.object(text, at.line)?;
                    if self.array.is_some() {
                        self.array = Some(Array::Object);
                    }
                    return Ok(Some(at));
                }
                (b'[', None) if self.count == 0 => Some(Array::Start),
                (b',', Some(Array::Object)) => Some(Array::Comma),
                (b']', Some(Array::Start | Array::Object)) => Some(Array::End),
                (byte, array) => {
                    let expected = match array {
                        Some(Array::End) => "the end of the file after the array",
                        Some(Array::Object) => "a comma or ] after an object",
                        _ => "an object, which starts with {",
                    };
                    let found = char::from(byte);
                    let reason = format!("expected {expected}, found {found:?}");
                    return Err(self.error(self.line, reason));
                }
            };
            self.array = array;
        }
    }

    /// Reads an object after its opening brace.
    fn object(&mut self, text: &mut Vec<u8>, start: u64) -> Result<()> {
        text.push(b'{');
        let (mut depth, mut quoted, mut escaped) = (1usize, false, false);
        while depth > 0 {
            let line = self.line;
            let Some(byte) = self.byte()? else {
                let reason = "an object opens here and is not closed in the rest of the file";
                return Err(self.error(start, reason));
            };
            text.push(byte);
            match byte {
                b'\n' | b'\r' if quoted => {
                    let reason = "a text is not closed in its line; add its closing quote";
                    return Err(self.error(line, reason));
                }
                _ if escaped => escaped = false,
                b'\\' if quoted => escaped = true,
                b'"' => quoted = !quoted,
                _ if quoted => {}
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            if depth > MAX_DEPTH {
                let reason =
                    format!("objects and arrays are nested in more than {MAX_DEPTH} levels");
                return Err(self.error(line, reason));
            }
            if text.len() > MAX_BYTES {
                let reason = format!(
                    "the object that starts here is longer than {} MiB; is its closing brace \
                     missing?",
                    MAX_BYTES >> 20
                );
                return Err(self.error(start, reason));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(u64, u64, String)>> {
        let mut objects = Objects::new(text.as_bytes(), "t");
        let (mut bytes, mut all) = (Vec::new(), Vec::new());
        while let Some(at) = objects.next(&mut bytes)? {
            all.push((at.line, at.number, String::from_utf8_lossy(&bytes).into()));
        }
        Ok(all)
    }

    #[test]
    fn objects_are_split() {
        let of = |rows: &[(u64, u64, &str)]| -> Vec<(u64, u64, String)> {
            let rows = rows.iter();
            rows.map(|(line, n, text)| (*line, *n, text.to_string()))
                .collect()
        };
        let lines = "{\"a\": \"}\\\"{\"}\n\n{\n\"b\": [{}]}\r\n";
        let expected = of(&[(1, 1, "{\"a\": \"}\\\"{\"}"), (3, 2, "{\n\"b\": [{}]}")]);
        assert_eq!(read(lines).unwrap(), expected);
        let array = " [{\"a\":1},\n {}\n]\n";
        assert_eq!(
            read(array).unwrap(),
            of(&[(1, 1, "{\"a\":1}"), (2, 2, "{}")])
        );
        assert_eq!(read("[]").unwrap(), []);
        assert_eq!(read("").unwrap(), []);
    }

    #[test]
    fn malformed_text_is_named_with_its_line() {
        let fails = |text: &str, expected: &str| {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        fails(
            "{}\n{\"a\": 1\n",
            "t line 2: an object opens here and is not closed",
        );
        fails(
            "{}\n{\"a: 1}\n{}\n",
            "t line 2: a text is not closed in its line",
        );
        fails(
            "{}\n5\n",
            "t line 2: expected an object, which starts with {, found '5'",
        );
        fails("[{},\n]", "t line 2: expected an object");
        fails("[{}\n{}]", "t line 2: expected a comma or ]");
        fails("[{},", "t line 1: the array is not closed");
        fails("[{}]\n{}", "t line 2: expected the end of the file");
        fails(
            &format!("{{\"a\":{}", "[".repeat(64)),
            "in more than 64 levels",
        );
        let long = format!("{{\"a\":\"{}\"}}", "x".repeat(MAX_BYTES));
        fails(
            &long,
            "t line 1: the object that starts here is longer than 16 MiB",
        );
    }
}
