//! Decodes a stream of tokens to text.

use super::Tokenizer;

/// The replacement for bytes that are not a whole character.
const BROKEN: char = '\u{fffd}';

/// The largest number of consecutive tokens that are one character: a character has at most four
/// bytes.
const LONGEST: usize = 4;

/// Decodes a stream of tokens to text. A token may contain only a part of a character; the
/// character is returned with its last part.
///
/// # Example
/// ```
/// use wgrad::data::text::{CharTokenizer, TextStream, Tokenizer};
///
/// let tokenizer = Tokenizer::from(CharTokenizer::of("abc")?);
/// let mut stream = TextStream::new(&tokenizer);
/// assert_eq!(stream.push(1), "b");
/// assert_eq!(stream.finish(), "");
/// # Ok::<(), wgrad::Error>(())
/// ```
pub struct TextStream<'a> {
    tokenizer: &'a Tokenizer,
    tokens: Vec<u32>,
    /// The text of the tokens before this one has been returned.
    given: usize,
    /// Texts are compared from this token on, because some tokenizers treat the first token of a
    /// text differently.
    context: usize,
}

impl<'a> TextStream<'a> {
    /// Creates a stream without tokens.
    pub fn new(tokenizer: &'a Tokenizer) -> Self {
        TextStream {
            tokenizer,
            tokens: Vec::new(),
            given: 0,
            context: 0,
        }
    }

    /// Returns the text that this token completes; empty if more tokens are needed.
    pub fn push(&mut self, token: u32) -> String {
        self.tokens.push(token);
        self.text(false)
    }

    /// Returns the rest at the end: U+FFFD for an incomplete character.
    pub fn finish(&mut self) -> String {
        self.text(true)
    }

    fn text(&mut self, last: bool) -> String {
        let decode = |from: usize, to: usize| {
            self.tokenizer
                .decode(self.tokens.get(from..to).unwrap_or_default())
        };
        let (before, all) = (
            decode(self.context, self.given),
            decode(self.context, self.tokens.len()),
        );
        let waiting = self.tokens.len() - self.given;
        let broken = all.ends_with(BROKEN) && !last;
        if waiting == 0 || (broken && waiting < LONGEST) {
            return String::new();
        }
        if broken {
            // With more than one character, the first token is complete; the others may still be
            // parts of one.
            let first = decode(self.context, self.given + 1);
            let new = first.get(before.len()..).unwrap_or_default().to_string();
            (self.context, self.given) = (self.given, self.given + 1);
            return new;
        }
        let new = all.get(before.len()..).unwrap_or_default().to_string();
        self.context = self.given;
        self.given = self.tokens.len();
        new
    }
}

#[cfg(test)]
mod tests {
    use super::super::CharTokenizer;
    use super::*;

    #[test]
    fn characters_are_given_at_once() {
        let t = Tokenizer::from(CharTokenizer::of("abé").unwrap());
        let mut stream = TextStream::new(&t);
        let mut text = String::new();
        for token in t.encode("éabba").unwrap() {
            text.push_str(&stream.push(token));
        }
        assert_eq!(text, "éabba");
        assert_eq!(stream.finish(), "");
    }

    #[cfg(feature = "tokenizers")]
    #[test]
    fn a_stray_byte_takes_no_character_away() {
        let t = super::super::PieceTokenizer::train("a", 256).unwrap();
        let t = Tokenizer::Pieces(Box::new(t));
        let emoji = t.encode("😀").unwrap();
        assert_eq!(emoji.len(), 4);
        for stray in [
            &emoji[..1],
            &emoji[..2],
            &emoji[..3],
            &emoji[1..2],
            &emoji[3..],
        ] {
            let mut stream = TextStream::new(&t);
            let mut text = String::new();
            let all = [
                &t.encode("a").unwrap(),
                stray,
                &emoji,
                &t.encode("a").unwrap(),
            ]
            .concat();
            for token in all {
                text.push_str(&stream.push(token));
            }
            text.push_str(&stream.finish());
            let lost = text.trim_start_matches('a').trim_start_matches(BROKEN);
            assert!(
                text.starts_with("a\u{fffd}") && lost == "😀a",
                "{text:?} after {stray:?}"
            );
        }
    }

    #[test]
    fn an_unknown_token_is_shown_in_the_end() {
        let t = Tokenizer::from(CharTokenizer::of("ab").unwrap());
        let mut stream = TextStream::new(&t);
        assert_eq!(stream.push(0), "a");
        assert_eq!(stream.push(7), "");
        assert_eq!(stream.finish(), "\u{fffd}");
        assert_eq!(stream.push(1), "b");
    }
}
