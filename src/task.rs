//! What is to be predicted.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is to be predicted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Task {
    /// One of several classes.
    Classification,
    /// One or several numbers.
    Regression,
    /// The next token of a text.
    #[schemars(skip)]
    Language,
}

impl Task {
    /// Its name in a file.
    pub fn name(self) -> &'static str {
        match self {
            Task::Classification => "classification",
            Task::Regression => "regression",
            Task::Language => "language",
        }
    }

    /// What its targets are: `"classes"`.
    pub fn targets(self) -> &'static str {
        match self {
            Task::Classification => "classes",
            Task::Regression => "numbers",
            Task::Language => "the tokens that follow",
        }
    }
}
