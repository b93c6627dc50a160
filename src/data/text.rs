//! Text as tokens, for language models.
//!
//! # Example
//! ```
//! use wgrad::data::text::{CharTokenizer, Tokens, Tokenizer};
//!
//! # fn main() -> wgrad::Result<()> {
//! let text = "to be or not to be, that is the question";
//! let tokenizer = Tokenizer::from(CharTokenizer::of(text)?);
//! let tokens = Tokens::encode(&tokenizer, text)?;
//! let (train, validation) = tokens.split_last(0.25)?;
//! let set = train.windows(8, 4)?; // samples of 8 tokens, each with the token that follows
//! assert_eq!(set.sample_shape().dims(), [8]);
//! # Ok(())
//! # }
//! ```
//!
//! [`read`] reads a text, a [`Tokenizer`] converts it to token ids, and [`Tokens`] divides these
//! into windows. The windows are a [`Dataset`](super::Dataset) whose targets are the next tokens.

mod characters;
#[cfg(feature = "tokenizers")]
mod pieces;
mod stream;
mod tokenizer;
mod windows;

use std::path::Path;

use super::input::Input;
use crate::{Error, Result};

pub use characters::CharTokenizer;
#[cfg(feature = "tokenizers")]
pub use pieces::PieceTokenizer;
pub use stream::TextStream;
pub use tokenizer::Tokenizer;
pub use windows::Tokens;

/// Reads a text file in UTF-8. Gzip is decompressed, and a byte order mark is removed.
///
/// # Errors
///
/// Returns an error if the file cannot be read, is empty, or is not UTF-8, with the line and byte.
pub fn read(path: impl AsRef<Path>) -> Result<String> {
    let mut input = Input::open(path.as_ref())?;
    let (bytes, place) = (input.rest()?, input.place());
    let text = String::from_utf8(bytes).map_err(|wrong| {
        let at = wrong.utf8_error().valid_up_to();
        let before = wrong.as_bytes().get(..at).unwrap_or_default();
        let line = 1 + before.iter().filter(|b| **b == b'\n').count();
        let byte = wrong.as_bytes().get(at).copied().unwrap_or_default();
        Error::data(
            format!("{place} line {line}"),
            format!("byte {at} (0x{byte:02x}) is not UTF-8; convert the file to UTF-8 first"),
        )
    })?;
    let text = match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_string(),
        None => text,
    };
    match text.is_empty() {
        true => Err(Error::data(place, "the text is empty")),
        false => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::super::input::tests::{file, gzip};
    use super::*;

    #[test]
    fn a_text_is_read_plain_and_compressed() {
        for bytes in [&b"\xef\xbb\xbfone\ntwo"[..], b"one\ntwo"] {
            for stored in [bytes.to_vec(), gzip(bytes)] {
                let (_folder, path) = file("t.txt", &stored);
                assert_eq!(read(&path).unwrap(), "one\ntwo");
            }
        }
    }

    #[test]
    fn what_is_no_text_is_told_where() {
        let error = |bytes: &[u8]| {
            let (_folder, path) = file("t.txt", bytes);
            read(&path).unwrap_err().to_string()
        };
        let text = error(b"ab\nc\xffd");
        assert!(
            text.contains("t.txt line 2: byte 4 (0xff) is not UTF-8"),
            "{text}"
        );
        assert!(error(b"").ends_with("t.txt: the text is empty"));
        assert!(error(b"\xef\xbb\xbf").ends_with("t.txt: the text is empty"));
    }
}
