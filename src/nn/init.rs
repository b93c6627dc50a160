//! Initialization of weights. Random values are drawn from the trainer's seed.
//!
//! The fans of a weight are its numbers of inputs and outputs ([`fans`]). A gain compensates for
//! the effect of the next activation on the variance ([`Gain`]).
//!
//! # Example
//! ```
//! use wgrad::nn::{Linear, init};
//! use wgrad::prelude::*;
//!
//! let (inputs, outputs) = init::fans(&[16, 64]); // the shape of the weight
//! let layer = Linear::new(64, 16).init(init::xavier_uniform(inputs, outputs, 1.0));
//! let mut trainer = Trainer::new(layer).loss(loss::Mse).compile_for(&Device::cpu(), [64])?;
//! let bound = (6.0f32 / 80.0).sqrt();
//! assert!(trainer.weights("weight")?.iter().all(|w| w.abs() <= bound));
//! # Ok::<(), wgrad::Error>(())
//! ```

mod spec;

pub use spec::*;

use crate::graph::Init;

/// The gain of an activation: the factor for the weights before it; `torch.nn.init.calculate_gain`.
///
/// # Example
/// ```
/// use wgrad::nn::init::Gain;
///
/// assert_eq!(Gain::Relu.value(), 2f32.sqrt());
/// assert_eq!(Gain::LeakyRelu(0.0).value(), Gain::Relu.value());
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Gain {
    /// No activation, or a convolution: 1.
    Linear,
    /// 1.
    Sigmoid,
    /// 5/3.
    Tanh,
    /// `sqrt(2)`.
    Relu,
    /// `sqrt(2 / (1 + slope^2))`, for this slope at negative values.
    LeakyRelu(f32),
    /// 3/4.
    Selu,
}

impl Gain {
    /// Returns the factor.
    pub fn value(self) -> f32 {
        match self {
            Gain::Linear | Gain::Sigmoid => 1.0,
            Gain::Tanh => 5.0 / 3.0,
            Gain::Relu => std::f32::consts::SQRT_2,
            Gain::LeakyRelu(slope) => (2.0 / (1.0 + slope * slope)).sqrt(),
            Gain::Selu => 0.75,
        }
    }
}

/// Returns the fan-in and the fan-out of a weight of shape `[out, in]`, or `[out, in, ..]` of a
/// convolution. For a convolution each is multiplied by the size of its kernel. Both fans of a
/// vector are its length.
///
/// PyTorch's `mode="fan_out"` of the Kaiming initializations is the second fan in place of the
/// first.
///
/// # Example
/// ```
/// use wgrad::nn::init::fans;
///
/// assert_eq!(fans(&[8, 3, 5, 5]), (75, 200));
/// assert_eq!(fans(&[10, 4]), (4, 10));
/// ```
pub fn fans(shape: &[usize]) -> (usize, usize) {
    match shape {
        [outputs, inputs, kernel @ ..] => {
            let size: usize = kernel.iter().product();
            (inputs * size, outputs * size)
        }
        other => {
            let n = other.iter().product();
            (n, n)
        }
    }
}

/// Sets all elements to 0.
pub fn zeros() -> Init {
    Init::Constant(0.0)
}

/// Sets all elements to 1.
pub fn ones() -> Init {
    Init::Constant(1.0)
}

/// Sets all elements to `value`.
pub fn constant(value: f32) -> Init {
    Init::Constant(value)
}

/// Draws from the uniform distribution between `low` and `high`.
pub fn uniform(low: f32, high: f32) -> Init {
    Init::Between { low, high }
}

/// Draws from the normal distribution with this mean and standard deviation.
pub fn normal(mean: f32, std: f32) -> Init {
    match mean == 0.0 {
        true => Init::Normal { std },
        false => Init::TruncatedNormal {
            mean,
            std,
            // So far from the mean that no value is cut off.
            low: mean - 38.0 * std,
            high: mean + 38.0 * std,
        },
    }
}

/// Draws from the normal distribution restricted to `low` to `high`: PyTorch's `trunc_normal_`,
/// whose default bounds are -2 and 2.
pub fn truncated_normal(mean: f32, std: f32, low: f32, high: f32) -> Init {
    Init::TruncatedNormal {
        mean,
        std,
        low,
        high,
    }
}

/// A random matrix whose rows or columns, whichever are fewer, are orthogonal and of length `gain`
/// (Saxe, McClelland and Ganguli, 2014). A weight of more than two axes is flattened to a matrix
/// with its first axis as the rows.
pub fn orthogonal(gain: f32) -> Init {
    Init::Orthogonal { gain }
}

/// The identity for a matrix, or for a convolution whose padding preserves the size: PyTorch's
/// `eye_` and `dirac_`.
pub fn identity() -> Init {
    Init::Identity
}

/// Draws from the uniform distribution in `±sqrt(3 / fan_in)` (LeCun et al., "Efficient backprop",
/// 1998).
pub fn lecun_uniform(fan_in: usize) -> Init {
    kaiming_uniform(fan_in, 1.0)
}

/// Draws from a normal distribution truncated at two standard deviations, such that the result has
/// the standard deviation `sqrt(1 / fan_in)` (LeCun et al., 1998), as in Keras.
pub fn lecun_normal(fan_in: usize) -> Init {
    // The standard deviation of a standard normal distribution truncated at ±2.
    const TRUNCATED_STD: f32 = 0.879_625_6;
    let std = 1.0 / (fan_in.max(1) as f32).sqrt() / TRUNCATED_STD;
    truncated_normal(0.0, std, -2.0 * std, 2.0 * std)
}

/// Draws from the uniform distribution in `±gain sqrt(6 / (fan_in + fan_out))` (Glorot and Bengio,
/// 2010), for tanh and sigmoid.
pub fn xavier_uniform(fan_in: usize, fan_out: usize, gain: f32) -> Init {
    Init::Uniform {
        bound: gain * (6.0 / (fan_in + fan_out).max(1) as f32).sqrt(),
    }
}

/// Draws from the normal distribution with standard deviation `gain sqrt(2 / (fan_in + fan_out))`
/// (Glorot and Bengio, 2010).
pub fn xavier_normal(fan_in: usize, fan_out: usize, gain: f32) -> Init {
    Init::Normal {
        std: gain * (2.0 / (fan_in + fan_out).max(1) as f32).sqrt(),
    }
}

/// Draws from the uniform distribution in `±gain sqrt(3 / fan_in)` (He, Zhang, Ren and Sun, 2015).
/// The gain of ReLU is `sqrt(2)`.
pub fn kaiming_uniform(fan_in: usize, gain: f32) -> Init {
    Init::Uniform {
        bound: gain * (3.0 / fan_in.max(1) as f32).sqrt(),
    }
}

/// Draws from the normal distribution with standard deviation `gain / sqrt(fan_in)` (He, Zhang, Ren
/// and Sun, 2015). The gain of ReLU is `sqrt(2)`.
pub fn kaiming_normal(fan_in: usize, gain: f32) -> Init {
    Init::Normal {
        std: gain / (fan_in.max(1) as f32).sqrt(),
    }
}

/// PyTorch's default for the weight and bias of a linear layer or a convolution: uniform in `±1 /
/// sqrt(fan_in)`.
pub fn torch_linear(fan_in: usize) -> Init {
    Init::Uniform {
        bound: 1.0 / (fan_in.max(1) as f32).sqrt(),
    }
}
