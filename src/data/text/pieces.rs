//! Subword tokenizers: byte-level BPE, and the `tokenizer.json` of published models.
//!
//! They use the crate `tokenizers` without its C and C++ parts.

use std::str::FromStr;

use tokenizers::decoders::byte_level::ByteLevel;
use tokenizers::models::bpe::{BPE, BpeTrainer};
use tokenizers::{Model, TokenizerBuilder};

use crate::{Error, Result};

/// The number of byte values: a byte-level vocabulary has at least these tokens.
const BYTES: usize = 256;

/// A subword tokenizer.
#[derive(Clone, Debug)]
pub struct PieceTokenizer {
    inner: tokenizers::Tokenizer,
    vocabulary: usize,
}

impl PieceTokenizer {
    /// Trains a byte-level byte-pair encoding (Sennrich et al., 2016; GPT-2) with `vocabulary`
    /// tokens. There are fewer if the text has fewer pairs that occur twice. Every text can be
    /// encoded, in bytes if necessary.
    ///
    /// The same text gives the same tokenizer.
    ///
    /// # Errors
    ///
    /// Returns an error if the vocabulary is smaller than the 256 bytes.
    pub fn train(text: &str, vocabulary: usize) -> Result<Self> {
        if vocabulary < BYTES {
            let expected = "at least 256: the bytes are tokens, too";
            return Err(Error::argument("the vocabulary", vocabulary, expected));
        }
        let mut trainer = BpeTrainer::builder()
            .show_progress(false)
            .vocab_size(vocabulary)
            .min_frequency(2)
            .initial_alphabet(ByteLevel::alphabet().into_iter().collect())
            .build();
        let failed =
            |e: tokenizers::Error| Error::data("the text", format!("cannot train a BPE: {e}"));
        let bytes = || ByteLevel::new(false, true, true);
        let mut inner = TokenizerBuilder::new()
            .with_model(BPE::default())
            .with_normalizer(None::<tokenizers::NormalizerWrapper>)
            .with_pre_tokenizer(Some(bytes()))
            .with_post_processor(Some(bytes()))
            .with_decoder(Some(bytes()))
            .build()
            .map_err(failed)?;
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        inner
            .train(&mut trainer, lines.into_iter())
            .map_err(failed)?;
        // Parsed from its own file, so that trained and loaded tokenizers cannot differ.
        let json = inner.to_string(false).map_err(failed)?;
        Self::from_json(&json).map_err(|reason| Error::internal("tokenizer", reason))
    }

    /// Parses the text of a `tokenizer.json`.
    pub(super) fn from_json(json: &str) -> std::result::Result<Self, String> {
        let mut inner = tokenizers::Tokenizer::from_str(json)
            .map_err(|e| format!("cannot parse the tokenizer: {e}"))?;
        // The file's truncation and padding are meant for batches of sentences.
        inner.with_padding(None);
        inner.with_truncation(None).map_err(|e| e.to_string())?;
        let largest = inner.get_vocab(true).into_values().max();
        let Some(largest) = largest else {
            return Err("the tokenizer has no tokens".to_string());
        };
        Ok(PieceTokenizer {
            inner,
            vocabulary: largest as usize + 1,
        })
    }

    /// Returns the text of a `tokenizer.json`.
    pub(super) fn to_json(&self) -> Result<String> {
        let json = self.inner.to_string(true);
        json.map_err(|e| Error::internal("tokenizer", e.to_string()))
    }

    /// Returns one more than the largest token id.
    pub fn vocabulary(&self) -> usize {
        self.vocabulary
    }

    /// Returns the token of a piece, or of a special token as it is written in the file, e.g.
    /// `"<|endoftext|>"`.
    pub fn token(&self, piece: &str) -> Option<u32> {
        self.inner.token_to_id(piece)
    }

    /// Returns the tokens of a text, without special tokens before or after them.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>> {
        let encoding = self.inner.encode_fast(text, false);
        let encoding = encoding.map_err(|e| Error::data("the text", e.to_string()))?;
        let ids = encoding.get_ids();
        match ids.is_empty() && !text.is_empty() && self.inner.get_model().get_vocab_size() > 0 {
            true => Err(Error::data(
                "the text",
                "expected at least one token, found none: the tokenizer removes the whole text",
            )),
            false => Ok(ids.to_vec()),
        }
    }

    /// Returns the tokens of a sentence in the format of sentence models: with the special tokens
    /// of the file around it (`[CLS]` and `[SEP]` for BERT), truncated at the end to `longest`
    /// tokens in all.
    ///
    /// # Errors
    ///
    /// Returns an error if the special tokens alone are longer.
    pub fn encode_sentence(&self, text: &str, longest: usize) -> Result<Vec<u32>> {
        let around = self.inner.get_post_processor();
        let around = around.map_or(0, |p| tokenizers::PostProcessor::added_tokens(p, false));
        let Some(room) = longest.checked_sub(around) else {
            let expected = format!("at least {around}, for the special tokens");
            return Err(Error::argument("the longest sentence", longest, &expected));
        };
        let failed = |e: tokenizers::Error| Error::data("the text", e.to_string());
        let mut encoding = self.inner.encode_fast(text, false).map_err(failed)?;
        encoding.truncate(room, 0, tokenizers::TruncationDirection::Right);
        let encoding = self.inner.post_process(encoding, None, true);
        Ok(encoding.map_err(failed)?.get_ids().to_vec())
    }

    /// Returns the text of tokens, including special tokens.
    pub fn decode(&self, tokens: &[u32]) -> String {
        // Decoding fails only if a decoder fails, which those of published models do not.
        self.inner.decode(tokens, false).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{TextStream, Tokenizer};
    use super::*;

    const TEXT: &str = "the cat sat on the mat, the cat ate the rat.\nthat is that\n";

    #[test]
    fn every_text_comes_back() {
        let t = PieceTokenizer::train(TEXT, 300).unwrap();
        assert!((257..=300).contains(&t.vocabulary()), "{}", t.vocabulary());
        for text in [TEXT, "  two  spaces\r\n", "é\u{1f600}", ""] {
            let tokens = t.encode(text).unwrap();
            assert_eq!(t.decode(&tokens), text);
        }
        assert!(t.encode(TEXT).unwrap().len() < TEXT.len());
        assert_eq!(t.encode(" the").unwrap().len(), 1);
    }

    #[test]
    fn the_same_text_gives_the_same_tokenizer_also_from_its_file() {
        let all = TEXT.repeat(20) + "another thing, other things, and nothing\n";
        let t = PieceTokenizer::train(&all, 320).unwrap();
        let again = PieceTokenizer::train(&all, 320).unwrap();
        assert_eq!(t.to_json().unwrap(), again.to_json().unwrap());
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokenizer.json");
        let tokens = t.encode("the thing that sat").unwrap();
        Tokenizer::Pieces(Box::new(t)).save(&path).unwrap();
        let read = Tokenizer::load(&path).unwrap();
        assert_eq!(read.encode("the thing that sat").unwrap(), tokens);
    }

    #[test]
    fn parts_of_a_character_are_given_together() {
        let t = Tokenizer::Pieces(Box::new(PieceTokenizer::train(TEXT, 256).unwrap()));
        let mut stream = TextStream::new(&t);
        let tokens = t.encode("aé\u{1f600}b").unwrap();
        assert_eq!(tokens.len(), 8);
        let given: Vec<String> = tokens.into_iter().map(|t| stream.push(t)).collect();
        assert_eq!(given, ["a", "", "é", "", "", "", "\u{1f600}", "b"]);
        assert_eq!(stream.finish(), "");
    }

    #[test]
    fn a_vocabulary_below_the_bytes_is_refused() {
        let error = PieceTokenizer::train(TEXT, 255).unwrap_err().to_string();
        let want = "the vocabulary is 255, but must be at least 256: the bytes are tokens, too";
        assert_eq!(error, want);
    }
}
