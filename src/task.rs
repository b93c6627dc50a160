//! The task of a model.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The task of a model: what it predicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Task {
    /// One of several classes.
    Classification,
    /// Several labels, each of which a sample has or has not.
    Multilabel,
    /// One or several numbers.
    Regression,
    /// The next token of a text.
    #[schemars(skip)]
    Language,
}

impl Task {
    /// Returns its name in a file.
    pub fn name(self) -> &'static str {
        match self {
            Task::Classification => "classification",
            Task::Multilabel => "multilabel",
            Task::Regression => "regression",
            Task::Language => "language",
        }
    }

    /// Describes its targets: `"classes"`.
    pub fn targets(self) -> &'static str {
        match self {
            Task::Classification => "classes",
            Task::Multilabel => "labels",
            Task::Regression => "numbers",
            Task::Language => "the tokens that follow",
        }
    }
}
