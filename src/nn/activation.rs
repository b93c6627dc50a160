//! Activations as layers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Tensor;
use crate::schema::{Path, range};

use super::{Module, Settings, Unfit, traced};

/// Gives layers without settings as settings of themselves.
macro_rules! layer_of_itself {
    ($name:ident) => {
        impl Settings for $name {
            fn build(&self, _: &[usize], _: &Path) -> std::result::Result<Box<dyn Module>, Unfit> {
                Ok(Box::new(*self))
            }

            fn is_activation(&self) -> bool {
                true
            }
        }
    };
}

macro_rules! activations {
    ($($(#[$doc:meta])* $name:ident $kind:literal $method:ident;)*) => {
        $($(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
        pub struct $name;

        layer_of_itself!($name);

        impl Module for $name {
            #[track_caller]
            fn forward(&self, x: &Tensor) -> Tensor {
                traced(x, $kind, |x| x.$method())
            }
        })*
    };
}

activations! {
    /// `max(x, 0)`.
    Relu "ReLU" relu;
    /// `1 / (1 + e^-x)`.
    Sigmoid "Sigmoid" sigmoid;
    /// `tanh(x)`.
    Tanh "Tanh" tanh;
    /// `x (1 + erf(x / sqrt(2))) / 2`.
    Gelu "GELU" gelu;
    /// `x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2`: PyTorch's `GELU(approximate="tanh")`, as in GPT-2.
    GeluTanh "GELU(tanh)" gelu_tanh;
    /// `x sigmoid(x)`.
    Silu "SiLU" silu;
    /// `ln(1 + e^x)`.
    Softplus "Softplus" softplus;
    /// `ln(sigmoid(x))`.
    LogSigmoid "LogSigmoid" log_sigmoid;
    /// `x / (1 + |x|)`.
    Softsign "Softsign" softsign;
    /// `min(max(x, 0), 6)`.
    Relu6 "ReLU6" relu6;
    /// The ELU that keeps mean 0 and variance 1; see [`Tensor::selu`].
    Selu "SELU" selu;
    /// `min(max(x + 3, 0), 6) / 6`.
    HardSigmoid "Hardsigmoid" hard_sigmoid;
    /// `x min(max(x + 3, 0), 6) / 6`.
    HardSwish "Hardswish" hard_swish;
    /// `x tanh(ln(1 + e^x))`.
    Mish "Mish" mish;
}

/// `x` where `x > 0`, else `slope x`.
#[derive(Clone, Copy, Debug)]
pub struct LeakyRelu(
    /// The slope for negative `x`; PyTorch's default is 0.01.
    pub f64,
);

impl Module for LeakyRelu {
    #[track_caller]
    fn forward(&self, x: &Tensor) -> Tensor {
        traced(x, &format!("LeakyReLU({})", self.0), |x| {
            x.leaky_relu(self.0)
        })
    }
}

/// `x` where `x > 0`, else `alpha (e^x - 1)`.
#[derive(Clone, Copy, Debug)]
pub struct Elu(
    /// The scale for negative `x`; PyTorch's default is 1.
    pub f64,
);

impl Module for Elu {
    #[track_caller]
    fn forward(&self, x: &Tensor) -> Tensor {
        traced(x, &format!("ELU({})", self.0), |x| x.elu(self.0))
    }
}

/// `x` where `x > 0`, else `alpha (e^(x / alpha) - 1)`.
#[derive(Clone, Copy, Debug)]
pub struct Celu(
    /// The scale for negative `x`; PyTorch's default is 1.
    pub f64,
);

impl Module for Celu {
    #[track_caller]
    fn forward(&self, x: &Tensor) -> Tensor {
        traced(x, &format!("CELU({})", self.0), |x| x.celu(self.0))
    }
}

/// Softmax over the last axis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Softmax;

layer_of_itself!(Softmax);

impl Module for Softmax {
    #[track_caller]
    fn forward(&self, x: &Tensor) -> Tensor {
        traced(x, "Softmax", |x| x.softmax(-1))
    }
}

/// The logarithm of softmax over the last axis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LogSoftmax;

layer_of_itself!(LogSoftmax);

impl Module for LogSoftmax {
    #[track_caller]
    fn forward(&self, x: &Tensor) -> Tensor {
        traced(x, "LogSoftmax", |x| x.log_softmax(-1))
    }
}

/// `x` where `x > 0`, else `slope x`; see [`LeakyRelu`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LeakyReluSpec {
    /// The slope for negative `x`.
    #[schemars(with = "range::NotNegative")]
    pub slope: f64,
}

impl Default for LeakyReluSpec {
    fn default() -> Self {
        LeakyReluSpec { slope: 0.01 }
    }
}

impl Settings for LeakyReluSpec {
    fn build(&self, _: &[usize], _: &Path) -> std::result::Result<Box<dyn Module>, Unfit> {
        Ok(Box::new(LeakyRelu(self.slope)))
    }

    fn is_activation(&self) -> bool {
        true
    }
}

/// `x` where `x > 0`, else `alpha (e^x - 1)`; see [`Elu`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EluSpec {
    /// The scale for negative `x`.
    #[schemars(with = "range::Positive")]
    pub alpha: f64,
}

impl Default for EluSpec {
    fn default() -> Self {
        EluSpec { alpha: 1.0 }
    }
}

impl Settings for EluSpec {
    fn build(&self, _: &[usize], _: &Path) -> std::result::Result<Box<dyn Module>, Unfit> {
        Ok(Box::new(Elu(self.alpha)))
    }

    fn is_activation(&self) -> bool {
        true
    }
}

/// `x` where `x > 0`, else `alpha (e^(x / alpha) - 1)`; see [`Celu`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CeluSpec {
    /// The scale for negative `x`.
    #[schemars(with = "range::Positive")]
    pub alpha: f64,
}

impl Default for CeluSpec {
    fn default() -> Self {
        CeluSpec { alpha: 1.0 }
    }
}

impl Settings for CeluSpec {
    fn build(&self, _: &[usize], _: &Path) -> std::result::Result<Box<dyn Module>, Unfit> {
        Ok(Box::new(Celu(self.alpha)))
    }

    fn is_activation(&self) -> bool {
        true
    }
}
