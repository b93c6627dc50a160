//! Tokenizers: conversion between text and token ids.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::CharTokenizer;
#[cfg(feature = "tokenizers")]
use super::PieceTokenizer;
use crate::{Error, Result};

/// A tokenizer, which converts between text and token ids.
///
/// # Example
/// ```
/// use wgrad::data::text::{CharTokenizer, Tokenizer};
///
/// let tokenizer = Tokenizer::from(CharTokenizer::of("hello world")?);
/// let tokens = tokenizer.encode("hello")?;
/// assert_eq!(tokenizer.decode(&tokens), "hello");
/// assert_eq!(tokenizer.vocabulary(), 8);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Tokenizer {
    /// A token for each character.
    Characters(CharTokenizer),
    /// Subword tokens, as defined in a `tokenizer.json`.
    #[cfg(feature = "tokenizers")]
    Pieces(Box<PieceTokenizer>),
}

/// The file of a character tokenizer.
#[derive(Serialize, Deserialize)]
struct Characters {
    /// `"characters"`.
    r#type: String,
    /// The characters, in the order of their tokens.
    characters: String,
    /// Whether there is one more token for all other characters.
    unknown: bool,
}

impl From<CharTokenizer> for Tokenizer {
    fn from(characters: CharTokenizer) -> Self {
        Tokenizer::Characters(characters)
    }
}

impl Tokenizer {
    /// Returns the number of tokens in the vocabulary; token ids are below it.
    pub fn vocabulary(&self) -> usize {
        match self {
            Tokenizer::Characters(t) => t.vocabulary(),
            #[cfg(feature = "tokenizers")]
            Tokenizer::Pieces(t) => t.vocabulary(),
        }
    }

    /// Returns the tokens of a text.
    ///
    /// # Errors
    ///
    /// Returns an error with the place of the first character that has no token.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>> {
        match self {
            Tokenizer::Characters(t) => t.encode(text),
            #[cfg(feature = "tokenizers")]
            Tokenizer::Pieces(t) => t.encode(text),
        }
    }

    /// Returns the text of tokens. U+FFFD replaces invalid token ids and incomplete characters;
    /// [`TextStream`](super::TextStream) waits for the rest of those.
    pub fn decode(&self, tokens: &[u32]) -> String {
        match self {
            Tokenizer::Characters(t) => t.decode(tokens),
            #[cfg(feature = "tokenizers")]
            Tokenizer::Pieces(t) => t.decode(tokens),
        }
    }

    /// Writes the tokenizer to a file, completely or not at all. The file of a subword tokenizer is
    /// a `tokenizer.json` that other programs can read.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let text = match self {
            Tokenizer::Characters(t) => {
                let file = Characters {
                    r#type: "characters".to_string(),
                    characters: t.characters().iter().collect(),
                    unknown: t.has_unknown(),
                };
                serde_json::to_string_pretty(&file)
                    .map_err(|e| Error::internal("tokenizer", e.to_string()))?
            }
            #[cfg(feature = "tokenizers")]
            Tokenizer::Pieces(t) => t.to_json()?,
        };
        crate::checkpoint::write_atomically(path, text.as_bytes())
    }

    /// Reads a file that [`Tokenizer::save`] wrote or, with the feature `tokenizers`, the
    /// `tokenizer.json` of a published model.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let text = super::read(path)?;
        let wrong = |reason: String| Error::data(path.display().to_string(), reason);
        let json: serde_json::Value = serde_json::from_str(&text)
            .map_err(|e| wrong(format!("cannot parse the tokenizer: {e}")))?;
        if json.get("type").and_then(|t| t.as_str()) == Some("characters") {
            let file: Characters = serde_json::from_value(json)
                .map_err(|e| wrong(format!("cannot parse the tokenizer: {e}")))?;
            let characters: Vec<char> = file.characters.chars().collect();
            let t = CharTokenizer::with_characters(characters, file.unknown);
            return match t.vocabulary() == 0 {
                true => Err(wrong("it has no characters".to_string())),
                false => Ok(t.into()),
            };
        }
        #[cfg(feature = "tokenizers")]
        {
            let pieces = PieceTokenizer::from_json(&text).map_err(wrong)?;
            Ok(Tokenizer::Pieces(Box::new(pieces)))
        }
        #[cfg(not(feature = "tokenizers"))]
        Err(wrong(
            "expected a character tokenizer; for a tokenizer.json, build wgrad with its feature \"tokenizers\""
                .to_string(),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tokenizer_of_characters_comes_back_from_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokenizer.json");
        let t = CharTokenizer::of("a \"quoted\"\n\u{1f600} text\\").unwrap();
        for t in [t.clone(), t.with_unknown()] {
            Tokenizer::from(t.clone()).save(&path).unwrap();
            let Ok(Tokenizer::Characters(read)) = Tokenizer::load(&path) else {
                panic!("not read");
            };
            assert_eq!(read, t);
        }
    }

    #[test]
    fn other_files_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokenizer.json");
        for text in [
            "{",
            "{}",
            "[]",
            r#"{"type": "characters"}"#,
            r#"{"type": "characters", "characters": "", "unknown": false}"#,
        ] {
            std::fs::write(&path, text).unwrap();
            let error = Tokenizer::load(&path).unwrap_err().to_string();
            assert!(error.contains("tokenizer.json: "), "{error}");
        }
    }
}
