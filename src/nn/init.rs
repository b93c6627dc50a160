//! First values of weights.

use crate::graph::Init;

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
