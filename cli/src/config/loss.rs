//! `loss`: what is minimised. A kind is a row.

use wgrad::loss;

use super::Task;
use super::choice::{self, Family};
use super::key::{Key, Setting, Takes};
use super::mistake::Result;
use super::reader::Value;
use super::write::string;

/// What the kinds here are kinds of.
pub struct Losses;

impl Family for Losses {
    type Build = fn(&Loss) -> Box<dyn loss::Loss>;
    const WHAT: &'static str = "loss";
}

type Kind = choice::Kind<Losses>;

/// What is minimised.
pub type Loss = choice::Chosen<Losses>;

/// What the network's outputs are to a loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outputs {
    /// A score for each class.
    Scores,
    /// One score, which a sigmoid makes the second class's probability.
    Logit,
    /// The second class's probability.
    Probability,
    /// Quantities; or the second class's probability, nearly.
    Quantities,
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

    /// Its text: the name, where that says all.
    pub fn write_short(&self) -> String {
        match *self == Loss::default_of(self.kind) {
            true => string(self.name()),
            false => self.write(0),
        }
    }
}

static KINDS: &[(Outputs, &Kind)] = &[
    (Outputs::Scores, &CROSS_ENTROPY),
    (Outputs::Quantities, &MSE),
    (Outputs::Logit, &BCE_WITH_LOGITS),
    (Outputs::Probability, &BCE),
    (Outputs::Scores, &FOCAL_CROSS_ENTROPY),
    (Outputs::Logit, &FOCAL),
    (Outputs::Quantities, &MAE),
    (Outputs::Quantities, &HUBER),
    (Outputs::Quantities, &SMOOTH_L1),
];

const GAMMA: Key = Key::or("gamma", Takes::NotNegative, || Setting::Number(2.0));

static CROSS_ENTROPY: Kind = Kind {
    name: "cross_entropy",
    keys: &[
        Key::or("label_smoothing", Takes::Fraction, || Setting::Number(0.0)),
        Key::or("weights", Takes::Positives, || Setting::Absent),
        Key::or("ignore", Takes::Count(0), || Setting::Absent),
    ],
    build: |l| {
        let mut loss = loss::CrossEntropy::new().label_smoothing(l.number("label_smoothing"));
        if let Setting::Numbers(weights) = l.setting("weights") {
            loss = loss.weights(weights.iter().map(|w| *w as f32).collect());
        }
        if let Setting::Count(label) = l.setting("ignore") {
            loss = loss.ignore(u32::try_from(*label).unwrap_or(u32::MAX));
        }
        Box::new(loss)
    },
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
