//! From a configuration to a trainer: a model whose outputs fit the data, its loss, optimizer and
//! metrics.

mod embedded;
mod scaled;

use self::embedded::{Embedded, embeddings};
use self::scaled::{Rescaled, RescaledEach, ScaledLoss};
use super::preprocessing::Preprocessing;
use super::table::Forecaster;
use crate::loss::{LossSpec, Outputs};
use crate::nn::{Module, Parameter, Visitor, init};
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
        let network = self.network(preprocessing)?;
        let mut builder = self.measured(network, preprocessing)?;
        builder = builder.optimizer(training.optimizer.build());
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

    /// Returns a builder with the loss and the metrics of this configuration.
    fn measured(
        &self,
        network: Box<dyn Module>,
        preprocessing: &Preprocessing,
    ) -> Result<TrainerBuilder> {
        let training = &self.training;
        let tokens = preprocessing.text.map_or(1.0, |text| text.per_character);
        let mut builder = Trainer::boxed(network);
        if let Some(loss) = &training.loss {
            builder = match preprocessing.target_scales.is_empty() {
                true => builder.loss(loss.build()),
                false => builder.loss(ScaledLoss {
                    loss: loss.build(),
                    scales: preprocessing.target_scales.clone(),
                }),
            };
        }
        let at = Path::root().key("training").key("metrics");
        for (i, metric) in training.metrics.iter().flatten().enumerate() {
            let metric = metric.build_at(tokens, &preprocessing.classes, &at.item(i));
            builder = builder.metric(metric.map_err(|e| self.located(e))?);
        }
        Ok(builder)
    }

    /// Returns a trainer that computes the loss and the metrics of outputs that are already known:
    /// its model returns its input. It runs on the CPU.
    ///
    /// # Errors
    ///
    /// Returns an error if the loss or a metric does not fit the data.
    pub(super) fn scorer(&self, preprocessing: &Preprocessing) -> Result<Trainer> {
        let outputs = outputs(self.training.loss.as_ref(), preprocessing)?;
        let given = Given {
            zero: Parameter::new([1], init::zeros()),
        };
        let builder = self.measured(Box::new(given), preprocessing)?;
        builder.compile_for(&Device::cpu(), [outputs])
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
        let mut shape = preprocessing.sample_shape.clone();
        if let (Some(embeddings), Some(features)) = (embeddings(preprocessing), shape.last_mut()) {
            *features = embeddings.output_width(*features);
        }
        let input = Input {
            needed: Some(needed),
            ..Input::new(shape.as_slice())
        };
        Ok(input.outputs(outputs).vocabulary(vocabulary))
    }

    fn network(&self, preprocessing: &Preprocessing) -> Result<Box<dyn Module>> {
        let input = self.input(preprocessing)?;
        let at = Path::root().key("model");
        let built = self.model.build_at(&input, &at);
        let network = built.map_err(|e| self.located(e))?;
        let network: Box<dyn Module> = match embeddings(preprocessing) {
            Some(embeddings) => Box::new(Embedded {
                embeddings,
                network,
            }),
            None => network,
        };
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

/// A model that returns its input. A trainer needs a parameter, so it has one that is 0.
struct Given {
    zero: Parameter,
}

impl Module for Given {
    fn forward(&self, x: &Tensor) -> Tensor {
        x + self.zero.tensor(x)
    }

    fn visit(&self, visitor: &mut Visitor) {
        visitor.parameter("zero", &self.zero);
    }
}
