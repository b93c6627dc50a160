//! `lstm`: an LSTM on sequences.

use std::time::Instant;

use wgrad::data::{Dataset, Targets};
use wgrad::nn::{Linear, Lstm, Sequential};
use wgrad::random::Stream;
use wgrad::train::Trainer;
use wgrad::{Device, Fit, Result, loss, optim};

use crate::report::Report;
use crate::training::{final_loss, finish, first_step, memory};

const BATCH: usize = 32;
const BATCHES: usize = 8;
const STEPS: usize = 64;
const INPUTS: usize = 64;

/// LSTM 64-128, one layer, 64 steps, batch 32 of 8 batches, linear to 1 from the last step; mean
/// squared error; Adam 1e-3. `y` is the sum of the first input over time, divided by 8.
pub fn lstm(device: &Device, start: Instant, report: &Report) -> Result<()> {
    let mut random = Stream::new(1);
    let sample = STEPS * INPUTS;
    let x: Vec<f32> = (0..BATCHES * BATCH * sample)
        .map(|_| random.normal())
        .collect();
    let sum = |x: &[f32]| x.iter().step_by(INPUTS).sum::<f32>() / 8.0;
    let y = x.chunks_exact(sample).map(sum).collect();
    let set = Dataset::from_arrays(x, [STEPS, INPUTS], Targets::values(y))?;
    let model = Sequential::new()
        .add(Lstm::new(INPUTS, 128).last())
        .add(Linear::new(128, 1));
    let mut trainer = Trainer::new(model)
        .loss(loss::Mse::new())
        .optimizer(optim::Adam::new(1e-3))
        .precision(report.precision)
        .compile(device, &set)?;
    let fit = |epochs| report.limited(Fit::epochs(epochs).batch_size(BATCH));
    let first = trainer.fit(&set, fit(1))?;
    first_step(&trainer, "lstm", start, report);
    if report.profiled(&mut trainer, &set, BATCH)? {
        return Ok(());
    }
    let timed = Instant::now();
    trainer.fit(&set, fit(1))?;
    let epochs = (1.0 / timed.elapsed().as_secs_f64()).clamp(1.0, 100.0) as u64;
    let (mut rates, mut last) = (Vec::new(), 0.0);
    for _ in 0..9 {
        trainer.begin(&set, fit(epochs))?;
        let timed = Instant::now();
        let history = finish(&mut trainer)?;
        rates.push((epochs * BATCHES as u64) as f64 / timed.elapsed().as_secs_f64());
        last = final_loss(&history);
    }
    let losses = Some((final_loss(&first), last));
    report.emit("lstm", "steps_per_s", &rates, losses);
    memory(&trainer, "lstm", report);
    Ok(())
}
