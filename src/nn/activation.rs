//! Activation functions as layers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Tensor;
use crate::schema::{Path, range};

use super::{Module, Settings, Unfit, traced};

/// Implements `Settings` for layers that have no settings: each is its own spec.
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
    ($($(#[$doc:meta])* $name:ident $kind:literal $method:ident [$low:literal, $high:literal];)*) => {
        $($(#[$doc])*
        #[doc = concat!(
            "\n# Example\n```\nuse wgrad::{Device, nn::{Module, ", stringify!($name), "}};\n\n",
            "let y = wgrad::eval(&Device::cpu(), |g| ",
            stringify!($name), ".forward(&g.tensor([1, 2], [-1.0, 2.0])))?;\n",
            "assert!((y.data[0] - ", stringify!($low), ").abs() < 1e-4);\n",
            "assert!((y.data[1] - ", stringify!($high), ").abs() < 1e-4);\n",
            "# Ok::<(), wgrad::Error>(())\n```",
        )]
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
    /// The rectified linear unit: `max(x, 0)`.
    Relu "ReLU" relu [0.0, 2.0];
    /// The logistic sigmoid: `1 / (1 + e^-x)`.
    Sigmoid "Sigmoid" sigmoid [0.2689, 0.8808];
    /// The hyperbolic tangent: `tanh(x)`.
    Tanh "Tanh" tanh [-0.7616, 0.9640];
    /// GELU: `x (1 + erf(x / sqrt(2))) / 2`.
    Gelu "GELU" gelu [-0.1587, 1.9545];
    /// The tanh approximation of GELU: `x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2`, PyTorch's
    /// `GELU(approximate="tanh")`, as in GPT-2.
    GeluTanh "GELU(tanh)" gelu_tanh [-0.1588, 1.9546];
    /// SiLU, also called swish: `x sigmoid(x)`.
    Silu "SiLU" silu [-0.2689, 1.7616];
    /// Softplus: `ln(1 + e^x)`.
    Softplus "Softplus" softplus [0.3133, 2.1269];
    /// The logarithm of the sigmoid: `ln(sigmoid(x))`.
    LogSigmoid "LogSigmoid" log_sigmoid [-1.3133, -0.1269];
    /// Softsign: `x / (1 + |x|)`.
    Softsign "Softsign" softsign [-0.5, 0.6667];
    /// ReLU limited to 6: `min(max(x, 0), 6)`.
    Relu6 "ReLU6" relu6 [0.0, 2.0];
    /// SELU, the scaled ELU that preserves mean 0 and variance 1; see [`Tensor::selu`].
    Selu "SELU" selu [-1.1113, 2.1014];
    /// The piecewise linear approximation of the sigmoid: `min(max(x + 3, 0), 6) / 6`.
    HardSigmoid "Hardsigmoid" hard_sigmoid [0.3333, 0.8333];
    /// The piecewise approximation of SiLU: `x min(max(x + 3, 0), 6) / 6`.
    HardSwish "Hardswish" hard_swish [-0.3333, 1.6667];
    /// Mish: `x tanh(ln(1 + e^x))`.
    Mish "Mish" mish [-0.3034, 1.9440];
}

/// Leaky ReLU: `x` where `x > 0`, else `slope x`.
///
/// # Example
/// ```
/// use wgrad::{Device, nn::{LeakyRelu, Module}};
///
/// let layer = LeakyRelu(0.5);
/// let y = wgrad::eval(&Device::cpu(), |g| layer.forward(&g.tensor([1, 2], [-1.0, 2.0])))?;
/// assert_eq!(y.data, [-0.5, 2.0]);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct LeakyRelu(
    /// The slope for negative `x`. PyTorch's default: 0.01.
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

/// ELU: `x` where `x > 0`, else `alpha (e^x - 1)`.
///
/// # Example
/// ```
/// use wgrad::{Device, nn::{Elu, Module}};
///
/// let y = wgrad::eval(&Device::cpu(), |g| Elu(1.0).forward(&g.tensor([1, 2], [-1.0, 2.0])))?;
/// assert!((y.data[0] + 0.6321).abs() < 1e-4);
/// assert_eq!(y.data[1], 2.0);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Elu(
    /// The scale for negative `x`. PyTorch's default: 1.
    pub f64,
);

impl Module for Elu {
    #[track_caller]
    fn forward(&self, x: &Tensor) -> Tensor {
        traced(x, &format!("ELU({})", self.0), |x| x.elu(self.0))
    }
}

/// CELU: `x` where `x > 0`, else `alpha (e^(x / alpha) - 1)`.
///
/// # Example
/// ```
/// use wgrad::{Device, nn::{Celu, Module}};
///
/// let y = wgrad::eval(&Device::cpu(), |g| Celu(2.0).forward(&g.tensor([1, 2], [-1.0, 2.0])))?;
/// assert!((y.data[0] + 0.7869).abs() < 1e-4);
/// assert_eq!(y.data[1], 2.0);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Celu(
    /// The scale for negative `x`. PyTorch's default: 1.
    pub f64,
);

impl Module for Celu {
    #[track_caller]
    fn forward(&self, x: &Tensor) -> Tensor {
        traced(x, &format!("CELU({})", self.0), |x| x.celu(self.0))
    }
}

/// Softmax over the last axis.
///
/// # Example
/// ```
/// use wgrad::{Device, nn::{Module, Softmax}};
///
/// let y = wgrad::eval(&Device::cpu(), |g| Softmax.forward(&g.tensor([1, 4], [2.0; 4])))?;
/// assert_eq!(y.data, [0.25; 4]);
/// # Ok::<(), wgrad::Error>(())
/// ```
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
///
/// # Example
/// ```
/// use wgrad::{Device, nn::{LogSoftmax, Module}};
///
/// let y = wgrad::eval(&Device::cpu(), |g| LogSoftmax.forward(&g.tensor([1, 2], [3.0, 3.0])))?;
/// assert!((y.data[0] + std::f64::consts::LN_2).abs() < 1e-6);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LogSoftmax;

layer_of_itself!(LogSoftmax);

impl Module for LogSoftmax {
    #[track_caller]
    fn forward(&self, x: &Tensor) -> Tensor {
        traced(x, "LogSoftmax", |x| x.log_softmax(-1))
    }
}

/// Leaky ReLU: `x` where `x > 0`, else `slope x`; see [`LeakyRelu`].
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

/// ELU: `x` where `x > 0`, else `alpha (e^x - 1)`; see [`Elu`].
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

/// CELU: `x` where `x > 0`, else `alpha (e^(x / alpha) - 1)`; see [`Celu`].
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
