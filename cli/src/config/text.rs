//! `[data] text = "..."`: a text, and how it is made into tokens.

use std::path::{Path, PathBuf};

use super::mistake::Result;
use super::reader::{Section, Value, or};
use super::resolve;
use super::write::{Lines, path, string};

/// A text for a language model.
#[derive(Debug, Clone, PartialEq)]
pub struct TextSource {
    /// The file, in UTF-8.
    pub path: PathBuf,
    /// A second file for the test.
    pub test_path: Option<PathBuf>,
    /// How it is made into tokens.
    pub tokenizer: TokenizerChoice,
    /// Tokens from the start of a sample to that of the next; `None` for as many as a sample has.
    pub stride: Option<usize>,
}

/// How a text is made into tokens.
#[derive(Debug, Clone, PartialEq)]
pub enum TokenizerChoice {
    /// A token for each character.
    Characters {
        /// Whether one more token stands for all characters that the text does not have.
        unknown: bool,
    },
    /// Byte-level byte-pair encoding, learnt from the text.
    Bpe {
        /// How many tokens.
        vocabulary: usize,
    },
    /// A `tokenizer.json`.
    File(PathBuf),
}

impl TextSource {
    /// The keys of the section that are a text's own.
    pub const KEYS: [&str; 4] = ["text", "test_text", "tokenizer", "stride"];

    /// Reads them; paths begin at `folder`.
    pub fn read(section: &Section<'_>, folder: &Path) -> Result<Self> {
        let file = |value: Value<'_>| Ok(resolve(folder, Path::new(value.string()?)));
        let characters = TokenizerChoice::Characters { unknown: false };
        Ok(TextSource {
            path: file(section.require("text", "text = \"book.txt\"")?)?,
            test_path: section.get("test_text").map(file).transpose()?,
            tokenizer: or(Some(section), "tokenizer", characters, |v| {
                TokenizerChoice::read(v, folder)
            })?,
            stride: section.get("stride").map(|v| v.count(1)).transpose()?,
        })
    }

    /// Writes them.
    pub fn write(&self, out: &mut Lines) {
        out.set("format", string("text"));
        out.set("text", path(&self.path));
        if let Some(test) = &self.test_path {
            out.set("test_text", path(test));
        }
        out.set("tokenizer", self.tokenizer.write());
        if let Some(stride) = self.stride {
            out.set("stride", stride);
        }
    }
}

impl TokenizerChoice {
    fn read(value: Value<'_>, folder: &Path) -> Result<Self> {
        const VOCABULARY: usize = 2000;
        // The bytes are tokens, too.
        const LEAST: u64 = 256;
        if let Ok(text) = value.string()
            && text.ends_with(".json")
        {
            return Ok(TokenizerChoice::File(resolve(folder, Path::new(text))));
        }
        let bpe = TokenizerChoice::Bpe {
            vocabulary: VOCABULARY,
        };
        let choices = [
            ("char", TokenizerChoice::Characters { unknown: false }),
            ("bpe", bpe),
        ];
        let (found, section) = value.tagged("tokenizer", &choices).map_err(|e| {
            e.help("it can be \"char\", { type = \"bpe\", vocabulary = 2000 }, or the path of a tokenizer.json")
        })?;
        let Some(section) = section else {
            return Ok(found);
        };
        match found {
            TokenizerChoice::Bpe { vocabulary } => {
                section.takes(&["type", "vocabulary"])?;
                let vocabulary = or(Some(&section), "vocabulary", vocabulary, |v| v.count(LEAST))?;
                Ok(TokenizerChoice::Bpe { vocabulary })
            }
            _ => {
                section.takes(&["type", "unknown"])?;
                let unknown = or(Some(&section), "unknown", false, |v| v.boolean())?;
                Ok(TokenizerChoice::Characters { unknown })
            }
        }
    }

    fn write(&self) -> String {
        match self {
            TokenizerChoice::Characters { unknown } => {
                format!("{{ type = \"char\", unknown = {unknown} }}")
            }
            TokenizerChoice::Bpe { vocabulary } => {
                format!("{{ type = \"bpe\", vocabulary = {vocabulary} }}")
            }
            TokenizerChoice::File(file) => path(file),
        }
    }
}
