//! A text for a language model, and its tokenizer.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::config::resolve;
use crate::schema::{Kind, kinds, range};

/// A text for a language model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TextSpec {
    /// The file, in UTF-8.
    #[schemars(with = "range::Text", extend("examples" = ["book.txt"]))]
    pub text: PathBuf,
    /// A second file for the test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<range::Text>")]
    pub test_text: Option<PathBuf>,
    /// The tokenizer.
    #[serde(default)]
    pub tokenizer: TokenizerSpec,
    /// The number of tokens between the starts of consecutive samples. Default: the number of
    /// tokens of a sample.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<range::Count<1>>")]
    pub stride: Option<usize>,
}

impl TextSpec {
    pub(super) fn resolve(&mut self, folder: &Path) {
        self.text = resolve(folder, &self.text);
        self.test_text = self.test_text.as_deref().map(|file| resolve(folder, file));
        if let TokenizerSpec::File(file) = &self.tokenizer {
            self.tokenizer = TokenizerSpec::File(resolve(folder, file));
        }
    }
}

/// The tokenizer of a text.
#[derive(Debug, Clone, PartialEq)]
pub enum TokenizerSpec {
    /// A token for each character.
    Characters(CharSpec),
    /// Byte-level byte-pair encoding, learned from the text.
    Bpe(BpeSpec),
    /// A `tokenizer.json`.
    File(PathBuf),
}

impl Default for TokenizerSpec {
    fn default() -> Self {
        TokenizerSpec::Characters(CharSpec::default())
    }
}

/// A token for each character.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CharSpec {
    /// Whether there is one more token for all characters that are not in the text.
    pub unknown: bool,
}

/// Byte-level byte-pair encoding, learned from the text.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BpeSpec {
    /// The number of tokens, including those of the 256 bytes.
    #[schemars(with = "range::Count<256>")]
    pub vocabulary: usize,
}

impl Default for BpeSpec {
    fn default() -> Self {
        BpeSpec { vocabulary: 2000 }
    }
}

/// The kinds of tokenizers that have settings.
trait Learned {}
impl Learned for CharSpec {}
impl Learned for BpeSpec {}

const KIND: Kind = Kind {
    file: Some(FILE),
    help: Some(
        "it can be \"char\", { type = \"bpe\", vocabulary = 2000 }, or the path of a tokenizer.json",
    ),
    ..Kind::of("tokenizer", "tokenizer \"{}\"")
};

/// The suffix of a file's name.
const FILE: &str = ".json";

kinds! {
    /// A tokenizer that is created from the text.
    pub enum LearnedTokenizer by "type" as dyn Learned, KIND;
    "char" => Characters(CharSpec),
    "bpe" => Bpe(BpeSpec),
}

impl Serialize for TokenizerSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            TokenizerSpec::File(file) => file.serialize(serializer),
            TokenizerSpec::Characters(spec) => LearnedTokenizer::from(*spec).serialize(serializer),
            TokenizerSpec::Bpe(spec) => LearnedTokenizer::from(*spec).serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for TokenizerSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        if let Some(file) = value.as_str().filter(|text| text.ends_with(FILE)) {
            return Ok(TokenizerSpec::File(file.into()));
        }
        let learned = LearnedTokenizer::deserialize(value).map_err(serde::de::Error::custom)?;
        Ok(match learned {
            LearnedTokenizer::Characters(spec) => TokenizerSpec::Characters(spec),
            LearnedTokenizer::Bpe(spec) => TokenizerSpec::Bpe(spec),
        })
    }
}

impl JsonSchema for TokenizerSpec {
    fn schema_name() -> Cow<'static, str> {
        "Tokenizer".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = LearnedTokenizer::json_schema(generator);
        let forms = schema
            .get_mut("anyOf")
            .and_then(|forms| forms.as_array_mut());
        if let Some(forms) = forms {
            forms.push(serde_json::json!({ "type": "string", "pattern": "\\.json$" }));
        }
        schema
    }
}
