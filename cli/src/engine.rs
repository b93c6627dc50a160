//! From a configuration to the engine: the device, the network, the trainer.

use wgrad::device::Selector;
use wgrad::nn::{self, Module, Sequential, Visitor};
use wgrad::{Device, Error, Result, Tensor, Trainer, loss, metrics, optim, schedule};

use crate::config::{
    Activation, Config, DeviceChoice, Layer, Loss, Metric, Model, Optimizer, Schedule,
};
use crate::preparation::{Preparation, TargetScale};

/// Opens a device.
pub fn device(choice: &DeviceChoice) -> Result<Device> {
    match choice {
        DeviceChoice::Auto => Device::auto(),
        DeviceChoice::Cpu => Ok(Device::cpu()),
        DeviceChoice::Gpu => Device::gpu(&Selector::Gpu),
        DeviceChoice::Named(part) => Device::gpu(&Selector::parse(part)),
    }
}

/// A GPU's driver and its version; empty for the CPU.
pub fn driver(device: &Device) -> String {
    let Some(gpu) = device.as_gpu() else {
        return String::new();
    };
    let info = gpu.info();
    format!("{} {}", info.driver, info.driver_info)
        .trim()
        .to_string()
}

/// The network with its loss and optimizer, on a device.
pub fn trainer(config: &Config, preparation: &Preparation, device: &Device) -> Result<Trainer> {
    let training = &config.training;
    let outputs = outputs(training.loss, preparation)?;
    let mut builder = Trainer::boxed(model(&config.model, preparation, outputs)?);
    builder = match training.loss {
        Some(Loss::CrossEntropy) | None => builder.loss(loss::CrossEntropy),
        Some(Loss::Mse) => builder.loss(loss::Mse),
        Some(Loss::BceWithLogits) => builder.loss(loss::BceWithLogits),
        Some(Loss::Bce) => builder.loss(loss::Bce),
    };
    builder = match training.optimizer {
        Optimizer::Sgd {
            lr,
            momentum,
            nesterov,
            weight_decay,
        } => {
            let sgd = optim::Sgd::new(lr).weight_decay(weight_decay);
            builder.optimizer(match nesterov {
                true => sgd.nesterov(momentum),
                false => sgd.momentum(momentum),
            })
        }
        Optimizer::Adam {
            lr,
            betas: [first, second],
            eps,
            weight_decay,
        } => builder.optimizer(
            optim::Adam::new(lr)
                .betas(first, second)
                .eps(eps)
                .weight_decay(weight_decay),
        ),
        Optimizer::AdamW {
            lr,
            betas: [first, second],
            eps,
            weight_decay,
        } => builder.optimizer(
            optim::AdamW::new(lr)
                .betas(first, second)
                .eps(eps)
                .weight_decay(weight_decay),
        ),
    };
    for metric in training.metrics.iter().flatten() {
        builder = match metric {
            Metric::Accuracy => builder.metric(metrics::Accuracy),
            Metric::Mae => builder.metric(metrics::Mae),
            Metric::Mse => builder.metric(metrics::Mse),
        };
    }
    if let Some(norm) = training.clip_grad_norm {
        builder = builder.clip_grad_norm(norm);
    }
    builder
        .schedule(match training.schedule {
            Schedule::Constant => schedule::Schedule::Constant,
            Schedule::Exponential { gamma } => schedule::Schedule::Exponential { gamma },
            Schedule::Cosine {
                warmup_epochs,
                min_lr,
            } => schedule::Schedule::Cosine {
                warmup_epochs: warmup_epochs as f64,
                floor: min_lr,
            },
        })
        .seed(training.seed)
        .compile_for(device, preparation.sample_shape.as_slice())
}

/// How many numbers the network must give for each sample.
fn outputs(loss: Option<Loss>, preparation: &Preparation) -> Result<usize> {
    let classes = preparation.classes.len();
    match loss {
        Some(loss) if loss != Loss::CrossEntropy && classes > 0 => {
            if classes == 2 {
                return Ok(1);
            }
            Err(Error::Model {
                what: format!("loss \"{}\"", loss.name()),
                reason: format!(
                    "it tells two classes apart, but the data has {classes}; use \"cross_entropy\""
                ),
            })
        }
        _ => Ok(classes.max(preparation.quantities).max(1)),
    }
}

fn model(model: &Model, preparation: &Preparation, outputs: usize) -> Result<Box<dyn Module>> {
    let mut layers = model.layers(outputs);
    // The short form is for flat samples; images are laid flat first.
    if matches!(model, Model::Mlp { .. }) && preparation.sample_shape.len() > 1 {
        layers.insert(0, Layer::Flatten);
    }
    let mut shape = preparation.sample_shape.clone();
    let mut network = Sequential::new();
    for layer in &layers {
        network = match *layer {
            Layer::Linear { out, bias } => {
                let inputs = shape.pop().unwrap_or(1);
                shape.push(out);
                let linear = nn::Linear::new(inputs, out);
                network.add(if bias { linear } else { linear.without_bias() })
            }
            Layer::Activation(activation) => with_activation(network, activation),
            Layer::Dropout { p } => network.add(nn::Dropout::new(p)),
            Layer::Flatten => {
                shape = vec![shape.iter().product()];
                network.add(nn::Flatten)
            }
        };
    }
    if shape != [outputs] {
        let needed = match (preparation.classes.len(), outputs) {
            (2, 1) => "1 output, for two classes with this loss".to_string(),
            (0, n) => format!("{n} for {n} quantities"),
            (classes, n) => format!("{n} outputs for {classes} classes"),
        };
        let flat = match shape.len() {
            1 => "",
            _ => "; a \"flatten\" in front makes samples flat",
        };
        return Err(Error::Model {
            what: "[model] layers".to_string(),
            reason: format!(
                "the last layer gives {shape:?} for each sample, but the data needs {needed}{flat}"
            ),
        });
    }
    Ok(match preparation.target_scale {
        Some(scale) => Box::new(Rescaled { network, scale }),
        None => Box::new(network),
    })
}

fn with_activation(network: Sequential, activation: Activation) -> Sequential {
    match activation {
        Activation::Relu => network.add(nn::Relu),
        Activation::LeakyRelu { slope } => network.add(nn::LeakyRelu(slope)),
        Activation::Elu { alpha } => network.add(nn::Elu(alpha)),
        Activation::Gelu => network.add(nn::Gelu),
        Activation::Silu => network.add(nn::Silu),
        Activation::Sigmoid => network.add(nn::Sigmoid),
        Activation::Tanh => network.add(nn::Tanh),
        Activation::Softplus => network.add(nn::Softplus),
    }
}

/// A network whose outputs are scaled to the targets' units, so that its last layer works with small
/// numbers while losses, metrics and predictions are in the user's.
struct Rescaled {
    network: Sequential,
    scale: TargetScale,
}

impl Module for Rescaled {
    fn forward(&self, x: &Tensor) -> Tensor {
        self.network.forward(x) * self.scale.width + self.scale.offset
    }

    fn visit(&self, visitor: &mut Visitor) {
        self.network.visit(visitor);
    }
}
