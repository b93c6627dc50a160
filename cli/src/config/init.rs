//! `init`: what weights begin with, of a layer or of the whole model. A kind is a row.
//!
//! Weights are a layer's parameters of two axes or more; biases then begin with 0.

use wgrad::graph;
use wgrad::nn::init::{self, Gain};
use wgrad::nn::{Initialized, Module};

use super::choice::{self, Family};
use super::key::{Key, Setting, Takes};
use super::mistake::Result;
use super::reader::Value;

/// What the kinds here are kinds of.
pub struct Inits;

impl Family for Inits {
    /// The first values of a weight of this shape.
    type Build = fn(&Init, &[usize]) -> graph::Init;
    const WHAT: &'static str = "init";
}

pub(super) type Kind = choice::Kind<Inits>;

/// What weights begin with.
pub type Init = choice::Chosen<Inits>;

/// Reads it.
pub fn read(value: Value<'_>) -> Result<Init> {
    let (init, section) = choice::read(value, Inits::WHAT, KINDS, &[])?;
    if !init.has("low") {
        return Ok(init);
    }
    let (low, high) = (init.number("low"), init.number("high"));
    let written = section
        .as_ref()
        .and_then(|s| s.get("low").or(s.get("high")));
    match (low < high, written) {
        (true, _) => Ok(init),
        (false, at) => Err(at
            .unwrap_or(value)
            .place()
            .error(format!(
                "`low` is {low}, which is not below `high`, which is {high}"
            ))
            .help("for example: low = -0.1, high = 0.1")),
    }
}

impl Init {
    /// A module whose weights begin so.
    pub fn of(&self, module: impl Module + 'static) -> Box<dyn Module> {
        let own = self.clone();
        Box::new(Initialized::new(module, move |shape| {
            (own.kind.build)(&own, shape)
        }))
    }

    fn f32(&self, key: &str) -> f32 {
        self.number(key) as f32
    }

    /// What makes up for the activation behind.
    fn gain(&self) -> f32 {
        match self.setting("gain") {
            Setting::Number(gain) => *gain as f32,
            Setting::Word(word) => {
                let named = GAINS.iter().find(|(name, _)| name == word);
                named.map_or(1.0, |(_, gain)| gain.value())
            }
            _ => 1.0,
        }
    }

    /// The fan that decides.
    fn fan(&self, shape: &[usize]) -> usize {
        let (inputs, outputs) = init::fans(shape);
        match self.word("mode") {
            "fan_out" => outputs,
            _ => inputs,
        }
    }
}

/// The activations that a gain can be named by.
const GAINS: [(&str, Gain); 6] = [
    ("linear", Gain::Linear),
    ("sigmoid", Gain::Sigmoid),
    ("tanh", Gain::Tanh),
    ("relu", Gain::Relu),
    ("leaky_relu", Gain::LeakyRelu(0.01)),
    ("selu", Gain::Selu),
];

/// Their names.
const WORDS: &[&str] = &["linear", "sigmoid", "tanh", "relu", "leaky_relu", "selu"];

pub(super) static KINDS: &[&Kind] = &[
    &XAVIER_UNIFORM,
    &XAVIER_NORMAL,
    &KAIMING_UNIFORM,
    &KAIMING_NORMAL,
    &LECUN_UNIFORM,
    &LECUN_NORMAL,
    &ORTHOGONAL,
    &IDENTITY,
    &NORMAL,
    &TRUNCATED_NORMAL,
    &UNIFORM,
    &CONSTANT,
    &ZEROS,
    &ONES,
];

const GAIN: Key = Key::or("gain", Takes::NumberOr(WORDS), || Setting::Number(1.0));
const OF_RELU: Key = Key::or("gain", Takes::NumberOr(WORDS), || Setting::Word("relu"));
const MODE: Key = Key::or("mode", Takes::Word(&["fan_in", "fan_out"]), || {
    Setting::Word("fan_in")
});
const MEAN: Key = Key::or("mean", Takes::Number, || Setting::Number(0.0));
const STD: Key = Key::needed("std", Takes::Positive, "0.02");

static XAVIER_UNIFORM: Kind = Kind {
    name: "xavier_uniform",
    keys: &[GAIN],
    build: |i, shape| {
        let (inputs, outputs) = init::fans(shape);
        init::xavier_uniform(inputs, outputs, i.gain())
    },
};

static XAVIER_NORMAL: Kind = Kind {
    name: "xavier_normal",
    keys: &[GAIN],
    build: |i, shape| {
        let (inputs, outputs) = init::fans(shape);
        init::xavier_normal(inputs, outputs, i.gain())
    },
};

static KAIMING_UNIFORM: Kind = Kind {
    name: "kaiming_uniform",
    keys: &[OF_RELU, MODE],
    build: |i, shape| init::kaiming_uniform(i.fan(shape), i.gain()),
};

static KAIMING_NORMAL: Kind = Kind {
    name: "kaiming_normal",
    keys: &[OF_RELU, MODE],
    build: |i, shape| init::kaiming_normal(i.fan(shape), i.gain()),
};

static LECUN_UNIFORM: Kind = Kind {
    name: "lecun_uniform",
    keys: &[],
    build: |_, shape| init::lecun_uniform(init::fans(shape).0),
};

static LECUN_NORMAL: Kind = Kind {
    name: "lecun_normal",
    keys: &[],
    build: |_, shape| init::lecun_normal(init::fans(shape).0),
};

static ORTHOGONAL: Kind = Kind {
    name: "orthogonal",
    keys: &[GAIN],
    build: |i, _| init::orthogonal(i.gain()),
};

static IDENTITY: Kind = Kind {
    name: "identity",
    keys: &[],
    build: |_, _| init::identity(),
};

static NORMAL: Kind = Kind {
    name: "normal",
    keys: &[STD, MEAN],
    build: |i, _| init::normal(i.f32("mean"), i.f32("std")),
};

static TRUNCATED_NORMAL: Kind = Kind {
    name: "truncated_normal",
    keys: &[
        STD,
        MEAN,
        Key::or("low", Takes::Number, || Setting::Number(-2.0)),
        Key::or("high", Takes::Number, || Setting::Number(2.0)),
    ],
    build: |i, _| {
        let bounds = (i.f32("low"), i.f32("high"));
        init::truncated_normal(i.f32("mean"), i.f32("std"), bounds.0, bounds.1)
    },
};

static UNIFORM: Kind = Kind {
    name: "uniform",
    keys: &[
        Key::needed("low", Takes::Number, "-0.1"),
        Key::needed("high", Takes::Number, "0.1"),
    ],
    build: |i, _| init::uniform(i.f32("low"), i.f32("high")),
};

static CONSTANT: Kind = Kind {
    name: "constant",
    keys: &[Key::needed("value", Takes::Number, "0.1")],
    build: |i, _| init::constant(i.f32("value")),
};

static ZEROS: Kind = Kind {
    name: "zeros",
    keys: &[],
    build: |_, _| init::zeros(),
};

static ONES: Kind = Kind {
    name: "ones",
    keys: &[],
    build: |_, _| init::ones(),
};
