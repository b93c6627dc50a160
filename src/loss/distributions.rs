//! Losses of models that predict a distribution: negative log-likelihoods and a divergence.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::functional::{self, Reduction};
use super::values::width;
use super::{Loss, Target, settings};
use crate::Tensor;
use crate::graph::Meta;
use crate::schema::range;

/// The Kullback-Leibler divergence of the predicted log-probabilities from target probabilities: a
/// sum over each sample, and a mean over the batch.
///
/// See [`functional::kl_divergence`].
///
/// # Example
/// ```
/// use wgrad::{Device, loss::{KlDivergence, Loss}};
///
/// let loss = wgrad::eval(&Device::cpu(), |g| {
///     let output = g.tensor([1, 2], [0.0, 0.0]).log_softmax(-1);
///     KlDivergence.mean(&output, &g.tensor([1, 2], [1.0, 0.0]))
/// })?;
/// assert!((loss.data[0] - 2f64.ln()).abs() < 1e-6);
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct KlDivergence;

settings!(KlDivergence LogShares);

impl KlDivergence {
    /// Creates the loss, a mean over the batch.
    pub fn new() -> Self {
        KlDivergence
    }
}

impl Loss for KlDivergence {
    fn target(&self, output: &Meta) -> Result<Target, String> {
        let width = width(output)?;
        Ok(Target::Values { width })
    }
    fn mean(&self, output: &Tensor, target: &Tensor) -> Tensor {
        functional::kl_divergence(output, target, Reduction::BatchMean)
    }
    fn each(&self, output: &Tensor, target: &Tensor) -> Option<Tensor> {
        let each = functional::kl_divergence(output, target, Reduction::None);
        let axes: Vec<isize> = (1..each.shape().rank() as isize).collect();
        Some(match axes.as_slice() {
            [] => each,
            axes => each.sum(axes),
        })
    }
    fn prediction(&self, output: &Tensor) -> Tensor {
        output.exp()
    }
    fn name(&self) -> &'static str {
        "kl_divergence"
    }
}

/// The Poisson negative log-likelihood of counts, for outputs that are the logarithms of the rates.
///
/// See [`functional::poisson_nll`].
///
/// # Example
/// ```
/// use wgrad::{Device, loss::{Loss, PoissonNll}};
///
/// let loss = wgrad::eval(&Device::cpu(), |g| {
///     PoissonNll::new().mean(&g.tensor([1, 1], [0.0]), &g.tensor([1, 1], [3.0]))
/// })?;
/// assert_eq!(loss.data, [1.0]); // e^0 - 3 * 0
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PoissonNll {
    /// Whether Stirling's approximation of what only the counts decide is added.
    full: bool,
}

settings!(PoissonNll LogRates);

impl PoissonNll {
    /// Creates the loss, a mean over the batch and the output's elements, without the term that
    /// depends only on the counts.
    pub fn new() -> Self {
        PoissonNll::default()
    }

    /// Adds Stirling's approximation of the logarithm of the counts' factorials. The gradients do
    /// not change.
    pub fn full(self) -> Self {
        PoissonNll { full: true }
    }
}

impl Loss for PoissonNll {
    fn target(&self, output: &Meta) -> Result<Target, String> {
        let width = width(output)?;
        Ok(Target::Values { width })
    }
    fn mean(&self, output: &Tensor, target: &Tensor) -> Tensor {
        functional::poisson_nll(output, target, self.full, Reduction::Mean)
    }
    fn each(&self, output: &Tensor, target: &Tensor) -> Option<Tensor> {
        let none = Reduction::None;
        Some(functional::poisson_nll(output, target, self.full, none))
    }
    fn prediction(&self, output: &Tensor) -> Tensor {
        output.exp()
    }
    fn name(&self) -> &'static str {
        "poisson_nll"
    }
}

/// The Gaussian negative log-likelihood, for a model that predicts a variance with each value (Nix
/// and Weigend, 1994).
///
/// The output is `[batch, .., 2 n]` for targets `[batch, .., n]`. The first half of its last axis
/// are the means, the second half the logarithms of the variances. See
/// [`functional::gaussian_nll`].
///
/// # Example
/// ```
/// use wgrad::{Device, loss::{GaussianNll, Loss}};
///
/// let loss = wgrad::eval(&Device::cpu(), |g| {
///     let output = g.tensor([1, 2], [1.0, 0.0]); // mean 1, variance e^0
///     GaussianNll::new().mean(&output, &g.tensor([1, 1], [3.0]))
/// })?;
/// assert_eq!(loss.data, [2.0]); // (ln 1 + (1 - 3)^2 / 1) / 2
/// # Ok::<(), wgrad::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GaussianNll {
    /// Whether the constant `ln(2 pi) / 2` is added.
    full: bool,
    /// The smallest variance.
    #[schemars(with = "range::Positive")]
    eps: f64,
}

impl Default for GaussianNll {
    fn default() -> Self {
        GaussianNll {
            full: false,
            eps: 1e-6,
        }
    }
}

settings!(GaussianNll MeansAndLogVariances);

impl GaussianNll {
    /// Creates the loss, a mean over the batch and the targets' elements, without the constant
    /// `ln(2 pi) / 2`. Variances are at least 1e-6, as in PyTorch.
    pub fn new() -> Self {
        GaussianNll::default()
    }

    /// Adds the constant `ln(2 pi) / 2`.
    pub fn full(self) -> Self {
        GaussianNll { full: true, ..self }
    }

    /// Sets the smallest variance, above 0.
    pub fn eps(self, eps: f64) -> Self {
        GaussianNll { eps, ..self }
    }

    /// Returns the means and the logarithms of the variances.
    #[track_caller]
    fn halves(output: &Tensor) -> [Tensor; 2] {
        let n = output.shape().last() / 2;
        [0, n].map(|start| output.narrow(-1, start, n))
    }
}

impl GaussianNll {
    fn reduced(&self, output: &Tensor, target: &Tensor, reduction: Reduction) -> Tensor {
        let [mean, log] = Self::halves(output);
        let options = (self.full, self.eps);
        functional::gaussian_nll(&mean, target, &log.exp(), options, reduction)
    }
}

impl Loss for GaussianNll {
    fn target(&self, output: &Meta) -> Result<Target, String> {
        let width = width(output)?;
        if self.eps.is_nan() || self.eps <= 0.0 {
            let eps = self.eps;
            return Err(format!("expected an eps above 0, found {eps}"));
        }
        match output.shape.rank() > 1 && output.shape.last().is_multiple_of(2) {
            true => Ok(Target::Values { width: width / 2 }),
            false => Err(format!(
                "expected an output [batch, .., 2 n] of means and log-variances, found {}",
                output.shape
            )),
        }
    }
    fn mean(&self, output: &Tensor, target: &Tensor) -> Tensor {
        self.reduced(output, target, Reduction::Mean)
    }
    fn each(&self, output: &Tensor, target: &Tensor) -> Option<Tensor> {
        Some(self.reduced(output, target, Reduction::None))
    }
    fn prediction(&self, output: &Tensor) -> Tensor {
        let [mean, _] = Self::halves(output);
        mean
    }
    fn name(&self) -> &'static str {
        "gaussian_nll"
    }
}
