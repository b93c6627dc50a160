//! Language models: the tokens of a text, the model, and what belongs to both.

use std::path::Path;

use wgrad::data::Dataset;
use wgrad::data::text::{self, CharTokenizer, PieceTokenizer, Tokenizer, Tokens};
use wgrad::nn::{Gpt, GptConfig, LanguageModel, Llama, LlamaConfig};
use wgrad::{Error, Result};

use crate::config::{Config, Language, Model, TextSource, TokenizerChoice};
use crate::preparation::{Preparation, TextFacts};
use crate::samples::Samples;

/// The windows of a text, divided; validation and test are its last parts.
pub fn samples(source: &TextSource, config: &Config) -> Result<Samples> {
    let context = context(config)?;
    let stride = source.stride.unwrap_or(context);
    let whole = text::read(&source.path)?;
    let tokenizer = tokenizer(&source.tokenizer, &whole)?;
    let tokens = encode(&tokenizer, &whole, &source.path)?;
    let facts = TextFacts {
        vocabulary: tokens.vocabulary(),
        tokens: tokens.len(),
        per_character: tokens.per_character(),
    };
    let windows = |tokens: &Tokens, stride, what: &str| {
        tokens.windows(context, stride).map_err(|e| match e {
            Error::Data { reason, .. } => Error::Data {
                place: format!("{}, {what}", source.path.display()),
                reason,
            },
            other => other,
        })
    };
    let (rest, test) = match config.data.test_split > 0.0 {
        true => {
            let (rest, test) = tokens.split_last(config.data.test_split)?;
            (rest, Some(windows(&test, context, "the test's part")?))
        }
        false => {
            let test = source.test_path.as_deref();
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
    Ok(Samples {
        train: windows(&train, stride, "the training's part")?,
        validation,
        test,
        preparation: Preparation {
            sample_shape: vec![context],
            features: Vec::new(),
            target: String::new(),
            classes: Vec::new(),
            quantities: 0,
            scaler: None,
            target_scale: None,
            text: Some(facts),
        },
        remarks: Vec::new(),
        tokenizer: Some(tokenizer),
    })
}

/// A text's windows for a measurement: one after the other.
pub fn windows_of(tokenizer: &Tokenizer, path: &Path, context: usize) -> Result<Dataset> {
    let tokens = encode(tokenizer, &text::read(path)?, path)?;
    tokens
        .windows(context, context)
        .map_err(|e| placed(e, path))
}

/// How many tokens a sample has.
pub fn context(config: &Config) -> Result<usize> {
    Ok(language(&config.model)?.context())
}

/// The model, for so many tokens.
pub fn model(language: &Language, vocabulary: usize) -> Box<dyn LanguageModel> {
    match language {
        Language::Gpt(sizes) => Box::new(Gpt::new(GptConfig {
            vocabulary,
            ..sizes.clone()
        })),
        Language::Llama(sizes) => Box::new(Llama::new(LlamaConfig {
            vocabulary,
            ..sizes.clone()
        })),
    }
}

/// The language model of a configuration.
pub fn language(model: &Model) -> Result<&Language> {
    match model {
        Model::Language(language) => Ok(language),
        Model::Layers { .. } | Model::Mlp { .. } => Err(Error::Model {
            what: "[model]".to_string(),
            reason: "only a language model (type \"gpt\" or \"llama\") reads and writes texts"
                .to_string(),
        }),
    }
}

fn tokenizer(choice: &TokenizerChoice, text: &str) -> Result<Tokenizer> {
    Ok(match choice {
        TokenizerChoice::Characters { unknown } => {
            let characters = CharTokenizer::of(text)?;
            match unknown {
                true => characters.with_unknown().into(),
                false => characters.into(),
            }
        }
        TokenizerChoice::Bpe { vocabulary } => {
            Tokenizer::Pieces(Box::new(PieceTokenizer::train(text, *vocabulary)?))
        }
        TokenizerChoice::File(path) => Tokenizer::load(path)?,
    })
}

fn encode(tokenizer: &Tokenizer, text: &str, path: &Path) -> Result<Tokens> {
    Tokens::encode(tokenizer, text).map_err(|e| placed(e, path))
}

/// With the file's name instead of "the text".
fn placed(error: Error, path: &Path) -> Error {
    match error {
        Error::Data { place, reason } => Error::Data {
            place: place.replacen("the text", &path.display().to_string(), 1),
            reason,
        },
        other => other,
    }
}
