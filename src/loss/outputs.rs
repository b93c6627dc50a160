//! The interpretations of a model's outputs by a loss.

use crate::task::Task;

/// How a loss interprets a model's outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outputs {
    /// A logit for each class.
    Scores,
    /// The log-probability of each class.
    LogProbabilities,
    /// One logit, whose sigmoid is the probability of the second class; or a logit for each label.
    Logit,
    /// One score, whose sign is the class.
    Margin,
    /// The probability of the second class, or of each label.
    Probability,
    /// The predicted values; or one value near 0 or 1, for two classes.
    Values,
    /// The logarithms of the rates of counts.
    LogRates,
    /// The logarithms of proportions, which add up to 1.
    LogShares,
    /// The predicted values, and then the logarithms of their variances.
    MeansAndLogVariances,
}

impl Outputs {
    /// Returns whether outputs of this kind fit a task.
    pub fn fit(self, task: Task) -> bool {
        match self {
            Outputs::Scores => matches!(task, Task::Classification | Task::Language),
            Outputs::LogProbabilities | Outputs::Margin => task == Task::Classification,
            Outputs::Logit | Outputs::Probability => {
                matches!(task, Task::Classification | Task::Multilabel)
            }
            Outputs::Values => matches!(task, Task::Classification | Task::Regression),
            Outputs::LogRates | Outputs::LogShares | Outputs::MeansAndLogVariances => {
                task == Task::Regression
            }
        }
    }

    /// Returns whether there is one output for each class.
    pub fn by_class(self) -> bool {
        matches!(self, Outputs::Scores | Outputs::LogProbabilities)
    }

    /// Returns the kind of layer that the model must end with, and what it outputs.
    pub fn last_layer(self) -> Option<(&'static str, &'static str)> {
        match self {
            Outputs::Probability => Some(("sigmoid", "probabilities")),
            Outputs::LogProbabilities | Outputs::LogShares => {
                Some(("log_softmax", "log-probabilities"))
            }
            _ => None,
        }
    }

    /// Describes the outputs in words.
    pub fn words(self) -> &'static str {
        match self {
            Outputs::Scores => "a score for each class",
            Outputs::LogProbabilities => {
                "a log-probability for each class: ends with `log_softmax`"
            }
            Outputs::Logit => "one logit, for two classes; or one for each label",
            Outputs::Margin => "one score, for two classes; no probabilities",
            Outputs::Probability => {
                "one probability, for two classes, or one for each label: ends with `sigmoid`"
            }
            Outputs::Values => "the numbers to predict; or one number, for two classes",
            Outputs::LogRates => "the logarithms of the rates of counts",
            Outputs::LogShares => {
                "the logarithms of shares that add up to 1: ends with `log_softmax`"
            }
            Outputs::MeansAndLogVariances => {
                "the numbers to predict, then the logarithm of the variance of each"
            }
        }
    }
}
