//! `loss`: what is minimised. A kind is a row.

use wgrad::loss;

use super::Task;
use super::choice::{self, Family};
use super::key::{Key, Setting, Takes};
use super::mistake::Result;
use super::reader::Value;

/// What the kinds here are kinds of.
pub struct Losses;

impl Family for Losses {
    type Build = fn(&Loss) -> Box<dyn loss::Loss>;
    const WHAT: &'static str = "loss";
}

pub(super) type Kind = choice::Kind<Losses>;

/// What is minimised.
pub type Loss = choice::Chosen<Losses>;

/// What the network's outputs are to a loss.
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
    /// Quantities; or the second class's probability, nearly.
    Quantities,
    /// The logarithms of the rates of counts.
    LogRates,
    /// The logarithms of shares of 1.
    LogShares,
    /// Quantities, and then the logarithms of their variances.
    MeansAndLogVariances,
}

impl Outputs {
    /// Whether they are for classes, or for quantities.
    pub fn fit(self, task: Task) -> bool {
        match self {
            Outputs::Scores => task != Task::Regression,
            Outputs::LogProbabilities | Outputs::Logit | Outputs::Margin | Outputs::Probability => {
                task == Task::Classification
            }
            Outputs::Quantities => task != Task::Language,
            Outputs::LogRates | Outputs::LogShares | Outputs::MeansAndLogVariances => {
                task == Task::Regression
            }
        }
    }

    /// Whether there is one for each class.
    pub fn by_class(self) -> bool {
        matches!(self, Outputs::Scores | Outputs::LogProbabilities)
    }

    /// The layer that a network must end with, and what it gives.
    pub fn last_layer(self) -> Option<(&'static str, &'static str)> {
        match self {
            Outputs::Probability => Some(("sigmoid", "probabilities")),
            Outputs::LogProbabilities | Outputs::LogShares => {
                Some(("log_softmax", "log-probabilities"))
            }
            _ => None,
        }
    }
}

/// Reads it.
pub fn read(value: Value<'_>) -> Result<Loss> {
    let all: Vec<&'static Kind> = KINDS.iter().map(|(_, kind)| *kind).collect();
    Ok(choice::read(value, Losses::WHAT, &all, &[])?.0)
}

impl Loss {
    /// The one of a file that names none.
    pub fn usual(task: Task) -> Self {
        Loss::default_of(match task {
            Task::Classification | Task::Language => &CROSS_ENTROPY,
            Task::Regression => &MSE,
        })
    }

    /// The engine's loss.
    pub fn build(&self) -> Box<dyn loss::Loss> {
        (self.kind.build)(self)
    }

    /// What the network's outputs are to it.
    pub fn outputs(&self) -> Outputs {
        let own = KINDS.iter().find(|(_, kind)| kind.name == self.name());
        own.map_or(Outputs::Quantities, |(outputs, _)| *outputs)
    }
}

pub(super) static KINDS: &[(Outputs, &Kind)] = &[
    (Outputs::Scores, &CROSS_ENTROPY),
    (Outputs::Quantities, &MSE),
    (Outputs::Logit, &BCE_WITH_LOGITS),
    (Outputs::Probability, &BCE),
    (Outputs::Scores, &FOCAL_CROSS_ENTROPY),
    (Outputs::Logit, &FOCAL),
    (Outputs::Quantities, &MAE),
    (Outputs::Quantities, &HUBER),
    (Outputs::Quantities, &SMOOTH_L1),
    (Outputs::LogProbabilities, &NLL),
    (Outputs::Margin, &HINGE),
    (Outputs::LogRates, &POISSON_NLL),
    (Outputs::MeansAndLogVariances, &GAUSSIAN_NLL),
    (Outputs::LogShares, &KL_DIVERGENCE),
];

const GAMMA: Key = Key::or("gamma", Takes::NotNegative, || Setting::Number(2.0));

const WEIGHTS: Key = Key::or("weights", Takes::Positives, || Setting::Absent);
const IGNORE: Key = Key::or("ignore", Takes::Count(0), || Setting::Absent);
const FULL: Key = Key::or("full", Takes::Flag, || Setting::Flag(false));

impl Loss {
    /// How much each class counts.
    fn weights(&self) -> Option<Vec<f32>> {
        match self.setting("weights") {
            Setting::Numbers(weights) => Some(weights.iter().map(|w| *w as f32).collect()),
            _ => None,
        }
    }

    /// The label of samples that do not count.
    fn ignore(&self) -> Option<u32> {
        match self.setting("ignore") {
            Setting::Count(label) => Some(u32::try_from(*label).unwrap_or(u32::MAX)),
            _ => None,
        }
    }
}

static CROSS_ENTROPY: Kind = Kind {
    name: "cross_entropy",
    keys: &[
        Key::or("label_smoothing", Takes::Fraction, || Setting::Number(0.0)),
        WEIGHTS,
        IGNORE,
    ],
    build: |l| {
        let mut loss = loss::CrossEntropy::new().label_smoothing(l.number("label_smoothing"));
        if let Some(weights) = l.weights() {
            loss = loss.weights(weights);
        }
        if let Some(label) = l.ignore() {
            loss = loss.ignore(label);
        }
        Box::new(loss)
    },
};

static NLL: Kind = Kind {
    name: "nll",
    keys: &[WEIGHTS, IGNORE],
    build: |l| {
        let mut loss = loss::Nll::new();
        if let Some(weights) = l.weights() {
            loss = loss.weights(weights);
        }
        if let Some(label) = l.ignore() {
            loss = loss.ignore(label);
        }
        Box::new(loss)
    },
};

static HINGE: Kind = Kind {
    name: "hinge",
    keys: &[],
    build: |_| Box::new(loss::Hinge),
};

static POISSON_NLL: Kind = Kind {
    name: "poisson_nll",
    keys: &[FULL],
    build: |l| {
        let loss = loss::PoissonNll::new();
        Box::new(match l.flag("full") {
            true => loss.full(),
            false => loss,
        })
    },
};

static GAUSSIAN_NLL: Kind = Kind {
    name: "gaussian_nll",
    keys: &[
        FULL,
        Key::or("eps", Takes::Positive, || Setting::Number(1e-6)),
    ],
    build: |l| {
        let loss = loss::GaussianNll::new().eps(l.number("eps"));
        Box::new(match l.flag("full") {
            true => loss.full(),
            false => loss,
        })
    },
};

static KL_DIVERGENCE: Kind = Kind {
    name: "kl_divergence",
    keys: &[],
    build: |_| Box::new(loss::KlDivergence),
};

static FOCAL_CROSS_ENTROPY: Kind = Kind {
    name: "focal_cross_entropy",
    keys: &[GAMMA],
    build: |l| Box::new(loss::FocalCrossEntropy::new(l.number("gamma"))),
};

static BCE_WITH_LOGITS: Kind = Kind {
    name: "bce_with_logits",
    keys: &[Key::or("pos_weight", Takes::Positive, || Setting::Absent)],
    build: |l| {
        let loss = loss::BceWithLogits::new();
        Box::new(match l.setting("pos_weight") {
            Setting::Number(weight) => loss.pos_weight(*weight),
            _ => loss,
        })
    },
};

static BCE: Kind = Kind {
    name: "bce",
    keys: &[],
    build: |_| Box::new(loss::Bce),
};

static FOCAL: Kind = Kind {
    name: "focal",
    keys: &[GAMMA, Key::or("alpha", Takes::Fraction, || Setting::Absent)],
    build: |l| {
        let loss = loss::Focal::new(l.number("gamma"));
        Box::new(match l.setting("alpha") {
            Setting::Number(alpha) => loss.alpha(*alpha),
            _ => loss,
        })
    },
};

static MSE: Kind = Kind {
    name: "mse",
    keys: &[],
    build: |_| Box::new(loss::Mse),
};

static MAE: Kind = Kind {
    name: "mae",
    keys: &[],
    build: |_| Box::new(loss::Mae),
};

static HUBER: Kind = Kind {
    name: "huber",
    keys: &[Key::or("delta", Takes::Positive, || Setting::Number(1.0))],
    build: |l| Box::new(loss::Huber::new(l.number("delta"))),
};

static SMOOTH_L1: Kind = Kind {
    name: "smooth_l1",
    keys: &[Key::or("beta", Takes::NotNegative, || Setting::Number(1.0))],
    build: |l| Box::new(loss::SmoothL1::new(l.number("beta"))),
};
