//! A tokenizer with a token for each character.

use std::collections::{BTreeSet, HashMap};

use crate::{Error, Result};

/// The replacement for unknown characters in a decoded text.
const UNKNOWN: char = '\u{fffd}';

/// A tokenizer with a token for each character (Unicode scalar value) of a text. Tokens are
/// numbered by code point, so they do not depend on the order of the text.
///
/// # Example
/// ```
/// use wgrad::data::text::CharTokenizer;
///
/// let tokenizer = CharTokenizer::of("banana")?;
/// assert_eq!(tokenizer.characters(), ['a', 'b', 'n']);
/// assert_eq!(tokenizer.encode("nab")?, [2, 0, 1]);
/// assert_eq!(tokenizer.decode(&[2, 0, 1]), "nab");
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct CharTokenizer {
    characters: Vec<char>,
    numbers: HashMap<char, u32>,
    unknown: bool,
}

impl CharTokenizer {
    /// Creates a tokenizer for the characters of a text.
    ///
    /// # Errors
    ///
    /// Returns an error if the text is empty.
    pub fn of(text: &str) -> Result<Self> {
        let characters: BTreeSet<char> = text.chars().collect();
        match characters.is_empty() {
            true => Err(Error::data(
                "the text",
                "it is empty, so it has no characters",
            )),
            false => Ok(Self::with_characters(
                characters.into_iter().collect(),
                false,
            )),
        }
    }

    pub(super) fn with_characters(characters: Vec<char>, unknown: bool) -> Self {
        CharTokenizer {
            numbers: characters.iter().copied().zip(0..).collect(),
            characters,
            unknown,
        }
    }

    /// Adds a token, the last, for all characters that are not in the vocabulary. Without it they
    /// are an error.
    pub fn with_unknown(self) -> Self {
        CharTokenizer {
            unknown: true,
            ..self
        }
    }

    /// Returns whether there is a token for unknown characters.
    pub fn has_unknown(&self) -> bool {
        self.unknown
    }

    /// Returns the characters, by token id.
    pub fn characters(&self) -> &[char] {
        &self.characters
    }

    /// Returns the number of tokens in the vocabulary.
    pub fn vocabulary(&self) -> usize {
        self.characters.len() + usize::from(self.unknown)
    }

    /// Returns the tokens of a text.
    ///
    /// # Errors
    ///
    /// Returns an error with line and column if a character is not in the vocabulary and there is
    /// no token for unknown characters.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>> {
        let mut tokens = Vec::with_capacity(text.len());
        let (mut line, mut column) = (1usize, 0usize);
        for c in text.chars() {
            column += 1;
            match self.numbers.get(&c) {
                Some(number) => tokens.push(*number),
                None if self.unknown => tokens.push(self.characters.len() as u32),
                None => {
                    return Err(Error::data(
                        format!("the text, line {line}, column {column}"),
                        format!(
                            "the character {c:?} (U+{:04X}) is not among the {} of the vocabulary",
                            u32::from(c),
                            self.characters.len()
                        ),
                    ));
                }
            }
            if c == '\n' {
                (line, column) = (line + 1, 0);
            }
        }
        Ok(tokens)
    }

    /// Returns the text of tokens; U+FFFD for an unknown token.
    pub fn decode(&self, tokens: &[u32]) -> String {
        let character = |t: &u32| self.characters.get(*t as usize).copied();
        let text = tokens.iter().map(|t| character(t).unwrap_or(UNKNOWN));
        text.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_numbered_by_code_point() {
        let t = CharTokenizer::of("ba\né\u{1f600}ab").unwrap();
        assert_eq!(t.characters(), ['\n', 'a', 'b', 'é', '\u{1f600}']);
        let tokens = t.encode("abé\n\u{1f600}").unwrap();
        assert_eq!(tokens, [1, 2, 3, 0, 4]);
        assert_eq!(t.decode(&tokens), "abé\n\u{1f600}");
        assert_eq!((t.vocabulary(), t.has_unknown()), (5, false));
        assert!(t.encode("").unwrap().is_empty());
        assert!(CharTokenizer::of("").is_err());
    }

    #[test]
    fn an_unknown_character_is_named_with_its_place_or_gets_a_token() {
        let t = CharTokenizer::of("ab\n").unwrap();
        assert_eq!(
            t.encode("ab\nba?").unwrap_err().to_string(),
            "the text, line 2, column 3: the character '?' (U+003F) is not among the 3 of the vocabulary"
        );
        let t = t.with_unknown();
        assert_eq!(t.vocabulary(), 4);
        assert_eq!(t.encode("a?b").unwrap(), [1, 3, 2]);
        assert_eq!(t.decode(&[1, 3, 2, 9]), "a\u{fffd}b\u{fffd}");
    }
}
