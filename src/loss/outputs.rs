//! What a model's outputs are to a loss.

use crate::task::Task;

/// What a model's outputs are to a loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outputs {
    /// A score for each class.
    Scores,
    /// The logarithm of each class's probability.
    LogProbabilities,
    /// One score, which a sigmoid makes the second class's probability.
    Logit,
    /// One score, whose sign tells the class.
    Margin,
    /// The second class's probability.
    Probability,
    /// The numbers to predict; or one number near 0 or 1, for two classes.
    Values,
    /// The logarithms of the rates of counts.
    LogRates,
    /// The logarithms of shares of 1.
    LogShares,
    /// The numbers to predict, and then the logarithms of their variances.
    MeansAndLogVariances,
}

impl Outputs {
    /// Whether they are for this task.
    pub fn fit(self, task: Task) -> bool {
        match self {
            Outputs::Scores => task != Task::Regression,
            Outputs::LogProbabilities | Outputs::Logit | Outputs::Margin | Outputs::Probability => {
                task == Task::Classification
            }
            Outputs::Values => task != Task::Language,
            Outputs::LogRates | Outputs::LogShares | Outputs::MeansAndLogVariances => {
                task == Task::Regression
            }
        }
    }

    /// Whether there is one for each class.
    pub fn by_class(self) -> bool {
        matches!(self, Outputs::Scores | Outputs::LogProbabilities)
    }

    /// The kind of layer that a model must end with, and what that gives.
    pub fn last_layer(self) -> Option<(&'static str, &'static str)> {
        match self {
            Outputs::Probability => Some(("sigmoid", "probabilities")),
            Outputs::LogProbabilities | Outputs::LogShares => {
                Some(("log_softmax", "log-probabilities"))
            }
            _ => None,
        }
    }

    /// What a model must give, in words.
    pub fn words(self) -> &'static str {
        match self {
            Outputs::Scores => "a score for each class",
            Outputs::LogProbabilities => {
                "a log-probability for each class: ends with `log_softmax`"
            }
            Outputs::Logit => "one logit, for two classes",
            Outputs::Margin => "one score, for two classes; no probabilities",
            Outputs::Probability => "one probability, for two classes: ends with `sigmoid`",
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
