//! From a configuration to the engine: the device and the trainer.

use wgrad::device::Selector;
use wgrad::{Device, Error, Result, Trainer, loss, metrics, optim, schedule};

use crate::config::{Config, DeviceChoice, Loss, Metric, Optimizer, Schedule};
use crate::failure::Failure;
use crate::network::network;
use crate::preparation::Preparation;

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
pub fn trainer(
    config: &Config,
    preparation: &Preparation,
    device: &Device,
) -> std::result::Result<Trainer, Failure> {
    let training = &config.training;
    let outputs = outputs(training.loss, preparation)?;
    let mut builder = Trainer::boxed(network(&config.model, preparation, outputs)?);
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
            Metric::Perplexity => builder.metric(metrics::Perplexity),
            Metric::BitsPerCharacter => {
                let per_character = preparation.text.map_or(1.0, |text| text.per_character);
                builder.metric(metrics::BitsPerCharacter::with_tokens_per_character(
                    per_character,
                ))
            }
        };
    }
    if let Some(norm) = training.clip_grad_norm {
        builder = builder.clip_grad_norm(norm);
    }
    Ok(builder
        .schedule(match training.schedule {
            Schedule::Constant => schedule::Schedule::Constant,
            Schedule::Exponential { gamma } => schedule::Schedule::Exponential { gamma },
            Schedule::Cosine {
                warmup_epochs,
                min_lr,
            } => schedule::Schedule::Cosine {
                warmup_epochs,
                floor: min_lr,
            },
        })
        .seed(training.seed)
        .compile_for(device, preparation.sample_shape.as_slice())?)
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
