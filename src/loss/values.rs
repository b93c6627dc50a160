//! Losses of regression and of binary classification.

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
            "expected an output f32 [batch, ..], found {}{}",
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
            /// Creates the loss, a mean over the batch and the output's elements.
            pub fn new() -> Self {
                $name
            }
        }

        value_loss!($name $key, $threshold, |self, $y, $t, $by| $loss);
    };
}

plain!(
    /// Mean squared error.
    ///
    /// # Example
    /// ```
    /// use wgrad::{Device, loss::{Loss, Mse}};
    ///
    /// let loss = wgrad::eval(&Device::cpu(), |g| {
    ///     Mse.mean(&g.tensor([2, 1], [1.0, 5.0]), &g.tensor([2, 1], [0.0, 2.0]))
    /// })?;
    /// assert_eq!(loss.data, [5.0]);
    /// # Ok::<(), wgrad::Error>(())
    /// ```
    Mse "mse", 0.5, |y, t, by| functional::mse(y, t, by)
);
plain!(
    /// Mean absolute error.
    ///
    /// # Example
    /// ```
    /// use wgrad::{Device, loss::{Loss, Mae}};
    ///
    /// let loss = wgrad::eval(&Device::cpu(), |g| {
    ///     Mae.mean(&g.tensor([2, 1], [1.0, 5.0]), &g.tensor([2, 1], [0.0, 2.0]))
    /// })?;
    /// assert_eq!(loss.data, [2.0]);
    /// # Ok::<(), wgrad::Error>(())
    /// ```
    Mae "mae", 0.5, |y, t, by| functional::mae(y, t, by)
);
plain!(
    /// Binary cross-entropy of probabilities (the output of a sigmoid) with targets from 0 to 1.
    /// For saturated probabilities it is at most 100, with finite gradients, as in PyTorch.
    ///
    /// # Example
    /// ```
    /// use wgrad::{Device, loss::{Bce, Loss}};
    ///
    /// let loss = wgrad::eval(&Device::cpu(), |g| {
    ///     Bce.mean(&g.tensor([1, 1], [0.5]), &g.tensor([1, 1], [1.0]))
    /// })?;
    /// assert!((loss.data[0] - 2f64.ln()).abs() < 1e-6);
    /// # Ok::<(), wgrad::Error>(())
    /// ```
    Bce "bce", 0.5, |p, t, by| functional::binary_cross_entropy(p, t, by)
);
plain!(
    /// Hinge loss: `max(0, 1 - y t)` with targets of 0 and 1, where 0 stands for -1 (as in Keras).
    ///
    /// # Example
    /// ```
    /// use wgrad::{Device, loss::{Hinge, Loss}};
    ///
    /// let loss = wgrad::eval(&Device::cpu(), |g| {
    ///     Hinge.mean(&g.tensor([2, 1], [0.5, 0.5]), &g.tensor([2, 1], [1.0, 0.0]))
    /// })?;
    /// assert_eq!(loss.data, [1.0]); // 0.5 and 1.5
    /// # Ok::<(), wgrad::Error>(())
    /// ```
    Hinge "hinge", 0.0, |y, t, by| {
        let zero = t.constant_like(0.0);
        let sign = t.gt(&zero).select(&t.constant_like(1.0), &t.constant_like(-1.0));
        functional::hinge(y, &sign, 1.0, by)
    }
);

settings!(Mse Values, Mae Values, Bce Probability, Hinge Margin);

/// Huber loss: half the square of an error up to `delta`, and a straight line beyond.
///
/// See [`functional::huber`].
///
/// # Example
/// ```
/// use wgrad::{Device, loss::{Huber, Loss}};
///
/// let loss = wgrad::eval(&Device::cpu(), |g| {
///     Huber::new(1.0).mean(&g.tensor([1, 1], [3.0]), &g.tensor([1, 1], [0.0]))
/// })?;
/// assert_eq!(loss.data, [2.5]);
/// # Ok::<(), wgrad::Error>(())
/// ```
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
    /// Creates the loss with this `delta`, above 0.
    pub fn new(delta: f64) -> Self {
        Huber { delta }
    }
}

value_loss!(Huber "huber", 0.5, |self, y, t, by| functional::huber(y, t, self.delta, by));

/// Smooth L1 loss: the Huber loss divided by `beta`, with a line of slope 1.
///
/// See [`functional::smooth_l1`].
///
/// # Example
/// ```
/// use wgrad::{Device, loss::{Loss, SmoothL1}};
///
/// let loss = wgrad::eval(&Device::cpu(), |g| {
///     SmoothL1::new(0.5).mean(&g.tensor([1, 1], [1.0]), &g.tensor([1, 1], [0.0]))
/// })?;
/// assert_eq!(loss.data, [0.75]);
/// # Ok::<(), wgrad::Error>(())
/// ```
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
    /// Creates the loss with this `beta`, at least 0.
    pub fn new(beta: f64) -> Self {
        SmoothL1 { beta }
    }
}

value_loss!(SmoothL1 "smooth_l1", 0.5, |self, y, t, by| functional::smooth_l1(y, t, self.beta, by));

/// Binary cross-entropy of logits: `softplus(z) - z t`, finite for all logits.
///
/// # Example
/// ```
/// use wgrad::{Device, loss::{BceWithLogits, Loss}};
///
/// let loss = wgrad::eval(&Device::cpu(), |g| {
///     BceWithLogits::new().mean(&g.tensor([1, 1], [0.0]), &g.tensor([1, 1], [1.0]))
/// })?;
/// assert!((loss.data[0] - 2f64.ln()).abs() < 1e-6);
/// # Ok::<(), wgrad::Error>(())
/// ```
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
    /// Creates the loss, a mean over the batch and the output's elements.
    pub fn new() -> Self {
        BceWithLogits::default()
    }

    /// Sets the weight of targets of 1.
    pub fn pos_weight(self, weight: f64) -> Self {
        let pos_weight = Some(weight);
        BceWithLogits { pos_weight }
    }
}

value_loss!(BceWithLogits "bce_with_logits", 0.0, |self, z, t, by| {
    let weight = self.pos_weight.map(|w| z.constant_like(w));
    functional::binary_cross_entropy_with_logits(z, t, weight.as_ref(), by)
});

/// Focal loss of two classes: binary cross-entropy of logits with a smaller weight for samples that
/// are already classified with high probability; see [`functional::focal`].
///
/// # Example
/// ```
/// use wgrad::{Device, loss::{Focal, Loss}};
///
/// let loss = wgrad::eval(&Device::cpu(), |g| {
///     Focal::new(2.0).mean(&g.tensor([1, 1], [0.0]), &g.tensor([1, 1], [1.0]))
/// })?;
/// assert!((loss.data[0] - 0.25 * 2f64.ln()).abs() < 1e-6);
/// # Ok::<(), wgrad::Error>(())
/// ```
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
    /// Creates the loss with this exponent, 2 in the paper.
    pub fn new(gamma: f64) -> Self {
        Focal { gamma, alpha: None }
    }

    /// Sets the weight of targets of 1 to `alpha`, and that of targets of 0 to `1 - alpha`. The
    /// paper uses 0.25.
    pub fn alpha(self, alpha: f64) -> Self {
        let alpha = Some(alpha);
        Focal { alpha, ..self }
    }
}

value_loss!(Focal "focal", 0.0, |self, z, t, by| functional::focal(z, t, self.gamma, self.alpha, by));
