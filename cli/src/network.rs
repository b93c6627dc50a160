//! From the layers of a configuration to a network whose shapes fit, from the samples to the targets.

#[cfg(test)]
mod tests;

use wgrad::nn::{Module, Visitor};
use wgrad::{Error, Tensor};

use crate::config::layer::Layer;
use crate::config::{Model, Outputs, Unfit, layer};
use crate::failure::Failure;
use crate::language;
use crate::preparation::{Preparation, TargetScale};

/// The network for these samples, with so many outputs, which are this to the loss.
pub fn network(
    model: &Model,
    preparation: &Preparation,
    outputs: usize,
    meaning: Option<Outputs>,
) -> Result<Box<dyn Module>, Failure> {
    if let Model::Language(language) = model {
        let vocabulary = preparation.text.map_or(0, |text| text.vocabulary);
        return Ok(Box::new(language::model(language, vocabulary)));
    }
    let layers = layers(model, preparation, outputs);
    let (network, shape) = layer::sequence(&layers, &preparation.sample_shape)?;
    if shape != [outputs] {
        let needed = match (preparation.classes.len(), outputs) {
            (0, n) if meaning == Some(Outputs::MeansAndLogVariances) => format!(
                "{n}: a mean for each of {} quantities, then the logarithm of a variance for each",
                n / 2
            ),
            (2, 1) => "1 output, for two classes with this loss".to_string(),
            (0, n) => format!("{n} for {n} quantities"),
            (classes, n) => format!("{n} outputs for {classes} classes"),
        };
        let flat = match shape.len() {
            1 => "",
            _ => "; a \"flatten\" in front makes samples flat",
        };
        return Err(Failure::Engine(Error::Model {
            what: "[model] layers".to_string(),
            reason: format!(
                "the last layer gives {shape:?} for each sample, but the data needs {needed}{flat}"
            ),
        }));
    }
    let network: Box<dyn Module> = match model.init() {
        Some(init) => init.of(network),
        None => Box::new(network),
    };
    Ok(match preparation.target_scale {
        Some(scale) => Box::new(Rescaled {
            network,
            scale,
            variances: meaning == Some(Outputs::MeansAndLogVariances),
        }),
        None => network,
    })
}

/// The layers that the network is made of, in order; none for a language model.
pub fn layers(model: &Model, preparation: &Preparation, outputs: usize) -> Vec<Layer> {
    let mut layers = model.layers(outputs);
    // The short form is for flat samples; images are laid flat first.
    if matches!(model, Model::Mlp { .. }) && preparation.sample_shape.len() > 1 {
        layers.insert(0, layer::flatten());
    }
    layers
}

/// The layer that the engine calls `scope`, such as `3` or, inside a residual one, `3.shortcut.0`.
pub fn layer_of<'a>(layers: &'a [Layer], scope: &str) -> Option<&'a Layer> {
    let (first, rest) = scope.split_once('.').unwrap_or((scope, ""));
    let layer = layers.get(first.parse::<usize>().ok()?)?;
    let inside = match rest.strip_prefix("shortcut.") {
        Some(rest) => layer_of(layer.inside("shortcut"), rest),
        None => layer_of(layer.inside("layers"), rest),
    };
    Some(inside.unwrap_or(layer))
}

impl From<Unfit> for Failure {
    fn from(unfit: Unfit) -> Self {
        match unfit.place {
            Some(place) => place.error(unfit.reason).into(),
            None => Failure::Engine(Error::Model {
                what: "[model]".to_string(),
                reason: unfit.reason,
            }),
        }
    }
}

/// A network whose outputs are scaled to the targets' units, so that its last layer works with small
/// numbers while losses, metrics and predictions are in the user's.
struct Rescaled {
    network: Box<dyn Module>,
    scale: TargetScale,
    /// Whether the second half of the outputs are the logarithms of variances.
    variances: bool,
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
