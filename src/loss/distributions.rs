//! Losses of models that give a distribution of the targets, by its logarithms.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::functional::{self, Reduction};
use super::values::width;
use super::{Loss, Target, settings};
use crate::Tensor;
use crate::graph::Meta;
use crate::schema::range;

/// The divergence of the output, log-probabilities, from probabilities; see [`functional::kl_divergence`]. The
/// sum over a sample, the mean over the batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct KlDivergence;

settings!(KlDivergence LogShares);

impl KlDivergence {
    /// The mean over the batch.
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

/// Minus the logarithm of Poisson's probability of counts, where the output is the logarithm of their rate; see
/// [`functional::poisson_nll`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PoissonNll {
    /// Whether Stirling's approximation of what only the counts decide is added.
    full: bool,
}

settings!(PoissonNll LogRates);

impl PoissonNll {
    /// The mean over the batch and the output's elements, without what only the counts decide.
    pub fn new() -> Self {
        PoissonNll::default()
    }

    /// With Stirling's approximation of the logarithm of the counts' factorials. Gradients are the same.
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

/// Minus the logarithm of a normal density, for a model that tells how sure it is (Nix and Weigend, 1994). The
/// first half of the output's last axis are the means, the second half the logarithms of the variances: the
/// output is `[batch, .., 2 n]` for targets `[batch, .., n]`. See [`functional::gaussian_nll`].
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
    /// The mean over the batch and the targets' elements, without the constant `ln(2 pi) / 2`, and with
    /// variances of at least 1e-6, as in PyTorch.
    pub fn new() -> Self {
        GaussianNll::default()
    }

    /// With the constant.
    pub fn full(self) -> Self {
        GaussianNll { full: true, ..self }
    }

    /// With variances of at least this, above 0.
    pub fn eps(self, eps: f64) -> Self {
        GaussianNll { eps, ..self }
    }

    /// The means and the logarithms of the variances.
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
            return Err(format!("its least variance is {eps}, but must be above 0"));
        }
        match output.shape.rank() > 1 && output.shape.last().is_multiple_of(2) {
            true => Ok(Target::Values { width: width / 2 }),
            false => Err(format!(
                "needs an output [batch, .., 2 n], means and logarithms of variances, not {}",
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
