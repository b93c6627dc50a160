//! First values of weights, drawn from the trainer's seed. Fans are the numbers of inputs and outputs that meet
//! at a weight ([`fans`]); a gain makes up for what an activation takes away ([`Gain`]).

mod spec;

pub use spec::*;

use crate::graph::Init;

/// What an activation is followed by weights of this size for; `torch.nn.init.calculate_gain`.
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
    /// `sqrt(2 / (1 + slope^2))`, for this slope below 0.
    LeakyRelu(f32),
    /// 3/4.
    Selu,
}

impl Gain {
    /// The number.
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

/// The inputs and the outputs that meet at a weight of this shape: `[out, in]`, or `[out, in, ..]` of a
/// convolution, each times the size of its kernel. Of a vector both are its length.
///
/// For Kaiming's by the outputs, PyTorch's `mode="fan_out"`, give the second for the first.
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

/// All 0.
pub fn zeros() -> Init {
    Init::Constant(0.0)
}

/// All 1.
pub fn ones() -> Init {
    Init::Constant(1.0)
}

/// All this.
pub fn constant(value: f32) -> Init {
    Init::Constant(value)
}

/// Uniform from `low` up to `high`.
pub fn uniform(low: f32, high: f32) -> Init {
    Init::Between { low, high }
}

/// Normal with this mean and standard deviation.
pub fn normal(mean: f32, std: f32) -> Init {
    match mean == 0.0 {
        true => Init::Normal { std },
        false => Init::TruncatedNormal {
            mean,
            std,
            // So far out that nothing is cut off.
            low: mean - 38.0 * std,
            high: mean + 38.0 * std,
        },
    }
}

/// Normal, but all between `low` and `high`: PyTorch's `trunc_normal_`, whose bounds are -2 and 2 if none are
/// given.
pub fn truncated_normal(mean: f32, std: f32, low: f32, high: f32) -> Init {
    Init::TruncatedNormal {
        mean,
        std,
        low,
        high,
    }
}

/// A random matrix whose shorter side's vectors are orthogonal and of length `gain` (Saxe, McClelland and
/// Ganguli, 2014); of a weight of more axes, all but the first are one.
pub fn orthogonal(gain: f32) -> Init {
    Init::Orthogonal { gain }
}

/// The identity of a matrix, or of a convolution whose padding keeps the size: PyTorch's `eye_` and `dirac_`.
pub fn identity() -> Init {
    Init::Identity
}

/// Uniform in `±sqrt(3 / fan_in)` (LeCun et al., "Efficient backprop", 1998).
pub fn lecun_uniform(fan_in: usize) -> Init {
    kaiming_uniform(fan_in, 1.0)
}

/// Normal within two standard deviations, so that the standard deviation is `sqrt(1 / fan_in)` (LeCun et al.,
/// 1998), as in Keras.
pub fn lecun_normal(fan_in: usize) -> Init {
    // What is left of the deviation within two of them.
    const LEFT: f32 = 0.879_625_6;
    let std = 1.0 / (fan_in.max(1) as f32).sqrt() / LEFT;
    truncated_normal(0.0, std, -2.0 * std, 2.0 * std)
}

/// Uniform in `±gain sqrt(6 / (fan_in + fan_out))` (Glorot and Bengio, 2010), for tanh and sigmoid.
pub fn xavier_uniform(fan_in: usize, fan_out: usize, gain: f32) -> Init {
    Init::Uniform {
        bound: gain * (6.0 / (fan_in + fan_out).max(1) as f32).sqrt(),
    }
}

/// Normal with standard deviation `gain sqrt(2 / (fan_in + fan_out))` (Glorot and Bengio, 2010).
pub fn xavier_normal(fan_in: usize, fan_out: usize, gain: f32) -> Init {
    Init::Normal {
        std: gain * (2.0 / (fan_in + fan_out).max(1) as f32).sqrt(),
    }
}

/// Uniform in `±gain sqrt(3 / fan_in)` (He, Zhang, Ren and Sun, 2015); the gain of ReLU is `sqrt(2)`.
pub fn kaiming_uniform(fan_in: usize, gain: f32) -> Init {
    Init::Uniform {
        bound: gain * (3.0 / fan_in.max(1) as f32).sqrt(),
    }
}

/// Normal with standard deviation `gain / sqrt(fan_in)` (He, Zhang, Ren and Sun, 2015).
pub fn kaiming_normal(fan_in: usize, gain: f32) -> Init {
    Init::Normal {
        std: gain / (fan_in.max(1) as f32).sqrt(),
    }
}

/// What PyTorch gives the weight and bias of a linear layer or a convolution: uniform in
/// `±1 / sqrt(fan_in)`.
pub fn torch_linear(fan_in: usize) -> Init {
    Init::Uniform {
        bound: 1.0 / (fan_in.max(1) as f32).sqrt(),
    }
}
