//! From a configuration to the engine: the device and the trainer.

use wgrad::device::Selector;
use wgrad::{Device, Error, Result, Trainer};

use crate::config::layer::Layer;
use crate::config::{Config, DeviceChoice, Loss, Outputs};
use crate::failure::Failure;
use crate::network::{self, network};
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
    let outputs = outputs(training.loss.as_ref(), preparation)?;
    let meaning = training.loss.as_ref().map(Loss::outputs);
    let network = network(&config.model, preparation, outputs, meaning)?;
    let mut builder = Trainer::boxed(network);
    if let Some(loss) = &training.loss {
        builder = builder.loss(loss.build());
    }
    builder = builder.optimizer(training.optimizer.build());
    for metric in training.metrics.iter().flatten() {
        builder = builder.metric(metric.build(preparation));
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
    Ok(builder
        .l1(training.l1.unwrap_or(0.0))
        .l2(training.l2.unwrap_or(0.0))
        .accumulate_gradients(training.accumulate_gradients as u64)
        .precision(training.precision)
        .schedule(training.schedule.build(training.epochs))
        .seed(training.seed)
        .compile_for(device, preparation.sample_shape.as_slice())?)
}

/// The layers of the configuration, as the network is made of them; none for a language model.
pub fn layers(config: &Config, preparation: &Preparation) -> Result<Vec<Layer>> {
    let outputs = outputs(config.training.loss.as_ref(), preparation)?;
    Ok(network::layers(&config.model, preparation, outputs))
}

/// How many numbers the network must give for each sample.
fn outputs(loss: Option<&Loss>, preparation: &Preparation) -> Result<usize> {
    let classes = preparation.classes.len();
    match loss {
        Some(loss) if !loss.outputs().by_class() && classes > 0 => {
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
        // A mean and a variance of each quantity.
        Some(loss) if loss.outputs() == Outputs::MeansAndLogVariances => {
            Ok(2 * preparation.quantities.max(1))
        }
        _ => Ok(classes.max(preparation.quantities).max(1)),
    }
}
