//! From a configuration to a trainer: a model whose outputs fit the data, its loss, optimizer and
//! metrics.

use super::preprocessing::{Preprocessing, TargetScale};
use super::table::Forecaster;
use crate::graph::Meta;
use crate::loss::{Loss, LossSpec, Outputs, Target};
use crate::nn::{Module, Visitor};
use crate::spec::{Config, Input, LayerSpec, Path};
use crate::train::{Trainer, TrainerBuilder};
use crate::{Device, Error, Result, Tensor};

impl Config {
    /// Returns the trainer of this configuration with initial weights, for data with this
    /// preprocessing.
    ///
    /// # Errors
    ///
    /// Returns an error with the line of the configuration if a layer does not fit its input or the
    /// last layer does not fit the targets. Also returns the errors of
    /// [`compile_for`](TrainerBuilder::compile_for).
    pub fn trainer(&self, preprocessing: &Preprocessing, device: &Device) -> Result<Trainer> {
        let training = &self.training;
        let tokens = preprocessing.text.map_or(1.0, |text| text.per_character);
        let mut builder = Trainer::boxed(self.network(preprocessing)?);
        if let Some(loss) = &training.loss {
            builder = match preprocessing.target_scales.is_empty() {
                true => builder.loss(loss.build()),
                false => builder.loss(ScaledLoss {
                    loss: loss.build(),
                    scales: preprocessing.target_scales.clone(),
                }),
            };
        }
        builder = builder.optimizer(training.optimizer.build());
        for metric in training.metrics.iter().flatten() {
            builder = builder.metric(metric.build(tokens));
        }
        if let Some(norm) = training.clip_grad_norm {
            builder = builder.clip_grad_norm(norm);
        }
        if let Some(value) = training.clip_grad_value {
            builder = builder.clip_grad_value(value);
        }
        if let Some(decay) = training.ema {
            builder = builder.ema(decay);
        }
        let builder: TrainerBuilder = builder
            .l1(training.l1.unwrap_or(0.0))
            .l2(training.l2.unwrap_or(0.0))
            .accumulate_gradients(training.accumulate_gradients as u64)
            .precision(training.precision.into())
            .schedule(training.schedule.build(training.epochs))
            .sample_weights(training.class_weights.is_some())
            .seed(training.seed);
        builder.compile_for(device, preprocessing.sample_shape.as_slice())
    }

    /// Returns the layers of the model, in order, for data with this preprocessing; empty if the
    /// model is not made of layers.
    pub fn layers(&self, preprocessing: &Preprocessing) -> Result<Vec<LayerSpec>> {
        Ok(self.model.layers(&self.input(preprocessing)?))
    }

    /// Returns the input and the required outputs of the model.
    fn input(&self, preprocessing: &Preprocessing) -> Result<Input> {
        let outputs = outputs(self.training.loss.as_ref(), preprocessing)?;
        let vocabulary = preprocessing.text.map_or(0, |text| text.vocabulary);
        let loss = self.training.loss.as_ref().map(LossSpec::outputs);
        let needed = match (preprocessing.classes.len(), outputs) {
            (0, n) if loss == Some(Outputs::MeansAndLogVariances) => format!(
                "{n}: a mean for each of {} numbers, then the logarithm of a variance for each",
                n / 2
            ),
            (2, 1) => "1 output, for two classes with this loss".to_string(),
            (0, n) => format!("{n} for {n} numbers"),
            (classes, n) => format!("{n} outputs for {classes} classes"),
        };
        let input = Input {
            needed: Some(needed),
            ..Input::new(preprocessing.sample_shape.as_slice())
        };
        Ok(input.outputs(outputs).vocabulary(vocabulary))
    }

    fn network(&self, preprocessing: &Preprocessing) -> Result<Box<dyn Module>> {
        let input = self.input(preprocessing)?;
        let at = Path::root().key("model");
        let built = self.model.build_at(&input, &at);
        let network = built.map_err(|e| self.located(e))?;
        let series = preprocessing.table.as_ref().and_then(|t| t.series.clone());
        let network: Box<dyn Module> = match series {
            Some(series) => Box::new(Forecaster { network, series }),
            None => network,
        };
        if !preprocessing.target_scales.is_empty() {
            let scales = preprocessing.target_scales.clone();
            return Ok(Box::new(RescaledEach { network, scales }));
        }
        let loss = self.training.loss.as_ref();
        Ok(match preprocessing.target_scale {
            Some(scale) => Box::new(Rescaled {
                network,
                scale,
                variances: loss.map(LossSpec::outputs) == Some(Outputs::MeansAndLogVariances),
            }),
            None => network,
        })
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
struct RescaledEach {
    network: Box<dyn Module>,
    scales: Vec<TargetScale>,
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
struct ScaledLoss {
    loss: Box<dyn Loss>,
    scales: Vec<TargetScale>,
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

/// Returns the number of outputs for each sample that a loss requires.
fn outputs(loss: Option<&LossSpec>, preprocessing: &Preprocessing) -> Result<usize> {
    let classes = preprocessing.classes.len();
    let numbers = preprocessing.quantities;
    match loss {
        Some(loss) if !loss.outputs().by_class() && classes > 0 => match classes {
            2 => Ok(1),
            _ => Err(Error::model(
                format!("loss \"{}\"", loss.kind()),
                format!(
                    "it tells two classes apart, but the data has {classes}; use \"cross_entropy\""
                ),
            )),
        },
        // A mean and a variance for each value.
        Some(loss) if loss.outputs() == Outputs::MeansAndLogVariances => Ok(2 * numbers.max(1)),
        _ => Ok(classes.max(numbers).max(1)),
    }
}

/// A network whose outputs are scaled to the targets' units. Its last layer computes small numbers,
/// while losses, metrics and predictions are in the user's units.
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
