//! Activations: elementwise functions.

use wgrad::nn;

use super::Kind;
use crate::config::key::{Key, Setting, Takes};

pub(super) static KINDS: &[&Kind] = &[
    &RELU,
    &LEAKY_RELU,
    &ELU,
    &GELU,
    &SILU,
    &SIGMOID,
    &TANH,
    &SOFTPLUS,
    &RELU6,
    &PRELU,
    &SELU,
    &CELU,
    &SOFTSIGN,
    &LOG_SIGMOID,
    &SOFTMAX,
    &LOG_SOFTMAX,
    &HARD_SIGMOID,
    &HARD_SWISH,
    &MISH,
];

pub(super) static RELU: Kind = Kind {
    name: "relu",
    keys: &[],
    build: |_, _| Ok(Box::new(nn::Relu)),
};

static LEAKY_RELU: Kind = Kind {
    name: "leaky_relu",
    keys: &[Key::or("slope", Takes::NotNegative, || {
        Setting::Number(0.01)
    })],
    build: |layer, _| Ok(Box::new(nn::LeakyRelu(layer.number("slope")))),
};

static ELU: Kind = Kind {
    name: "elu",
    keys: &[Key::or("alpha", Takes::Positive, || Setting::Number(1.0))],
    build: |layer, _| Ok(Box::new(nn::Elu(layer.number("alpha")))),
};

static GELU: Kind = Kind {
    name: "gelu",
    keys: &[],
    build: |_, _| Ok(Box::new(nn::Gelu)),
};

static SILU: Kind = Kind {
    name: "silu",
    keys: &[],
    build: |_, _| Ok(Box::new(nn::Silu)),
};

static SIGMOID: Kind = Kind {
    name: "sigmoid",
    keys: &[],
    build: |_, _| Ok(Box::new(nn::Sigmoid)),
};

static TANH: Kind = Kind {
    name: "tanh",
    keys: &[],
    build: |_, _| Ok(Box::new(nn::Tanh)),
};

static SOFTPLUS: Kind = Kind {
    name: "softplus",
    keys: &[],
    build: |_, _| Ok(Box::new(nn::Softplus)),
};

static RELU6: Kind = Kind {
    name: "relu6",
    keys: &[],
    build: |_, _| Ok(Box::new(nn::Relu6)),
};

static SELU: Kind = Kind {
    name: "selu",
    keys: &[],
    build: |_, _| Ok(Box::new(nn::Selu)),
};

static SOFTSIGN: Kind = Kind {
    name: "softsign",
    keys: &[],
    build: |_, _| Ok(Box::new(nn::Softsign)),
};

static LOG_SIGMOID: Kind = Kind {
    name: "log_sigmoid",
    keys: &[],
    build: |_, _| Ok(Box::new(nn::LogSigmoid)),
};

// Over the last axis.
static SOFTMAX: Kind = Kind {
    name: "softmax",
    keys: &[],
    build: |_, _| Ok(Box::new(nn::Softmax)),
};

static LOG_SOFTMAX: Kind = Kind {
    name: "log_softmax",
    keys: &[],
    build: |_, _| Ok(Box::new(nn::LogSoftmax)),
};

static HARD_SIGMOID: Kind = Kind {
    name: "hard_sigmoid",
    keys: &[],
    build: |_, _| Ok(Box::new(nn::HardSigmoid)),
};

static HARD_SWISH: Kind = Kind {
    name: "hard_swish",
    keys: &[],
    build: |_, _| Ok(Box::new(nn::HardSwish)),
};

static MISH: Kind = Kind {
    name: "mish",
    keys: &[],
    build: |_, _| Ok(Box::new(nn::Mish)),
};

static PRELU: Kind = Kind {
    name: "prelu",
    keys: &[],
    build: |_, _| Ok(Box::new(nn::Prelu::new())),
};

static CELU: Kind = Kind {
    name: "celu",
    keys: &[Key::or("alpha", Takes::Positive, || Setting::Number(1.0))],
    build: |layer, _| Ok(Box::new(nn::Celu(layer.number("alpha")))),
};
