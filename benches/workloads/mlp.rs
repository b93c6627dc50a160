//! w2 and w3: multi-layer perceptrons.

use std::path::PathBuf;
use std::time::Instant;

use wgrad::data::{self, Dataset, Targets};
use wgrad::nn::{Linear, Relu, Sequential, Sigmoid};
use wgrad::random::Stream;
use wgrad::train::{History, Trainer};
use wgrad::{Device, Fit, Result, loss, metrics, optim};

use crate::report::Report;

/// 10-64-64-1, ReLU, ReLU, sigmoid; binary cross-entropy; Adam 1e-3. `y = (X @ normal(10, 1)) > 0`.
pub fn w2(
    device: &Device,
    name: &str,
    (batch, samples): (usize, usize),
    start: Instant,
    report: &Report,
) -> Result<()> {
    let mut random = Stream::new(1);
    let weights: Vec<f32> = (0..10).map(|_| random.normal()).collect();
    let x: Vec<f32> = (0..samples * 10).map(|_| random.normal()).collect();
    let sign = |row: &[f32]| row.iter().zip(&weights).map(|(x, w)| x * w).sum::<f32>() > 0.0;
    let y = x
        .chunks_exact(10)
        .map(|row| f32::from(u8::from(sign(row))))
        .collect();
    let set = Dataset::from_arrays(x, [10], Targets::values(y))?;
    let model = Sequential::new()
        .add(Linear::new(10, 64))
        .add(Relu)
        .add(Linear::new(64, 64))
        .add(Relu)
        .add(Linear::new(64, 1))
        .add(Sigmoid);
    let mut trainer = Trainer::new(model)
        .loss(loss::Bce::new())
        .optimizer(optim::Adam::new(1e-3))
        .precision(report.precision)
        .compile(device, &set)?;
    let fit = |epochs| report.limited(Fit::epochs(epochs).batch_size(batch));
    let steps = samples.div_ceil(batch) as f64;
    let first = trainer.fit(&set, fit(1))?;
    first_step(&trainer, name, start, report);
    if report.profiled(&mut trainer, &set, batch)? {
        return Ok(());
    }
    // About half a second a run, once a training has settled: a GPU's dispatches are joined after a second.
    let settled = Instant::now();
    let mut epochs = 5;
    while settled.elapsed().as_secs_f64() < 2.0 {
        let timed = Instant::now();
        trainer.fit(&set, fit(epochs))?;
        let each = timed.elapsed().as_secs_f64() / epochs as f64;
        epochs = (0.5 / each).clamp(2.0, 20_000.0) as u64;
    }
    let (mut rates, mut last) = (Vec::new(), 0.0);
    for _ in 0..9 {
        let timed = Instant::now();
        let history = trainer.fit(&set, fit(epochs))?;
        rates.push(steps * epochs as f64 / timed.elapsed().as_secs_f64());
        last = final_loss(&history);
    }
    report.emit(
        name,
        "steps_per_s",
        &rates,
        Some((final_loss(&first), last)),
    );
    memory(&trainer, name, report);
    Ok(())
}

/// 784-512-256-10, ReLU; softmax cross-entropy; Adam 1e-3; batch 128; pixels / 255; 5 epochs.
pub fn w3(device: &Device, start: Instant, report: &Report) -> Result<()> {
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
    first_step(&trainer, "w3", start, report);
    let mut before = 0.0;
    let mut rates = Vec::new();
    for epoch in &history.epochs {
        rates.push(train.len() as f64 / (epoch.seconds - before));
        before = epoch.seconds;
    }
    let first = history.epochs.first().map_or(f64::NAN, |e| e.loss);
    report.emit(
        "w3",
        "images_per_s",
        &rates,
        Some((first, final_loss(&history))),
    );
    report.emit("w3", "train_wall_s", &[seconds], None);
    let accuracy = trainer
        .evaluate(&test)?
        .metric("accuracy")
        .unwrap_or(f64::NAN);
    report.emit("w3", "test_acc_5_epochs", &[accuracy], None);
    memory(&trainer, "w3", report);
    Ok(())
}

/// The images for training and for testing.
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

pub fn finish(trainer: &mut Trainer) -> Result<History> {
    use wgrad::train::Tick;
    loop {
        if let Tick::Done(_) = trainer.tick(std::time::Duration::from_secs(3600))? {
            return Ok(trainer.history().clone());
        }
    }
}

pub fn final_loss(history: &History) -> f64 {
    history.epochs.last().map_or(f64::NAN, |e| e.loss)
}

pub fn first_step(trainer: &Trainer, name: &str, start: Instant, report: &Report) {
    if let Some(at) = trainer.first_step() {
        report.emit(
            name,
            "first_step_ms",
            &[at.duration_since(start).as_secs_f64() * 1e3],
            None,
        );
    }
}

pub fn memory(trainer: &Trainer, name: &str, report: &Report) {
    report.memory(name);
    if let Some(savings) = trainer.savings() {
        println!("{name}: {savings}");
    }
    if let Some(cost) = trainer.cost() {
        report.emit(name, "device_bytes", &[cost.bytes as f64], None);
        let least = cost.lower_bound as f64;
        report.emit(name, "device_bytes_at_least", &[least], None);
        report.emit(name, "dispatches_a_step", &[cost.dispatches as f64], None);
    }
}
