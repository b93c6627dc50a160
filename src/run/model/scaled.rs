//! Outputs and losses in the units of the targets.

use crate::Tensor;
use crate::graph::Meta;
use crate::loss::{Loss, Target};
use crate::nn::{Module, Visitor};
use crate::run::preprocessing::TargetScale;

/// A network whose outputs are scaled to the targets' units. Its last layer computes small numbers,
/// while losses, metrics and predictions are in the user's units.
pub struct Rescaled {
    pub network: Box<dyn Module>,
    pub scale: TargetScale,
    /// Whether the second half of the outputs are the logarithms of variances.
    pub variances: bool,
}

impl Module for Rescaled {
    fn forward(&self, x: &Tensor) -> Tensor {
        let TargetScale { offset, width } = self.scale;
        let y = self.network.forward(x);
        if !self.variances {
            return y * width + offset;
        }
        let n = y.shape().last() / 2;
        let means = y.narrow(-1, 0, n) * width + offset;
        let logs = y.narrow(-1, n, n) + 2.0 * width.ln();
        Tensor::concat(&[&means, &logs], -1)
    }

    fn visit(&self, visitor: &mut Visitor) {
        self.network.visit(visitor);
    }
}

/// Returns each column of `[.., targets]` values after `convert`, which gets its scale.
fn by_target(
    x: &Tensor,
    scales: &[TargetScale],
    convert: impl Fn(Tensor, TargetScale) -> Tensor,
) -> Tensor {
    let mut parts = Vec::new();
    let mut start = 0;
    // Neighbours of one scale are converted together.
    for group in scales.chunk_by(|a, b| a == b) {
        if let Some(scale) = group.first() {
            parts.push(convert(x.narrow(-1, start, group.len()), *scale));
            start += group.len();
        }
    }
    match parts.as_slice() {
        [all] => all.clone(),
        parts => Tensor::concat(&parts.iter().collect::<Vec<_>>(), -1),
    }
}

/// A network whose outputs are scaled to the units of several targets.
pub struct RescaledEach {
    pub network: Box<dyn Module>,
    pub scales: Vec<TargetScale>,
}

impl Module for RescaledEach {
    fn forward(&self, x: &Tensor) -> Tensor {
        by_target(&self.network.forward(x), &self.scales, |y, scale| {
            y * scale.width + scale.offset
        })
    }

    fn visit(&self, visitor: &mut Visitor) {
        self.network.visit(visitor);
    }
}

/// A loss of several targets in units of their standard deviations, so that each counts the same.
pub struct ScaledLoss {
    pub loss: Box<dyn Loss>,
    pub scales: Vec<TargetScale>,
}

impl ScaledLoss {
    fn scaled(&self, x: &Tensor) -> Tensor {
        by_target(x, &self.scales, |x, scale| {
            (x - scale.offset) * (1.0 / scale.width)
        })
    }
}

impl Loss for ScaledLoss {
    fn target(&self, output: &Meta) -> std::result::Result<Target, String> {
        self.loss.target(output)
    }
    fn mean(&self, output: &Tensor, target: &Tensor) -> Tensor {
        self.loss.mean(&self.scaled(output), &self.scaled(target))
    }
    fn each(&self, output: &Tensor, target: &Tensor) -> Option<Tensor> {
        self.loss.each(&self.scaled(output), &self.scaled(target))
    }
    fn name(&self) -> &'static str {
        self.loss.name()
    }
}
