//! Losses of numbers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::functional::{self, Reduction};
use super::{Loss, Target, settings};
use crate::graph::Meta;
use crate::schema::range;
use crate::{DType, Tensor};

pub(super) fn width(output: &Meta) -> Result<usize, String> {
    match output.shape.split_first() {
        Some((_, rest)) if output.dtype == DType::F32 => Ok(rest.iter().product()),
        _ => Err(format!(
            "the output is {}{}, not f32 [batch, ..]",
            output.dtype, output.shape
        )),
    }
}

macro_rules! value_loss {
    ($name:ident $key:literal, $threshold:literal, |$self:ident, $y:ident, $t:ident, $by:ident| $loss:expr) => {
        impl Loss for $name {
            fn target(&self, output: &Meta) -> Result<Target, String> {
                let width = width(output)?;
                Ok(Target::Values { width })
            }
            fn mean(&$self, $y: &Tensor, $t: &Tensor) -> Tensor {
                let $by = Reduction::Mean;
                $loss
            }
            fn each(&$self, $y: &Tensor, $t: &Tensor) -> Option<Tensor> {
                let $by = Reduction::None;
                Some($loss)
            }
            fn threshold(&self) -> f64 {
                $threshold
            }
            fn name(&self) -> &'static str {
                $key
            }
        }
    };
}

macro_rules! plain {
    ($(#[$doc:meta])* $name:ident $key:literal, $threshold:literal, |$y:ident, $t:ident, $by:ident| $loss:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
        pub struct $name;

        impl $name {
            /// The mean over the batch and the output's elements.
            pub fn new() -> Self {
                $name
            }
        }

        value_loss!($name $key, $threshold, |self, $y, $t, $by| $loss);
    };
}

plain!(
    /// Mean squared error.
    Mse "mse", 0.5, |y, t, by| functional::mse(y, t, by)
);
plain!(
    /// Mean absolute error.
    Mae "mae", 0.5, |y, t, by| functional::mae(y, t, by)
);
plain!(
    /// Binary cross-entropy of probabilities (the output of a sigmoid) with targets between 0 and 1.
    /// Saturated probabilities give at most 100, and finite gradients, as in PyTorch.
    Bce "bce", 0.5, |p, t, by| functional::binary_cross_entropy(p, t, by)
);
plain!(
    /// `max(0, 1 - y t)`, where targets of 0 count as -1 (as in Keras) and those of 1 as 1.
    Hinge "hinge", 0.0, |y, t, by| {
        let zero = t.constant_like(0.0);
        let sign = t.gt(&zero).select(&t.constant_like(1.0), &t.constant_like(-1.0));
        functional::hinge(y, &sign, 1.0, by)
    }
);

settings!(Mse Values, Mae Values, Bce Probability, Hinge Margin);

/// Half the square of an error up to `delta`, and a straight line beyond; see [`functional::huber`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Huber {
    /// The largest error whose square counts.
    #[schemars(with = "range::Positive")]
    delta: f64,
}

impl Default for Huber {
    fn default() -> Self {
        Huber { delta: 1.0 }
    }
}

settings!(Huber Values);

impl Huber {
    /// With this bound, above 0.
    pub fn new(delta: f64) -> Self {
        Huber { delta }
    }
}

value_loss!(Huber "huber", 0.5, |self, y, t, by| functional::huber(y, t, self.delta, by));

/// The Huber loss with a line of slope 1; see [`functional::smooth_l1`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SmoothL1 {
    /// The largest error whose square counts.
    #[schemars(with = "range::NotNegative")]
    beta: f64,
}

impl Default for SmoothL1 {
    fn default() -> Self {
        SmoothL1 { beta: 1.0 }
    }
}

settings!(SmoothL1 Values);

impl SmoothL1 {
    /// With this bound, at least 0.
    pub fn new(beta: f64) -> Self {
        SmoothL1 { beta }
    }
}

value_loss!(SmoothL1 "smooth_l1", 0.5, |self, y, t, by| functional::smooth_l1(y, t, self.beta, by));

/// Binary cross-entropy of logits: `softplus(z) - z t`, finite for all logits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BceWithLogits {
    /// The weight of targets of 1.
    #[schemars(with = "Option<range::Positive>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pos_weight: Option<f64>,
}

settings!(BceWithLogits Logit);

impl BceWithLogits {
    /// The mean over the batch and the output's elements.
    pub fn new() -> Self {
        BceWithLogits::default()
    }

    /// Targets of 1 count so many times as much.
    pub fn pos_weight(self, weight: f64) -> Self {
        let pos_weight = Some(weight);
        BceWithLogits { pos_weight }
    }
}

value_loss!(BceWithLogits "bce_with_logits", 0.0, |self, z, t, by| {
    let weight = self.pos_weight.map(|w| z.constant_like(w));
    functional::binary_cross_entropy_with_logits(z, t, weight.as_ref(), by)
});

/// Binary cross-entropy of logits in which samples that are right already count less; see
/// [`functional::focal`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Focal {
    /// The exponent; 0 is the plain cross-entropy.
    #[schemars(with = "range::NotNegative")]
    gamma: f64,
    /// The weight of targets of 1; those of 0 have `1 - alpha`.
    #[schemars(with = "Option<range::Fraction>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    alpha: Option<f64>,
}

impl Default for Focal {
    fn default() -> Self {
        Focal {
            gamma: 2.0,
            alpha: None,
        }
    }
}

settings!(Focal Logit);

impl Focal {
    /// With this exponent, 2 in the paper.
    pub fn new(gamma: f64) -> Self {
        Focal { gamma, alpha: None }
    }

    /// Targets of 1 count by `alpha`, those of 0 by the rest to 1; 0.25 in the paper.
    pub fn alpha(self, alpha: f64) -> Self {
        let alpha = Some(alpha);
        Focal { alpha, ..self }
    }
}

value_loss!(Focal "focal", 0.0, |self, z, t, by| functional::focal(z, t, self.gamma, self.alpha, by));
