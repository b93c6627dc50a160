//! A text that is put together while its tokens arrive.

use super::Tokenizer;

/// What stands where pieces do not join to a whole character.
const BROKEN: char = '\u{fffd}';

/// Tokens in a row that may be one character's: it has four bytes at most.
const LONGEST: usize = 4;

/// A text that is put together while its tokens arrive. A token may hold a part of a character only; its
/// text is given with the last part.
pub struct TextStream<'a> {
    tokenizer: &'a Tokenizer,
    tokens: Vec<u32>,
    /// The tokens before this one have given their text.
    given: usize,
    /// From this token on, texts are compared: some tokenizers treat the first of a text differently.
    context: usize,
}

impl<'a> TextStream<'a> {
    /// A text without tokens so far.
    pub fn new(tokenizer: &'a Tokenizer) -> Self {
        TextStream {
            tokenizer,
            tokens: Vec::new(),
            given: 0,
            context: 0,
        }
    }

    /// The text that this token completes; empty where more must follow.
    pub fn push(&mut self, token: u32) -> String {
        self.tokens.push(token);
        self.text(false)
    }

    /// What is left at the end: U+FFFD for a character that was not completed.
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
            // More than one character has: the first token is part of none, the others may still be of one.
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
