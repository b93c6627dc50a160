//! `fashion_cnn`: a small convolutional network on Fashion-MNIST.

use std::time::Instant;

use wgrad::nn::{Conv2d, Flatten, Linear, MaxPool2d, Relu, Sequential};
use wgrad::train::Trainer;
use wgrad::{Device, Fit, Result, loss, optim};

use crate::fashion_mlp::fashion_mnist;
use crate::report::Report;
use crate::training::{final_loss, finish, first_step, memory};

const BATCH: usize = 64;

/// Convolution 3x3 1-32, ReLU, convolution 3x3 32-64, ReLU, max-pooling 2, 9216-128, ReLU, 128-10;
/// softmax cross-entropy; Adam 1e-3; batch 64; pixels / 255. Each run trains on the next images.
pub fn fashion_cnn(device: &Device, start: Instant, report: &Report) -> Result<()> {
    let (train, _) = fashion_mnist()?;
    let train = train.reshaped([1, 28, 28])?;
    let model = Sequential::new()
        .add(Conv2d::new(1, 32, 3))
        .add(Relu)
        .add(Conv2d::new(32, 64, 3))
        .add(Relu)
        .add(MaxPool2d::new(2))
        .add(Flatten)
        .add(Linear::new(9216, 128))
        .add(Relu)
        .add(Linear::new(128, 10));
    let mut trainer = Trainer::new(model)
        .loss(loss::CrossEntropy::new())
        .optimizer(optim::Adam::new(1e-3))
        .precision(report.precision)
        .compile(device, &train)?;
    let mut next = 0;
    let mut images = |count: usize| {
        let from = next;
        next += count;
        let rows: Vec<u32> = (from..next).map(|i| (i % train.len()) as u32).collect();
        train.subset(&rows)
    };
    let fit = || report.limited(Fit::epochs(1).batch_size(BATCH));
    let first = trainer.fit(&images(BATCH)?, fit())?;
    first_step(&trainer, "fashion_cnn", start, report);
    if report.profiled(&mut trainer, &images(20 * BATCH)?, BATCH)? {
        return Ok(());
    }
    // About two seconds a run.
    let warm = images(4 * BATCH)?;
    let timed = Instant::now();
    trainer.fit(&warm, fit())?;
    let steps = (8.0 / timed.elapsed().as_secs_f64()).clamp(2.0, 900.0) as usize;
    let (mut rates, mut last) = (Vec::new(), 0.0);
    for _ in 0..7 {
        let set = images(steps * BATCH)?;
        trainer.begin(&set, fit())?;
        let timed = Instant::now();
        let history = finish(&mut trainer)?;
        rates.push((steps * BATCH) as f64 / timed.elapsed().as_secs_f64());
        last = final_loss(&history);
    }
    let losses = Some((final_loss(&first), last));
    report.emit("fashion_cnn", "images_per_s", &rates, losses);
    memory(&trainer, "fashion_cnn", report);
    Ok(())
}
