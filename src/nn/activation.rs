//! Activations as layers.

use crate::Tensor;

use super::{Module, traced};

macro_rules! activations {
    ($($(#[$doc:meta])* $name:ident $kind:literal $method:ident;)*) => {
        $($(#[$doc])*
        #[derive(Clone, Copy, Debug, Default)]
        pub struct $name;

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
    /// `x sigmoid(x)`.
    Silu "SiLU" silu;
    /// `ln(1 + e^x)`.
    Softplus "Softplus" softplus;
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

/// Softmax over the last axis.
#[derive(Clone, Copy, Debug, Default)]
pub struct Softmax;

impl Module for Softmax {
    #[track_caller]
    fn forward(&self, x: &Tensor) -> Tensor {
        traced(x, "Softmax", |x| x.softmax(-1))
    }
}

/// The logarithm of softmax over the last axis.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogSoftmax;

impl Module for LogSoftmax {
    #[track_caller]
    fn forward(&self, x: &Tensor) -> Tensor {
        traced(x, "LogSoftmax", |x| x.log_softmax(-1))
    }
}
