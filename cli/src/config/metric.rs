//! `metrics`: what is measured besides the loss. A kind is a row.

use wgrad::metrics::{self, Average};

use super::choice::{self, Family};
use super::key::{Key, Setting, Takes};
use super::mistake::Result;
use super::reader::Value;
use super::{Outputs, Task};
use crate::preparation::Preparation;

/// What the kinds here are kinds of.
pub struct Metrics;

impl Family for Metrics {
    /// The engine's metric, for a text of so many tokens a character.
    type Build = fn(&Metric, f64) -> Box<dyn metrics::Metric>;
    const WHAT: &'static str = "metric";
}

pub(super) type Kind = choice::Kind<Metrics>;

/// What is measured.
pub type Metric = choice::Chosen<Metrics>;

/// Reads one.
pub fn read(value: Value<'_>) -> Result<Metric> {
    let all: Vec<&'static Kind> = KINDS
        .iter()
        .flat_map(|(_, kinds)| kinds.iter().copied())
        .collect();
    Ok(choice::read(value, Metrics::WHAT, &all, &[])?.0)
}

impl Metric {
    /// The one of a file that names none.
    pub fn usual(task: Task) -> Self {
        Metric::default_of(match task {
            Task::Classification => &ACCURACY,
            Task::Regression => &MAE,
            Task::Language => &BITS_PER_CHARACTER,
        })
    }

    /// The engine's metric.
    pub fn build(&self, preparation: &Preparation) -> Box<dyn metrics::Metric> {
        let per_character = preparation.text.map_or(1.0, |text| text.per_character);
        (self.kind.build)(self, per_character)
    }

    /// Its name in a history.
    pub fn in_history(&self) -> String {
        (self.kind.build)(self, 1.0).name().to_string()
    }

    /// Whether it can be measured, of a network that gives a loss this.
    pub fn fits(&self, task: Task, outputs: Outputs) -> bool {
        Metric::that_fit(task, outputs).contains(&self.name())
    }

    /// The names of all that fit.
    pub fn that_fit(task: Task, outputs: Outputs) -> Vec<&'static str> {
        let all = KINDS.iter().filter(|(tasks, _)| tasks.contains(&task));
        let names = all.flat_map(|(_, kinds)| kinds.iter().map(|kind| kind.name));
        let unfit = |name: &str| match name {
            // One number a sample has no best ones.
            "top_k" => !outputs.by_class(),
            // A margin is no probability.
            "log_loss" => outputs == Outputs::Margin,
            _ => false,
        };
        names.filter(|name| !unfit(name)).collect()
    }

    fn average(&self) -> Average {
        match (self.setting("class"), self.word("average")) {
            (Setting::Count(class), _) => Average::Class(*class),
            (_, "micro") => Average::Micro,
            (_, "weighted") => Average::Weighted,
            _ => Average::Macro,
        }
    }
}

/// The kinds with the tasks that they fit, in the order in which a message lists them.
pub(super) static KINDS: &[(&[Task], &[&Kind])] = &[
    (&[Task::Classification, Task::Language], &[&ACCURACY]),
    (
        &[Task::Classification],
        &[
            &TOP_K,
            &BALANCED_ACCURACY,
            &PRECISION,
            &RECALL,
            &F_BETA,
            &MCC,
            &ROC_AUC,
            &PR_AUC,
            &LOG_LOSS,
        ],
    ),
    (&[Task::Regression], &[&MAE, &MSE, &RMSE, &MAPE, &R2]),
    (&[Task::Language], &[&BITS_PER_CHARACTER, &PERPLEXITY]),
];

const AVERAGE: Key = Key::or(
    "average",
    Takes::Word(&["macro", "micro", "weighted"]),
    || Setting::Word("macro"),
);
/// A class instead of an average.
const CLASS: Key = Key::or("class", Takes::Count(0), || Setting::Absent);

static ACCURACY: Kind = Kind {
    name: "accuracy",
    keys: &[],
    build: |_, _| Box::new(metrics::Accuracy),
};

static TOP_K: Kind = Kind {
    name: "top_k",
    keys: &[Key::or("k", Takes::Count(1), || Setting::Count(5))],
    build: |m, _| Box::new(metrics::TopK::new(m.count("k"))),
};

static BALANCED_ACCURACY: Kind = Kind {
    name: "balanced_accuracy",
    keys: &[],
    build: |_, _| Box::new(metrics::BalancedAccuracy),
};

static PRECISION: Kind = Kind {
    name: "precision",
    keys: &[AVERAGE, CLASS],
    build: |m, _| Box::new(metrics::Precision::new(m.average())),
};

static RECALL: Kind = Kind {
    name: "recall",
    keys: &[AVERAGE, CLASS],
    build: |m, _| Box::new(metrics::Recall::new(m.average())),
};

static F_BETA: Kind = Kind {
    name: "f_beta",
    keys: &[
        Key::or("beta", Takes::Positive, || Setting::Number(1.0)),
        AVERAGE,
        CLASS,
    ],
    build: |m, _| Box::new(metrics::FBeta::new(m.number("beta"), m.average())),
};

static MCC: Kind = Kind {
    name: "mcc",
    keys: &[],
    build: |_, _| Box::new(metrics::MatthewsCorrelation),
};

static ROC_AUC: Kind = Kind {
    name: "roc_auc",
    keys: &[],
    build: |_, _| Box::new(metrics::RocAuc),
};

static PR_AUC: Kind = Kind {
    name: "pr_auc",
    keys: &[],
    build: |_, _| Box::new(metrics::PrAuc),
};

static LOG_LOSS: Kind = Kind {
    name: "log_loss",
    keys: &[],
    build: |_, _| Box::new(metrics::LogLoss),
};

static MAE: Kind = Kind {
    name: "mae",
    keys: &[],
    build: |_, _| Box::new(metrics::Mae),
};

static MSE: Kind = Kind {
    name: "mse",
    keys: &[],
    build: |_, _| Box::new(metrics::Mse),
};

static RMSE: Kind = Kind {
    name: "rmse",
    keys: &[],
    build: |_, _| Box::new(metrics::Rmse),
};

static MAPE: Kind = Kind {
    name: "mape",
    keys: &[],
    build: |_, _| Box::new(metrics::Mape),
};

static R2: Kind = Kind {
    name: "r2",
    keys: &[],
    build: |_, _| Box::new(metrics::R2),
};

static BITS_PER_CHARACTER: Kind = Kind {
    name: "bits_per_character",
    keys: &[],
    build: |_, per_character| {
        let bits = metrics::BitsPerCharacter::with_tokens_per_character;
        Box::new(bits(per_character))
    },
};

static PERPLEXITY: Kind = Kind {
    name: "perplexity",
    keys: &[],
    build: |_, _| Box::new(metrics::Perplexity),
};
