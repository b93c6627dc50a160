//! `optimizer`: how the weights move. A kind is a row.

use wgrad::optim;

use super::choice::{self, Family};
use super::key::{Key, Setting, Takes};
use super::mistake::Result;
use super::reader::Value;

/// What the kinds here are kinds of.
pub struct Optimizers;

impl Family for Optimizers {
    type Build = fn(&Optimizer) -> Box<dyn optim::Optimizer>;
    const WHAT: &'static str = "optimizer";
}

pub(super) type Kind = choice::Kind<Optimizers>;

/// How the weights move.
pub type Optimizer = choice::Chosen<Optimizers>;

impl Optimizer {
    /// The engine's optimizer.
    pub fn build(&self) -> Box<dyn optim::Optimizer> {
        (self.kind.build)(self)
    }

    /// The learning rate.
    pub fn lr(&self) -> f64 {
        self.number("lr")
    }
}

/// What a file has that names no optimizer.
pub fn adam() -> Optimizer {
    Optimizer::default_of(&ADAM)
}

/// Reads it.
pub fn read(value: Value<'_>) -> Result<Optimizer> {
    let (optimizer, section) = choice::read(value, Optimizers::WHAT, KINDS, &[])?;
    let nesterov = section.as_ref().and_then(|s| s.get("nesterov"));
    if let Some(nesterov) = nesterov
        && optimizer.flag("nesterov")
        && optimizer.number("momentum") == 0.0
    {
        let error = nesterov
            .place()
            .error("`nesterov` needs `momentum` above 0");
        return Err(error.help("for example: momentum = 0.9"));
    }
    Ok(optimizer)
}

const fn rate(default: fn() -> Setting) -> Key {
    Key::or("lr", Takes::Positive, default)
}

const fn positive(name: &'static str, default: fn() -> Setting) -> Key {
    Key::or(name, Takes::Positive, default)
}

const fn share(name: &'static str, default: fn() -> Setting) -> Key {
    Key::or(name, Takes::Fraction, default)
}

const fn flag(name: &'static str) -> Key {
    Key::or(name, Takes::Flag, || Setting::Flag(false))
}

const DECAY: Key = Key::or("weight_decay", Takes::NotNegative, || Setting::Number(0.0));
const HUNDREDTH: Key = Key::or("weight_decay", Takes::NotNegative, || Setting::Number(0.01));
const BETAS: Key = Key::or("betas", Takes::Betas, || Setting::Numbers(vec![0.9, 0.999]));
const EPS: Key = positive("eps", || Setting::Number(1e-8));
const THOUSANDTH: Key = rate(|| Setting::Number(1e-3));

pub(super) static KINDS: &[&Kind] = &[
    &SGD, &ADAM, &ADAMW, &NADAM, &RADAM, &RMSPROP, &ADAGRAD, &ADADELTA, &ADAMAX, &LION, &LAMB,
    &MUON,
];

static SGD: Kind = Kind {
    name: "sgd",
    keys: &[
        rate(|| Setting::Number(0.01)),
        share("momentum", || Setting::Number(0.0)),
        flag("nesterov"),
        DECAY,
    ],
    build: |o| {
        let sgd = optim::Sgd::new(o.lr()).weight_decay(o.number("weight_decay"));
        Box::new(match o.flag("nesterov") {
            true => sgd.nesterov(o.number("momentum")),
            false => sgd.momentum(o.number("momentum")),
        })
    },
};

static ADAM: Kind = Kind {
    name: "adam",
    keys: &[THOUSANDTH, BETAS, EPS, DECAY, flag("amsgrad")],
    build: |o| {
        let (first, second) = o.betas("betas");
        let adam = optim::Adam::new(o.lr()).betas(first, second);
        let adam = adam.weight_decay(o.number("weight_decay"));
        Box::new(adam.eps(o.number("eps")).amsgrad(o.flag("amsgrad")))
    },
};

static ADAMW: Kind = Kind {
    name: "adamw",
    keys: &[THOUSANDTH, BETAS, EPS, HUNDREDTH, flag("amsgrad")],
    build: |o| {
        let (first, second) = o.betas("betas");
        let adam = optim::AdamW::new(o.lr()).betas(first, second);
        let adam = adam.weight_decay(o.number("weight_decay"));
        Box::new(adam.eps(o.number("eps")).amsgrad(o.flag("amsgrad")))
    },
};

static NADAM: Kind = Kind {
    name: "nadam",
    keys: &[
        rate(|| Setting::Number(2e-3)),
        BETAS,
        EPS,
        DECAY,
        flag("decoupled"),
        Key::or("momentum_decay", Takes::NotNegative, || {
            Setting::Number(4e-3)
        }),
    ],
    build: |o| {
        let (first, second) = o.betas("betas");
        let nadam = optim::NAdam::new(o.lr()).betas(first, second);
        let nadam = nadam.eps(o.number("eps")).decoupled(o.flag("decoupled"));
        let nadam = nadam.weight_decay(o.number("weight_decay"));
        Box::new(nadam.momentum_decay(o.number("momentum_decay")))
    },
};

static RADAM: Kind = Kind {
    name: "radam",
    keys: &[THOUSANDTH, BETAS, EPS, DECAY, flag("decoupled")],
    build: |o| {
        let (first, second) = o.betas("betas");
        let radam = optim::RAdam::new(o.lr()).betas(first, second);
        let radam = radam.weight_decay(o.number("weight_decay"));
        Box::new(radam.eps(o.number("eps")).decoupled(o.flag("decoupled")))
    },
};

static RMSPROP: Kind = Kind {
    name: "rmsprop",
    keys: &[
        rate(|| Setting::Number(0.01)),
        share("alpha", || Setting::Number(0.99)),
        EPS,
        DECAY,
        share("momentum", || Setting::Number(0.0)),
        flag("centered"),
    ],
    build: |o| {
        let rmsprop = optim::RmsProp::new(o.lr()).alpha(o.number("alpha"));
        let rmsprop = rmsprop.eps(o.number("eps")).centered(o.flag("centered"));
        let rmsprop = rmsprop.weight_decay(o.number("weight_decay"));
        Box::new(rmsprop.momentum(o.number("momentum")))
    },
};

static ADAGRAD: Kind = Kind {
    name: "adagrad",
    keys: &[
        rate(|| Setting::Number(0.01)),
        Key::or("lr_decay", Takes::NotNegative, || Setting::Number(0.0)),
        positive("eps", || Setting::Number(1e-10)),
        DECAY,
        Key::or("initial_accumulator_value", Takes::NotNegative, || {
            Setting::Number(0.0)
        }),
    ],
    build: |o| {
        let adagrad = optim::Adagrad::new(o.lr()).rate_decay(o.number("lr_decay"));
        let adagrad = adagrad.eps(o.number("eps"));
        let adagrad = adagrad.weight_decay(o.number("weight_decay"));
        Box::new(adagrad.initial_accumulator_value(o.number("initial_accumulator_value")))
    },
};

static ADADELTA: Kind = Kind {
    name: "adadelta",
    keys: &[
        rate(|| Setting::Number(1.0)),
        share("rho", || Setting::Number(0.9)),
        positive("eps", || Setting::Number(1e-6)),
        DECAY,
    ],
    build: |o| {
        let adadelta = optim::Adadelta::new(o.lr()).rho(o.number("rho"));
        let adadelta = adadelta.eps(o.number("eps"));
        Box::new(adadelta.weight_decay(o.number("weight_decay")))
    },
};

static ADAMAX: Kind = Kind {
    name: "adamax",
    keys: &[rate(|| Setting::Number(2e-3)), BETAS, EPS, DECAY],
    build: |o| {
        let (first, second) = o.betas("betas");
        let adamax = optim::Adamax::new(o.lr()).betas(first, second);
        let adamax = adamax.eps(o.number("eps"));
        Box::new(adamax.weight_decay(o.number("weight_decay")))
    },
};

static LION: Kind = Kind {
    name: "lion",
    keys: &[
        rate(|| Setting::Number(1e-4)),
        Key::or("betas", Takes::Betas, || Setting::Numbers(vec![0.9, 0.99])),
        DECAY,
    ],
    build: |o| {
        let (first, second) = o.betas("betas");
        let lion = optim::Lion::new(o.lr()).betas(first, second);
        Box::new(lion.weight_decay(o.number("weight_decay")))
    },
};

static LAMB: Kind = Kind {
    name: "lamb",
    keys: &[
        THOUSANDTH,
        BETAS,
        positive("eps", || Setting::Number(1e-6)),
        HUNDREDTH,
    ],
    build: |o| {
        let (first, second) = o.betas("betas");
        let lamb = optim::Lamb::new(o.lr()).betas(first, second);
        let lamb = lamb.eps(o.number("eps"));
        Box::new(lamb.weight_decay(o.number("weight_decay")))
    },
};

static MUON: Kind = Kind {
    name: "muon",
    keys: &[
        THOUSANDTH,
        share("momentum", || Setting::Number(0.95)),
        Key::or("nesterov", Takes::Flag, || Setting::Flag(true)),
        Key::or("weight_decay", Takes::NotNegative, || Setting::Number(0.1)),
        Key::or("steps", Takes::Count(1), || Setting::Count(5)),
        Key::or(
            "scale",
            Takes::Word(&["original", "match_rms_adamw", "spectral_unclamped"]),
            || Setting::Word("original"),
        ),
        positive("others_lr", || Setting::Number(3e-4)),
        Key::or("others_weight_decay", Takes::NotNegative, || {
            Setting::Number(0.01)
        }),
    ],
    build: |o| {
        let others = optim::AdamW::new(o.number("others_lr"));
        let muon = optim::Muon::new(o.lr()).momentum(o.number("momentum"));
        let muon = muon.nesterov(o.flag("nesterov")).steps(o.count("steps"));
        let muon = muon.weight_decay(o.number("weight_decay"));
        let muon = muon.others(others.weight_decay(o.number("others_weight_decay")));
        Box::new(muon.scale(match o.word("scale") {
            "match_rms_adamw" => optim::MuonScale::MatchRmsAdamW,
            "spectral_unclamped" => optim::MuonScale::SpectralUnclamped,
            _ => optim::MuonScale::Original,
        }))
    },
};
