//! Helpers of all workloads that train.

use std::time::{Duration, Instant};

use wgrad::Result;
use wgrad::train::{History, Tick, Trainer};

use crate::report::Report;

/// Trains until the training that has begun ends.
pub fn finish(trainer: &mut Trainer) -> Result<History> {
    loop {
        if let Tick::Done(_) = trainer.tick(Duration::from_secs(3600))? {
            return Ok(trainer.history().clone());
        }
    }
}

/// Returns the loss of the last epoch.
pub fn final_loss(history: &History) -> f64 {
    history.epochs.last().map_or(f64::NAN, |e| e.loss)
}

/// Prints the time from `start` to the end of the first step.
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

/// Prints the memory and the dispatches of a training step.
pub fn memory(trainer: &Trainer, name: &str, report: &Report) {
    report.memory(name);
    if let Some(saved) = trainer.memory_report() {
        println!("{name}: {saved}");
    }
    if let Some(cost) = trainer.cost() {
        report.emit(name, "device_bytes", &[cost.bytes as f64], None);
        let least = cost.lower_bound as f64;
        report.emit(name, "device_bytes_at_least", &[least], None);
        report.emit(name, "dispatches_a_step", &[cost.dispatches as f64], None);
    }
}
