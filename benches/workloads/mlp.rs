//! `mlp` and `mlp_256`: a small multi-layer perceptron.

use std::time::Instant;

use wgrad::data::{Dataset, Targets};
use wgrad::nn::{Linear, Relu, Sequential, Sigmoid};
use wgrad::random::Stream;
use wgrad::train::Trainer;
use wgrad::{Device, Fit, Result, loss, optim};

use crate::report::Report;
use crate::training::{final_loss, first_step, memory};

/// 10-64-64-1, ReLU, ReLU, sigmoid; binary cross-entropy; Adam 1e-3. `y = (X @ normal(10, 1)) > 0`.
pub fn mlp(
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
    // A run takes about half a second and starts after two: horizontal fusion starts after one.
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
