//! The data of a language model: windows of a text's tokens.

use std::path::Path;

use super::dataset::Datasets;
use super::preprocessing::{Preprocessing, TextFacts};
use crate::data::Dataset;
use crate::data::text::{self, CharTokenizer, Tokenizer, Tokens};
use crate::spec::{Config, TextSpec, TokenizerSpec};
use crate::{Error, Result};

/// Splits a text and returns its windows; validation and test are its last parts.
pub(super) fn datasets(source: &TextSpec, config: &Config) -> Result<Datasets> {
    let context = context(config)?;
    let stride = source.stride.unwrap_or(context);
    let whole = text::read(&source.text)?;
    let tokenizer = tokenizer(&source.tokenizer, &whole)?;
    let tokens = encode(&tokenizer, &whole, &source.text)?;
    let facts = TextFacts {
        vocabulary: tokens.vocabulary(),
        tokens: tokens.len(),
        per_character: tokens.per_character(),
    };
    let windows = |tokens: &Tokens, stride, what: &str| {
        tokens.windows(context, stride).map_err(|e| match e {
            Error::Data { reason, .. } => Error::Data {
                place: format!("{}, {what}", source.text.display()),
                reason,
            },
            other => other,
        })
    };
    let (rest, test) = match config.data.test_split() > 0.0 {
        true => {
            let (rest, test) = tokens.split_last(config.data.test_split())?;
            (rest, Some(windows(&test, context, "the test's part")?))
        }
        false => {
            let test = source.test_text.as_deref();
            let test = test.map(|path| windows_of(&tokenizer, path, context));
            (tokens, test.transpose()?)
        }
    };
    let (train, validation) = match config.data.validation_split > 0.0 {
        true => {
            let (train, validation) = rest.split_last(config.data.validation_split)?;
            let validation = windows(&validation, context, "the validation's part")?;
            (train, Some(validation))
        }
        false => (rest, None),
    };
    Ok(Datasets {
        train: windows(&train, stride, "the training's part")?,
        validation,
        test,
        preprocessing: Preprocessing {
            sample_shape: vec![context],
            text: Some(facts),
            ..Preprocessing::default()
        },
        notes: Vec::new(),
        tokenizer: Some(tokenizer),
    })
}

/// Returns consecutive windows of a text, for an evaluation.
pub(super) fn windows_of(tokenizer: &Tokenizer, path: &Path, context: usize) -> Result<Dataset> {
    let tokens = encode(tokenizer, &text::read(path)?, path)?;
    tokens
        .windows(context, context)
        .map_err(|e| placed(e, path))
}

/// Returns the number of tokens of a sample.
pub(super) fn context(config: &Config) -> Result<usize> {
    let context = config.model.context();
    context.ok_or_else(|| {
        let reason = "only a language model (type \"gpt\" or \"llama\") takes texts";
        Error::model("[model]", reason)
    })
}

fn tokenizer(spec: &TokenizerSpec, text: &str) -> Result<Tokenizer> {
    Ok(match spec {
        TokenizerSpec::Characters(spec) => {
            let characters = CharTokenizer::of(text)?;
            match spec.unknown {
                true => characters.with_unknown().into(),
                false => characters.into(),
            }
        }
        TokenizerSpec::Bpe(spec) => pairs(text, spec.vocabulary)?,
        TokenizerSpec::File(path) => Tokenizer::load(path)?,
    })
}

#[cfg(feature = "tokenizers")]
fn pairs(text: &str, vocabulary: usize) -> Result<Tokenizer> {
    let pieces = text::PieceTokenizer::train(text, vocabulary)?;
    Ok(Tokenizer::Pieces(Box::new(pieces)))
}

#[cfg(not(feature = "tokenizers"))]
fn pairs(_: &str, _: usize) -> Result<Tokenizer> {
    let reason =
        "byte pairs need wgrad's feature `tokenizers`, which this program is built without";
    Err(Error::model("tokenizer \"bpe\"", reason))
}

fn encode(tokenizer: &Tokenizer, text: &str, path: &Path) -> Result<Tokens> {
    Tokens::encode(tokenizer, text).map_err(|e| placed(e, path))
}

/// Replaces "the text" in an error by the file's name.
fn placed(error: Error, path: &Path) -> Error {
    match error {
        Error::Data { place, reason } => Error::Data {
            place: place.replacen("the text", &path.display().to_string(), 1),
            reason,
        },
        other => other,
    }
}
