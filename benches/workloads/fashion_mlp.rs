//! `fashion_mlp`: a multi-layer perceptron on Fashion-MNIST.

use std::path::PathBuf;
use std::time::Instant;

use wgrad::data::{self, Dataset};
use wgrad::nn::{Linear, Relu, Sequential};
use wgrad::train::Trainer;
use wgrad::{Device, Fit, Result, loss, metrics, optim};

use crate::report::Report;
use crate::training::{final_loss, first_step, memory};

/// 784-512-256-10, ReLU; softmax cross-entropy; Adam 1e-3; batch 128; pixels / 255; 5 epochs.
pub fn fashion_mlp(device: &Device, start: Instant, report: &Report) -> Result<()> {
    let (train, test) = fashion_mnist()?;
    let model = Sequential::new()
        .add(wgrad::nn::Flatten)
        .add(Linear::new(784, 512))
        .add(Relu)
        .add(Linear::new(512, 256))
        .add(Relu)
        .add(Linear::new(256, 10));
    let mut trainer = Trainer::new(model)
        .loss(loss::CrossEntropy::new())
        .optimizer(optim::Adam::new(1e-3))
        .metric(metrics::Accuracy)
        .precision(report.precision)
        .compile(device, &train)?;
    if report.profiled(&mut trainer, &train, 128)? {
        return Ok(());
    }
    let timed = Instant::now();
    let history = trainer.fit(&train, report.limited(Fit::epochs(5).batch_size(128)))?;
    let seconds = timed.elapsed().as_secs_f64();
    first_step(&trainer, "fashion_mlp", start, report);
    let mut before = 0.0;
    let mut rates = Vec::new();
    for epoch in &history.epochs {
        rates.push(train.len() as f64 / (epoch.seconds - before));
        before = epoch.seconds;
    }
    let first = history.epochs.first().map_or(f64::NAN, |e| e.loss);
    report.emit(
        "fashion_mlp",
        "images_per_s",
        &rates,
        Some((first, final_loss(&history))),
    );
    report.emit("fashion_mlp", "train_wall_s", &[seconds], None);
    let accuracy = trainer
        .evaluate(&test)?
        .metric("accuracy")
        .unwrap_or(f64::NAN);
    report.emit("fashion_mlp", "test_acc_5_epochs", &[accuracy], None);
    memory(&trainer, "fashion_mlp", report);
    Ok(())
}

/// Reads the training set and the test set.
pub fn fashion_mnist() -> Result<(Dataset, Dataset)> {
    let folder = std::env::var_os("FASHION_MNIST").map_or_else(
        || PathBuf::from("/usr/share/datasets/fashion-mnist"),
        PathBuf::from,
    );
    let part = |images: &str, labels: &str| {
        let file = |name: &str| folder.join(format!("{name}.gz"));
        data::idx(file(images), file(labels))
    };
    let train = part("train-images-idx3-ubyte", "train-labels-idx1-ubyte")?;
    Ok((
        train,
        part("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")?,
    ))
}
