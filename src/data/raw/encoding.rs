//! The encoding of a text file, found by its content.

use std::io::{BufReader, Cursor, Read};
use std::path::Path;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use encoding_rs_io::DecodeReaderBytesBuilder;

use crate::data::input::Input;
use crate::error::{Error, Result};

/// The number of bytes that the encoding is found by.
const SAMPLE: u64 = 1 << 16;

/// Opens a text file as UTF-8. Without an encoding, it is that of the byte order mark, UTF-16 if
/// every other byte is zero, and UTF-8 otherwise. Returns the encoding and the first bytes.
pub fn open(
    path: &Path,
    encoding: Option<&'static Encoding>,
) -> Result<(Box<dyn Read>, &'static Encoding)> {
    let mut input = Input::open(path)?;
    let sample = input.block(SAMPLE)?;
    let found = encoding.unwrap_or_else(|| detect(&sample));
    let all = Cursor::new(sample).chain(input);
    // UTF-8 is not decoded, so that a text in another encoding is noticed.
    if found == UTF_8 {
        return Ok((Box::new(WithoutMark::new(all)), found));
    }
    let decoder = DecodeReaderBytesBuilder::new()
        .encoding(Some(found))
        .build(BufReader::new(all));
    Ok((Box::new(decoder), found))
}

/// Returns the encoding of a text, from its first bytes.
pub fn detect(sample: &[u8]) -> &'static Encoding {
    if let Some((encoding, _)) = Encoding::for_bom(sample) {
        return encoding;
    }
    // Texts of European languages in UTF-16 have a zero in every other byte.
    let zeros = |odd: usize| {
        let bytes = sample.iter().skip(odd).step_by(2);
        let zeros = bytes.clone().filter(|b| **b == 0).count();
        zeros * 2 > bytes.count().max(1)
    };
    match (zeros(0), zeros(1)) {
        (false, true) => UTF_16LE,
        (true, false) => UTF_16BE,
        _ => UTF_8,
    }
}

/// Returns the encoding with a name, such as `latin1` or `utf-16le`.
pub fn named(name: &str) -> Result<&'static Encoding> {
    Encoding::for_label(name.as_bytes()).ok_or_else(|| {
        let expected = "a name of an encoding, such as \"utf-8\", \"latin1\" or \"utf-16le\"";
        Error::argument("the encoding", name, expected)
    })
}

/// The encoding of a text that is not UTF-8 and has no mark: windows-1252, of which the printable
/// part of Latin-1 is a subset.
pub const OTHER: &Encoding = WINDOWS_1252;

/// A reader that skips the byte order mark of UTF-8.
struct WithoutMark<R> {
    input: R,
    started: bool,
}

impl<R: Read> WithoutMark<R> {
    fn new(input: R) -> Self {
        WithoutMark {
            input,
            started: false,
        }
    }
}

impl<R: Read> Read for WithoutMark<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.started || buffer.len() < 3 {
            return self.input.read(buffer);
        }
        self.started = true;
        let mut n = 0;
        while n < 3 {
            let rest = buffer.get_mut(n..).unwrap_or_default();
            match self.input.read(rest)? {
                0 => break,
                more => n += more,
            }
        }
        if buffer
            .get(..n)
            .is_some_and(|b| b.starts_with(b"\xef\xbb\xbf"))
        {
            buffer.copy_within(3..n, 0);
            n -= 3;
            if n == 0 {
                return self.input.read(buffer);
            }
        }
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::input::tests::{file, gzip};

    fn text(bytes: &[u8]) -> (String, &'static str) {
        let (_folder, path) = file("t.csv", bytes);
        let (mut reader, encoding) = open(&path, None).unwrap();
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        (text, encoding.name())
    }

    #[test]
    fn encodings_are_found_by_their_content() {
        let utf16 = |be: bool, mark: bool| {
            let text = if mark { "\u{feff}a;é\n" } else { "a;é\n" };
            let units = text.encode_utf16();
            let bytes = units.flat_map(|u| if be { u.to_be_bytes() } else { u.to_le_bytes() });
            bytes.collect::<Vec<u8>>()
        };
        assert_eq!(text("a;é\n".as_bytes()), ("a;é\n".to_string(), "UTF-8"));
        assert_eq!(
            text("\u{feff}a;é\n".as_bytes()),
            ("a;é\n".to_string(), "UTF-8")
        );
        assert_eq!(
            text(&gzip("a;é\n".as_bytes())),
            ("a;é\n".to_string(), "UTF-8")
        );
        for mark in [false, true] {
            assert_eq!(text(&utf16(false, mark)), ("a;é\n".to_string(), "UTF-16LE"));
            assert_eq!(text(&utf16(true, mark)), ("a;é\n".to_string(), "UTF-16BE"));
        }
        assert_eq!(text(b""), (String::new(), "UTF-8"));
        assert_eq!(text(b"\xef\xbb\xbf"), (String::new(), "UTF-8"));
    }

    #[test]
    fn an_encoding_can_be_given() {
        let (_folder, path) = file("t.csv", b"caf\xe9 \x80");
        let (mut reader, encoding) = open(&path, Some(named("latin1").unwrap())).unwrap();
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!((text.as_str(), encoding), ("café €", OTHER));
        assert!(named("klingon").is_err());
    }
}
